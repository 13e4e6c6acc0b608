"""All that was decided so far, from the pool's lines and the journal: over restarts, and each thing once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from el4ner.data import Example, Span
from el4ner.pool.pool_file import PoolFile
from el4ner.review.journal import Journal
from el4ner.review.judgement import Judgement, rows, spans

BACK = 10  # decisions that can be taken back


@dataclass(frozen=True)
class History:
    """What holds: `judgements` in the order in which they were made, without those that were taken back.

    `last` is the highest number that was ever given, `keys` those of all requests that were ever done. `before` has
    what was accepted of texts when that was last taken back.
    """

    judgements: tuple[Judgement, ...] = ()
    last: int = 0
    keys: frozenset[str] = frozenset()
    before: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, file: PoolFile, journal: Journal) -> History:
        """An acceptance holds as long as its line stands in the pool; all else is in the journal.

        What was taken back is known by its key: two processes may have given the same number.
        """
        found = [one for e in file.pool.examples if (one := _accepted(file, e))]
        told = [one for record in journal.records if (one := Judgement.from_record(record))]
        undone = {str(record.get("key")): record for record in journal.records if isinstance(record.get("undo"), int)}
        held = sorted([*found, *(one for one in told if one.key not in undone)], key=lambda one: one.number)
        keys = {one.key for one in (*found, *told)} | undone.keys()
        not_accepted = {one.key for one in told}
        once = [record for key, record in undone.items() if key not in not_accepted]
        before = {str(record.get("ref")): spans(record.get("entities")) for record in once}
        numbers = [*(record["undo"] for record in undone.values()), *(one.number for one in (*found, *told))]
        last = max(numbers, default=0)
        return cls(tuple(held), last, frozenset(keys), before)

    @property
    def undoable(self) -> Judgement | None:
        """What is taken back next, if it is not too long ago."""
        top = self.judgements[-1] if self.judgements else None
        return top if top and top.number > self.last - BACK else None

    def plus(self, one: Judgement) -> History:
        """With another one at the end."""
        return History((*self.judgements, one), one.number, self.keys | {one.key}, self.before)

    def latest(self) -> dict[str, Judgement]:
        """The last judgement of each text."""
        return {one.ref: one for one in self.judgements}


def undo_record(one: Judgement) -> dict[str, object]:
    """The journal's line that takes a judgement back. What was accepted is kept, to be corrected."""
    return {"undo": one.number, "key": one.key, "ref": one.ref, "entities": rows(one.entities)}


def accepted(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Those that were accepted."""
    return [one for one in judgements if one.kind == "accept"]


def _accepted(file: PoolFile, example: Example) -> Judgement | None:
    note = file.notes.get(example.text)
    return Judgement.from_record(note, example.entities) if note else None
