"""When to give up: members that never answered, or not for a while."""

from __future__ import annotations

from collections.abc import Sequence

from el4ner.errors import ModelError
from el4ner.stages.state import PassageState

_SILENT = 4  # passages in a row without an answer that end a run: fewer can be texts that every model refuses


class Silence:
    """Counts the passages in a row that nobody answered; before the first answer, one is too many."""

    def __init__(self) -> None:
        self._passages = _SILENT

    def heed(self, states: Sequence[PassageState]) -> None:
        """What became of the next passages in stage 2. Raises `ModelError` where it has lasted too long."""
        if any(state.answered for state in states):
            self._passages = 0
            return
        self._passages += len(states)
        if self._passages >= _SILENT:
            reasons = "; ".join(f"{member}: {reason}" for member, reason in states[0].failed.items())
            raise ModelError(f"no member answered; {reasons}; `el4ner doctor` asks every endpoint")
