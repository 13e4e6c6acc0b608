"""The order of work: which open text is looked at next."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from el4ner.annotation import Annotation
from el4ner.data import Ballot

Sorting = Literal["valuable", "given", "uncertain", "random"]
SORTINGS: tuple[Sorting, ...] = ("valuable", "given", "uncertain", "random")
_LEAST = 0.05  # disagreement about a text that nobody disagrees on: it may still be wrong


@dataclass(frozen=True)
class Worth:
    """What speaks for each text, (n,) each: `disagreement` is NaN where a text has not been read yet.

    `readers` counts the open texts that have it among their nearest; `distance` is that to the pool.
    """

    disagreement: NDArray[np.float64]
    readers: NDArray[np.int64]
    distance: NDArray[np.float32]

    def order(self, how: Sorting, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """These places, the most valuable first; equals in the order of the texts.

        A text that has not been read counts as one that is disagreed on as much as the others on average.
        """
        places = np.sort(places)
        if how == "given" or not len(places):
            return places
        if how == "random":  # always the same, whichever are left
            return places[np.argsort(np.random.default_rng(0).permutation(len(self.readers))[places])]
        value = self._known()[places]
        if how == "valuable":
            value = value * (1 + self.readers[places]) * self.distance[places]
        return places[np.argsort(-value, kind="stable")]

    def factors(self, place: int) -> dict[str, float | int | None]:
        """What the page says of a text."""
        said = float(self.disagreement[place])
        return {
            "disagreement": None if np.isnan(said) else round(said, 3),
            "readers": int(self.readers[place]),
            "distance": round(float(self.distance[place]), 3),
        }

    def _known(self) -> NDArray[np.float64]:
        read = ~np.isnan(self.disagreement)
        usual = float(self.disagreement[read].mean()) if read.any() else 0.5
        return _LEAST + np.where(read, self.disagreement, usual)


def disagreement(annotation: Annotation) -> float:
    """How much a text's ballots are in doubt, between 0 and 1: the mean over its candidates, 0 where there are none."""
    split = [_entropy(ballot) for ballot in annotation.ballots]
    return sum(split) / len(split) if split else 0.0


def _entropy(ballot: Ballot) -> float:
    """The entropy of what was voted, relative to the largest that so many voters could have.

    A vote gives its type what it is sure of, and the rest to a type that nobody named.
    """
    shares: dict[str | None, float] = {}
    votes = [vote for vote in ballot.votes if not vote.abstained]
    for vote in votes:
        sure = 1.0 if vote.probability is None else vote.probability
        name = vote.label or ""
        shares[name] = shares.get(name, 0.0) + sure / len(votes)
        shares[None] = shares.get(None, 0.0) + (1 - sure) / len(votes)
    entropy = -sum(share * log2(share) for share in shares.values() if share > 0)
    return min(1.0, entropy / log2(max(2, len(votes))))
