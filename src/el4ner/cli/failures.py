"""Members that failed: said when it happens, counted at the end, and an exit code of its own on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from el4ner.cli.console import say

if TYPE_CHECKING:
    from el4ner.ensemble.costs import Failure

STRICT = 3  # the exit code of a run that is not what was asked for
_UNREAD = ("unreadable", "none of the answers")
_SHOWN = 3  # reasons of one member, and unreadable replies

Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="End with exit code 3 where a question failed or a text has warnings; what was made is kept."
    ),
]


class FirstFailures:
    """Says each member's first failure of a kind as soon as it is known, and no more than a few of one member."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def tell(self, failed: Iterable[Failure]) -> None:
        """Say what is new among the failures so far."""
        from el4ner.ensemble.costs import kind

        told = Counter(member for member, _ in self._said)
        for one in failed:
            for reason in one.reasons:
                if told[one.member] < _SHOWN and (one.member, kind(reason)) not in self._said:
                    self._said.add((one.member, kind(reason)))
                    told[one.member] += 1
                    say(f"{one.member} failed: {reason} (how often is told at the end)", "yellow")


def tell_failures(failed: Iterable[Failure], entities: int | None = None) -> bool:
    """Say which members failed how often and why; whether any did. `entities`: how many were found, if that is told."""
    failed = list(failed)
    for one in failed:
        say(failure_line(one), "bold red")
    unread = [reason for one in failed for reason in one.reasons if reason.startswith(_UNREAD)]
    if entities == 0 and unread:
        say(f"warning: nothing was found, and replies could not be read: {'; '.join(unread[:_SHOWN])}", "bold yellow")
    return bool(failed)


def failure_line(one: Failure) -> str:
    """A member's failures in a line: how many of its calls, and the most frequent reasons."""
    several = len(one.reasons) > 1
    reasons = [f"{reason}{f' ({times:,} alike)' if several else ''}" for reason, times in one.reasons.items()]
    more = [f"and {len(reasons) - _SHOWN} other reasons"] if len(reasons) > _SHOWN else []
    told = "; ".join([*reasons[:_SHOWN], *more]) or "why was not kept"
    return f"{one.member}: {one.failed:,} of {one.calls:,} calls failed: {told}"


def end_strictly(strict: bool, failed: bool) -> None:
    """End the command with `STRICT` where that was asked for and something failed."""
    if strict and failed:
        raise typer.Exit(STRICT)
