"""How well what was suggested agrees with what was accepted: when it no longer rises, one can stop."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from el4ner.evaluate.score import Score, Text, counts, score, strict
from el4ner.review.judgement import Judgement

WINDOWS = (20, 50, 200)  # texts that a point of the curve looks back on
_POINTS = 400  # of a curve at most


def agreement(accepted: Sequence[Judgement]) -> dict[str, Any]:
    """The curves and figures of what was accepted, in order, ready for JSON.

    `curves` has for each window (its size as a string) pairs: the number of texts so far, and the strict micro-F1 of
    the suggestions over the last so many; the first point stands where the window is full, or at the last text. `types`
    has precision, recall, right, found and gold over the widest window. Texts that were accepted before the ensemble
    had read them do not count there.
    """
    told = [one for one in accepted if one.suggested is not None]
    pairs = [Text("", one.entities, one.suggested or ()) for one in told]
    sums = np.vstack([np.zeros((1, 3), dtype=np.int64), counts(pairs, strict).cumsum(axis=0)])
    last = score(pairs[-WINDOWS[-1] :])
    return {
        "texts": len(accepted),
        "curves": {str(size): _curve(sums, size) for size in WINDOWS},
        "types": [[name, *_figures(one)] for name, one in last.labels.items()],
        "all": _figures(last.strict),
        "seconds": round(median(one.seconds for one in accepted[-WINDOWS[0] :]), 1) if accepted else None,
    }


def _curve(sums: np.ndarray[Any, np.dtype[np.int64]], size: int) -> list[list[float]]:
    count = len(sums) - 1
    ends = range(min(size, count), count + 1) if count else range(0)
    ends = ends[:: -max(1, len(ends) // _POINTS)][::-1]
    return [[end, round(_f1(*(sums[end] - sums[max(0, end - size)])), 4)] for end in ends]


def _f1(right: int, found: int, gold: int) -> float:
    """1 where nothing was suggested and nothing accepted: the two agree."""
    return float(2 * right / (found + gold)) if found + gold else 1.0


def _figures(one: Score) -> list[float]:
    return [round(one.precision, 4), round(one.recall, 4), one.right, one.found, one.gold]
