"""How good the ensemble is by now, and which labels it does not believe: each example is read as if it were away."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from el4ner.annotation import Annotation
from el4ner.data import Document, Example
from el4ner.evaluate.audit import Suspect, suspects
from el4ner.evaluate.bootstrap import interval
from el4ner.evaluate.score import Text, counts, total
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.text.printable import printable

_JUDGED = 200  # examples at most
_SUSPECTS = 20  # shown
_STEP = 4  # of these at once: nobody waits longer for a text


class PoolEstimate:
    """Leave-one-out over some of the pool, a few examples at a time; `left` are those to come."""

    def __init__(self) -> None:
        self.left: list[Example] = []
        self.told: Mapping[str, object] = {}  # how many were judged, of how many, and when all were F1 and its interval
        self._judged: list[tuple[Example, Annotation]] = []

    def ask(self, pool: Pool) -> None:
        """Begin anew, on up to 200 examples that are drawn from the pool."""
        self._judged = []
        self.left = Random(0).sample(pool.examples, min(_JUDGED, len(pool.examples)))
        self.told = {"judged": 0, "of": len(self.left)}

    def take(self, ner: EL4NER) -> None:
        """Judge the next few."""
        some = self.left[:_STEP]
        found = ner.annotate([Document(example.id, example.text) for example in some], leave_one_out=True)
        for example, annotation in zip(some, found, strict=True):
            self._judged.append((example, annotation))
        self.left = self.left[_STEP:]
        self.told = {"judged": len(self._judged), "of": len(self._judged) + len(self.left)}
        if not self.left:
            table = counts([Text(e.text, e.entities, a.entities) for e, a in self._judged])
            middle = interval(table)
            doubted = suspects(self._judged, ner.pool, len(ner.voters))[:_SUSPECTS]
            self.told |= {"f1": total(table).f1, "low": middle.low, "high": middle.high}
            self.told |= {"suspects": [_record(one) for one in doubted]}


def _record(suspect: Suspect) -> dict[str, object]:
    """What the page shows: strings alone, fit to be shown."""
    sides = [
        f"{suspect.example.text[m.start : m.end]} ({m.label})" if m else "–"
        for m in (suspect.pair.gold, suspect.pair.found)
    ]
    told = {"text": suspect.example.text, "pool": sides[0], "found": sides[1], "against": ", ".join(suspect.against)}
    return {"sureness": round(suspect.sureness, 2)} | {key: printable(said) for key, said in told.items()}
