"""What the ensemble made of the texts so far, which of it is out of date, and what is to be read next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from el4ner.annotation import Annotation
from el4ner.data import Example
from el4ner.pool.pool import Pool
from el4ner.recipes.settings import Recipe
from el4ner.retrieval.encoder import Encoder
from el4ner.review.neighbours import Neighbours
from el4ner.review.worth import Sorting, Worth, disagreement
from el4ner.text.passage import show

AHEAD = 3  # texts that are read before anybody looks at them
LOOK = 24  # texts that are read so that the next can be chosen among them by what was said of them
_TOGETHER = 4  # texts read at once, where nobody waits for them


class Readings:
    """The texts' annotations, by their places, and the `edition` of the pool that each was made with.

    A text is out of date where it was touched since: where it would now be read beside another example. Recipes whose
    members learn from the whole pool, or draw from it, touch all. Not for several threads: `Review` holds the lock.
    """

    def __init__(self, texts: Sequence[str], recipe: Recipe, encoder: Encoder, sorting: Sorting = "valuable") -> None:
        self.sorting = sorting
        self.everything = False  # whether all that is open shall be read
        self.edition = 0
        self.annotations: dict[int, Annotation] = {}
        self._encoder = encoder
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._whole_pool = recipe.crf.hints or recipe.crf.votes or recipe.retrieve.by == "random"
        self._bare_too = any(member.entity_free for member in recipe.members)
        reach = max((member.demonstrations * member.stripe[1] for member in recipe.members), default=1)
        self._neighbours = Neighbours(self._encoded(texts), reach)
        self._read = np.full(len(texts), -1, dtype=np.int64)
        self._touched = np.zeros(len(texts), dtype=np.int64)
        self._disagreement = np.full(len(texts), np.nan)

    @property
    def open(self) -> NDArray[np.bool_]:
        """Which texts are still to be looked at."""
        return self._neighbours.open

    @property
    def worth(self) -> Worth:
        """What speaks for each text."""
        return Worth(self._disagreement, self._neighbours.readers, self._neighbours.distance)

    @property
    def outdated(self) -> NDArray[np.bool_]:
        """Which open texts have to be read: for the first time, or again."""
        return np.asarray(self.open & (self._read < self._touched))

    @property
    def counts(self) -> dict[str, int]:
        """Open texts: all, those read, and those to be read again."""
        read = self.open & (self._read >= 0)
        return {"open": int(self.open.sum()), "read": int(read.sum()), "again": int((read & self.outdated).sum())}

    @property
    def just_touched(self) -> int:
        """How many open texts the last change of the pool has touched: they would now be read differently."""
        return int((self.open & (self._touched == self.edition)).sum())

    def set_open(self, place: int, is_open: bool) -> None:
        """Say whether a text is still to be looked at."""
        self._neighbours.set_open(place, is_open)

    def grew(self, pool: Pool) -> None:
        """The pool has one more example at its end."""
        last = pool.examples[-1]
        touched = np.zeros(len(self._read), dtype=bool)
        if self._shown(last):
            touched = self._neighbours.add(self._encoded([last.text])[0])
        self._touch(touched | self._whole_pool)

    def changed(self, pool: Pool, all_touched: bool = False) -> None:
        """The pool is another one."""
        texts = [example.text for example in pool.examples if self._shown(example)]
        touched = self._neighbours.hold(self._encoded(texts))
        self._touch(touched | self._whole_pool | all_touched)

    def took(self, place: int, annotation: Annotation, edition: int) -> None:
        """A text was read with that edition of the pool."""
        self.annotations[place] = annotation
        self._disagreement[place] = disagreement(annotation)
        self._read[place] = edition

    def ranked(self, ready: bool = False) -> list[int]:
        """The open texts in the order of work. `ready`: those read come first, where what was said of them counts."""
        order = self.worth.order(self.sorting, np.flatnonzero(self.open))
        if ready and self._chosen:
            order = order[np.argsort(self._read[order] < 0, kind="stable")]
        return [int(place) for place in order]

    def wanted(self, upcoming: Iterable[int]) -> list[int]:
        """The texts to read next, in one go: one that somebody is about to look at goes alone; none if all is done."""
        outdated = self.outdated
        for place in upcoming:
            if outdated[place]:
                return [place]
        again = np.flatnonzero(outdated & (self._read >= 0))
        if len(again):
            return [int(place) for place in again[:_TOGETHER]]
        enough = not self._chosen or self.counts["read"] >= LOOK
        if enough and not self.everything:
            return []
        return [place for place in self.ranked() if self._read[place] < 0][:_TOGETHER]

    @property
    def _chosen(self) -> bool:
        return self.sorting in ("valuable", "uncertain")

    def _touch(self, touched: NDArray[np.bool_]) -> None:
        self.edition += 1
        self._touched[touched] = self.edition

    def _shown(self, example: Example) -> bool:
        return bool(example.entities) or self._bare_too

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors |= dict(zip(new, self._encoder.encode(list(map(show, new))), strict=True)) if new else {}
        return np.array([self._vectors[text] for text in texts]) if texts else self._encoder.encode([])
