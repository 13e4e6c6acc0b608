"""What became of the texts of a run, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from el4ner.annotation import Annotation
from el4ner.data import NOT_ASKED


@dataclass(slots=True)
class Tally:
    """Counts annotations as they pass.

    `ungrounded` counts what members listed that does not stand in the text, `abstained` answers that were of no use.
    """

    texts: int = 0
    entities: int = 0
    ungrounded: int = 0
    abstained: int = 0

    def counting(self, annotations: Iterable[Annotation]) -> Iterator[Annotation]:
        """The same annotations, counted."""
        for annotation in annotations:
            self.add(annotation)
            yield annotation

    def add(self, annotation: Annotation) -> None:
        """Count one more."""
        self.texts += 1
        self.entities += len(annotation.entities)
        self.ungrounded += sum(len(trace.ungrounded) for trace in annotation.traces)
        self.abstained += sum(len(trace.abstained) for trace in annotation.traces)
        for ballot in annotation.ballots:
            self.abstained += sum(vote.abstained not in ("", NOT_ASKED) for vote in ballot.votes)
            self.abstained += sum(verdict.holds is None for verdict in ballot.verdicts)
