"""Many comparisons at once (Holm 1979): the chance of a single false "differs" among them stays below the level."""

from __future__ import annotations

from collections.abc import Sequence


def holm(values: Sequence[float]) -> list[float]:
    """The corrected p-values, in the order given: the smallest times their number, the next times one less, ..."""
    corrected, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        least = max(least, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = least
    return corrected
