"""Names of types that look like two spellings of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import numpy as np

_ALIKE = 0.85  # difflib ratio from which two names are taken for spellings of one
_COMPARED = 20_000  # pairs at most, about a second: those that share the most letters
_BUCKETS = 64  # letters are counted in


def same(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each name with the first that differs from it in case, separators and plural alone."""
    first: dict[str, str] = {}
    for name in names:
        if first.setdefault(_plain(name), name) != name:
            yield first[_plain(name)], name


def near(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names that differ in a few letters, each spelling and each number within it once, in the order given.

    What differs in its digits alone is meant to differ: type 1, type 2. Of very many pairs with the same letters, those
    that share the most are compared.
    """
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(re.sub(r"\d+", "0", _plain(name)), name)
    stems = list(first)
    for a, b in sorted(_close(stems)):
        matcher = SequenceMatcher(None, stems[a], stems[b])
        if matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
            yield first[stems[a]], first[stems[b]]


def _close(stems: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs whose letters, in any order, are enough alike: a bound on difflib's ratio, at the price of a table."""
    counts = np.zeros((len(stems), _BUCKETS), dtype=np.int16)
    for row, stem in zip(counts, stems, strict=True):
        np.add.at(row, [ord(char) % _BUCKETS for char in stem], 1)
    lengths = counts.sum(axis=1)
    bounds: list[tuple[float, int, int]] = []
    for a in range(len(stems) - 1):
        shared = np.minimum(counts[a], counts[a + 1 :]).sum(axis=1)
        ratios = 2 * shared / (lengths[a] + lengths[a + 1 :])
        bounds += [(float(ratios[i]), a, a + 1 + int(i)) for i in np.flatnonzero(ratios >= _ALIKE)]
    bounds.sort(key=lambda bound: -bound[0])
    return [(a, b) for _, a, b in bounds[:_COMPARED]]


def _plain(name: str) -> str:
    """A name without case, separators and plural."""
    return re.sub(r"[\W_]+", "", name.casefold()).removesuffix("s") or name
