"""Who would be read beside whom: texts and pool compared as wholes, without asking a model.

Recipes that retrieve by whole texts ("sentence") read exactly these; for SpanSim it is an estimate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
_ROWS = 512  # texts compared at once: bounds the similarities that are held


class Neighbours:
    """`vectors` (n, d) are the texts', of length 1; `reach` is how many examples a text is read beside.

    `open` (n,) says which texts are still to be looked at.
    """

    def __init__(self, vectors: Vectors, reach: int) -> None:
        self._vectors = vectors
        self._reach = max(1, reach)
        self._best = np.full((len(vectors), self._reach), -np.inf, dtype=np.float32)  # similarities to the pool
        self.open = np.ones(len(vectors), dtype=bool)
        self._nearest = self._found()
        self.readers = np.bincount(self._nearest.ravel(), minlength=len(vectors))

    @property
    def distance(self) -> NDArray[np.float32]:
        """How far each text is from what the pool holds: 1 minus its highest similarity, between 0 and 1."""
        return np.clip(1 - self._best[:, 0], 0, 1)

    def hold(self, pool: Vectors) -> NDArray[np.bool_]:
        """Take this for the pool, and say which texts would now read others than before."""
        before = self._best
        self._best = np.full_like(before, -np.inf)
        for at in range(0, len(self._vectors) if len(pool) else 0, _ROWS):
            near = self._vectors[at : at + _ROWS] @ pool.T
            count = min(self._reach, near.shape[1])
            best = np.partition(near, -count, axis=1)[:, -count:]
            self._best[at : at + _ROWS, :count] = np.sort(best, axis=1)[:, ::-1]
        return np.asarray(~np.isclose(self._best, before, rtol=0, atol=1e-5).all(axis=1))

    def add(self, vector: Vectors) -> NDArray[np.bool_]:
        """The same with one more example in the pool."""
        near = self._vectors @ vector
        touched = near > self._best[:, -1]
        self._best[touched, -1] = near[touched]
        self._best[touched] = np.sort(self._best[touched], axis=1)[:, ::-1]
        return np.asarray(touched)

    def set_open(self, place: int, is_open: bool) -> None:
        """Say that a text is still to be looked at, or no more: it then counts as nobody's reader."""
        if self.open[place] != is_open:
            self.open[place] = is_open
            np.add.at(self.readers, self._nearest[place], 1 if is_open else -1)

    def _found(self) -> NDArray[np.int64]:
        """The other texts that each would be read beside, were all of them in the pool, shape (n, reach or fewer)."""
        count = len(self._vectors)
        reach = min(self._reach, max(0, count - 1))
        nearest = np.zeros((count, reach), dtype=np.int64)
        for at in range(0, count if reach else 0, _ROWS):
            near = self._vectors[at : at + _ROWS] @ self._vectors.T
            own = np.arange(len(near))
            near[own, at + own] = -np.inf
            nearest[at : at + _ROWS] = np.argpartition(near, -reach, axis=1)[:, -reach:]
        return nearest
