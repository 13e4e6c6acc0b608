"""Token files as batches: rows of like length, padded on the right."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

_SORTED = 16384  # sequences that are sorted by length together
_PADDING = 255  # a branch that no question has


class Batch(NamedTuple):
    """Rows of one length: tokens, what each counts as a target, its branch and kind; see `episodes.Tokens`."""

    tokens: torch.Tensor
    weights: torch.Tensor
    branches: torch.Tensor
    kinds: np.ndarray
    rows: np.ndarray


class Sequences:
    """The token files of one name."""

    def __init__(self, folder: Path, name: str, most: int | None = None) -> None:
        def part(suffix: str) -> np.ndarray:
            return np.load(folder / f"{name}.{suffix}.npy", mmap_mode="r")

        self.ids, self.weights, self.branches, self.kinds = map(part, ("ids", "weights", "branches", "kinds"))
        self.lengths = np.array(part("lengths"))[:most]
        self.starts = np.concatenate([[0], np.cumsum(self.lengths.astype(np.int64))])

    def plan(self, size: int, dice: np.random.Generator | None) -> list[np.ndarray]:
        """Batches of about `size` tokens, padding included, of rows of like length; shuffled with dice."""
        order = dice.permutation(len(self.lengths)) if dice else np.arange(len(self.lengths))
        batches: list[np.ndarray] = []
        for at in range(0, len(order), _SORTED):
            part = order[at : at + _SORTED]
            noise = dice.uniform(0.9, 1.1, len(part)) if dice else 1.0
            part = part[np.argsort(self.lengths[part] * noise, kind="stable")]
            first, longest = 0, 0
            for i, length in enumerate(self.lengths[part]):
                longest = max(longest, _padded(length))
                if longest * (i + 1 - first) > size and i > first:
                    batches.append(part[first:i])
                    first, longest = i, _padded(length)
            batches.append(part[first:])
        return [batches[i] for i in dice.permutation(len(batches))] if dice else batches

    def batch(self, rows: np.ndarray, device: str) -> Batch:
        """These rows, padded on the right."""
        width = max(_padded(n) for n in self.lengths[rows])

        def padded(values: np.ndarray, filler: int) -> np.ndarray:
            block = np.full((len(rows), width), filler, np.int32)
            for i, row in enumerate(rows):
                block[i, : self.lengths[row]] = values[self.starts[row] : self.starts[row + 1]]
            return block

        tokens, counts, branches = (
            torch.from_numpy(padded(values, filler)).to(device)
            for values, filler in ((self.ids, 0), (self.weights, 0), (self.branches, _PADDING))
        )
        return Batch(tokens.long(), counts, branches, padded(self.kinds, 0), rows)


def _padded(length: int) -> int:
    return -(-int(length) // 32) * 32
