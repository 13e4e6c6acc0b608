"""The mean of several adapters of one base model, as one of the same rank: checkpoints on one path are better together.

    python train/average.py OUT.safetensors ONE.safetensors OTHER.safetensors ...

What is averaged is what they add to the weights, `scale * B @ A`, of which the largest singular values are kept. Of
steps of training that go on from each other, next to nothing is lost so (Wortsman et al. 2022, "Model soups").
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import adapter
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

Floats = NDArray[np.float32]


def average(adapters: Sequence[tuple[adapter.Factors, float]]) -> tuple[adapter.Factors, float, float]:
    """Factors and scale of the mean; of the layer that loses most, the share of squares that the rank leaves out."""
    factors, scale = adapters[0]
    if any(other.keys() != factors.keys() for other, _ in adapters):
        raise SystemExit("error: these adapters are not of one model; they change different layers")
    found, lost = {}, 0.0
    for name, (a, _) in factors.items():
        left = np.hstack([s * f[name][1] for f, s in adapters]) / (len(adapters) * scale)
        right = np.vstack([f[name][0] for f, _ in adapters])
        (first, second), missed = _truncated(left, right, len(a))
        found[name], lost = (first, second), max(lost, missed)
    return found, scale, lost


def _truncated(left: Floats, right: Floats, rank: int) -> tuple[tuple[Floats, Floats], float]:
    """A (rank, in) and B (out, rank), alike in size, with B @ A next to left @ right."""
    columns, upper = np.linalg.qr(left)
    rows, lower = np.linalg.qr(right.T)
    u, values, v = np.linalg.svd(upper @ lower.T)
    size = np.sqrt(values[:rank])
    missed = np.square(values[rank:]).sum() / max(np.square(values).sum(), np.finfo(np.float32).tiny)
    return (size[:, None] * (v[:rank] @ rows.T), columns @ u[:, :rank] * size), float(missed)


def _loaded(path: Path) -> tuple[adapter.Factors, float]:
    try:
        return adapter.load(path)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise SystemExit(f"error: {path}: no adapter ({error})") from error


def main() -> None:
    """Write the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("adapters", type=Path, nargs="+")
    args = parser.parse_args()
    factors, scale, lost = average([_loaded(path) for path in args.adapters])
    adapter.save(args.out, factors, scale, {"mean of": len(args.adapters)})
    print(f"{args.out}: of {len(args.adapters)}; the rank leaves out {lost:.2%} at most")


if __name__ == "__main__":
    main()
