"""Members that failed: said when it happens, counted at the end, and an exit code of its own on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from el4ner.cli.console import say

if TYPE_CHECKING:
    from el4ner.annotation import Annotation
    from el4ner.ensemble.costs import Cost, Failure

STRICT = 3  # the exit code of a run that is not what was asked for
_UNREAD = ("unreadable", "none of the answers")
_SHOWN = 3  # reasons of one member, and unreadable replies

Strict = Annotated[
    bool, typer.Option("--strict", help="End with exit code 3 where any question failed; what was made is kept.")
]


def announced(annotations: Iterable[Annotation]) -> Iterator[Annotation]:
    """The same annotations; the first failure of each member is said as soon as it is known."""
    said: set[str] = set()
    for annotation in annotations:
        for member, reason in annotation.failed.items():
            if member not in said:
                said.add(member)
                say(f"{member} failed: {reason} (text {annotation.id}; more of them are counted at the end)", "yellow")
        yield annotation


def tell_failures(costs: Iterable[Cost], entities: int | None = None) -> bool:
    """Say which members failed how often and why; whether any did. `entities`: how many were found, if that is told."""
    from el4ner.ensemble.costs import failures

    failed = failures(costs)
    tell(failed)
    unread = [reason for one in failed for reason in one.reasons if reason.startswith(_UNREAD)]
    if entities == 0 and unread:
        say(f"warning: nothing was found, and replies could not be read: {'; '.join(unread[:_SHOWN])}", "bold yellow")
    return bool(failed)


def tell(failed: Iterable[Failure]) -> None:
    """A line for each member that failed."""
    for one in failed:
        reasons = [f"{reason}{f' ({times:,} times)' if times > 1 else ''}" for reason, times in one.reasons.items()]
        more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
        say(
            f"{one.member}: {one.failed:,} of {one.calls:,} calls failed: {'; '.join(reasons[:_SHOWN])}{more}",
            "bold red",
        )


def end_strictly(strict: bool, failed: bool) -> None:
    """End the command with `STRICT` where that was asked for and something failed."""
    if strict and failed:
        raise typer.Exit(STRICT)
