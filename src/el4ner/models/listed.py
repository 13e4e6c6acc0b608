"""A list as it is written, to tell when it only repeats itself.

Small models fall into loops, and then list what they have listed before up to the token limit.
"""

from __future__ import annotations

from el4ner.models.constraint import SEPARATOR


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
