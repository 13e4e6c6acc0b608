"""Where a reply ends among the texts of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

from el4ner.data import SEPARATOR
from el4ner.models.base import Token


def stop_at(text: str, stop: Sequence[str]) -> int | None:
    """Where the first of these stop strings begins; None where there is none."""
    return min((at for string in stop if (at := text.find(string)) >= 0), default=None)


def until(tokens: Sequence[Token], end: int) -> tuple[Token, ...]:
    """The tokens of the first `end` characters of a reply, the last one cut to them."""
    kept, at = [], 0
    for token in tokens:
        if at < end:
            kept.append(Token(token.text[: end - at], token.logprob))
        at += len(token.text)
    return tuple(kept)


class Listed:
    """The entries so far. `repeats` counts how many in a row, up to the last, were there before."""

    def __init__(self) -> None:
        self.repeats = 0
        self._seen: set[str] = set()
        self._rest = ""

    def write(self, piece: str) -> None:
        """Some more of the text."""
        *entries, self._rest = (self._rest + piece).split(SEPARATOR)
        for entry in map(str.strip, entries):
            self.repeats = self.repeats + 1 if entry in self._seen else 0
            self._seen.add(entry)
