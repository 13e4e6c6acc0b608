"""The one-standard-error rule: the simplest setting near the best one, so that noise is not taken for merit.

Breiman et al. (1984), for the size of a tree; here the simplest is what changes fewest settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Of some two hundred settings, the luckiest is a standard error above the rest by chance alone. With 1, the nano recipe
# tuned by 40 texts of wnut17 lost half of its cross-validated F1 to such choices (.115 for .222); with 2, nothing.
ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted: the highest micro-F1; or with `precision`, the highest recall at that precision or more.

    The floor must hold with one more wrong entity, so that one right out of one is no precision of 1.
    """

    precision: float | None = None


def choose_setting(tables: NDArray[np.int64], changes: Sequence[int], goal: Goal, errors: float = ERRORS) -> int:
    """The position of the setting to take. `tables` (settings, texts, 3) holds right, found and gold of each text.

    Of all that are not worse than the best by more than
    `errors` standard errors of the difference on these texts, those with the fewest `changes`; of these, the best; of
    equals, the first. Where no setting reaches the goal's floor, the one that comes nearest.
    """
    sums = tables.sum(axis=1).astype(np.float64)
    guarded = sums[:, 0] / (sums[:, 1] + 1)
    allowed = np.ones(len(sums), dtype=bool) if goal.precision is None else guarded >= goal.precision
    if not allowed.any():
        return int(np.argmax(guarded))
    value, influence = _influence(tables, sums, goal)
    best = int(np.argmax(np.where(allowed, value, -1)))
    gaps = influence[best] - influence
    error = np.sqrt((gaps**2).sum(axis=1) * tables.shape[1] / max(1, tables.shape[1] - 1))
    near = [int(at) for at in np.flatnonzero(allowed & (value >= value[best] - errors * error))]
    return min(near, key=lambda at: (changes[at], -value[at], at))


def _influence(tables: NDArray[np.int64], sums: Floats, goal: Goal) -> tuple[Floats, Floats]:
    """F1 or recall of every setting, and what each text contributes to its deviation (the delta method)."""
    right, found, gold = (tables[:, :, i].astype(np.float64) for i in range(3))
    top, bottom = (2 * right, found + gold) if goal.precision is None else (right, gold)
    whole = np.maximum(1.0, bottom.sum(axis=1))
    value = top.sum(axis=1) / whole
    return value, (top - value[:, None] * bottom) / whole[:, None]
