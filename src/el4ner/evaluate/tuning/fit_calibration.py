"""Platt calibration of a recipe's scores: fitted to entities that are right or wrong, so that a score of 0.7 means it.

Platt (1999): a logistic regression of "is right" on the log-odds of the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from el4ner.decide import calibrated, log_odds, uncalibrated
from el4ner.evaluate.calibration import calibration_of
from el4ner.evaluate.tuning.leave_one_out import Evidence
from el4ner.recipes.settings import Recipe

Floats = NDArray[np.float64]
Right = NDArray[np.bool_]
SlopeAndShift = tuple[float, float]  # of log-odds, as `el4ner.decide.calibrated` takes them
_SLOPES = np.geomspace(0.25, 4, 33)
_SHIFTS = np.linspace(-3, 3, 61)


@dataclass(frozen=True, slots=True)
class CalibrationGain:
    """Expected calibration error of `entities` scores: as they were, and as they are fitted to other texts.

    `helps`: fitted scores have the lower log loss as well, which the cut of the bins has no part in.
    """

    entities: int
    before: float
    after: float
    helps: bool


def platt_calibrated(
    recipe: Recipe, evidence: Evidence, folds: Sequence[NDArray[np.int64]]
) -> tuple[Recipe, CalibrationGain]:
    """The recipe with scores fitted to all texts of the evidence, if that helps: cross-validated on `folds` of them.

    What it finds stays the same: the threshold moves with the scores. None of them to fit to: nothing changes.
    """
    how = recipe.decide
    bare = recipe.model_copy(update={"decide": how.model_copy(update={"calibration": None})})
    scored = evidence.scored(bare)
    before = _calibrate(scored.scores, how.calibration)
    kept = before >= how.threshold
    shares, right, owner, before = scored.scores[kept], scored.right[kept], scored.owner[kept], before[kept]
    around = how.calibration or (1.0, 0.0)
    after = before.copy()
    for fold in folds:
        out = np.isin(owner, fold)
        after[out] = _calibrate(shares[out], fit_platt(shares[~out], right[~out], around))
    helps = _log_loss(after, right) < _log_loss(before, right)
    was, fitted = (calibration_of(scores, right.astype(float)).error for scores in (before, after))
    found = _with(recipe, fit_platt(shares, right, around)) if helps else recipe
    return found, CalibrationGain(len(shares), was, fitted, helps)


def fit_platt(shares: Floats, right: Right, around: SlopeAndShift = (1.0, 0.0)) -> SlopeAndShift:
    """Slope and shift of `el4ner.decide.calibrated` for these shares, (n,), and whether each entity is right.

    Platt scaling of log-odds, by the highest posterior on a grid. The priors are normal, of the shift and of the
    slope's logarithm to the base of 2, with deviation 1, `around` what holds already: a few entities change little.
    """
    odds = np.array([log_odds(share) for share in shares])
    slopes, shifts = np.meshgrid(_SLOPES * around[0], _SHIFTS + around[1], indexing="ij")
    loss = (np.log2(slopes / around[0]) ** 2 + (shifts - around[1]) ** 2) / 2
    for odd, true in zip(odds, right, strict=True):
        loss += np.logaddexp(0, (-1 if true else 1) * (slopes * odd + shifts))
    best = int(np.argmin(loss))
    slope, shift = round(float(slopes.flat[best]), 3), round(float(shifts.flat[best]), 3)
    return min(max(slope, 0.01), 100.0), min(max(shift, -100.0), 100.0)


def _with(recipe: Recipe, calibration: SlopeAndShift) -> Recipe:
    how = recipe.decide
    threshold = calibrated(uncalibrated(how.threshold, how.calibration), calibration) if how.threshold else 0.0
    decide = {"calibration": calibration, "threshold": floor(1e9 * threshold) / 1e9}
    return recipe.model_copy(update={"decide": how.model_copy(update=decide)})


def _calibrate(shares: Floats, calibration: SlopeAndShift | None) -> Floats:
    return np.array([calibrated(float(share), calibration) for share in shares], dtype=np.float64)


def _log_loss(scores: Floats, right: Right) -> float:
    odds = np.array([log_odds(score) for score in scores])
    return float(np.logaddexp(0, np.where(right, -odds, odds)).sum())
