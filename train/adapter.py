"""LoRA factors in a file: eight bits a number, with a scale for each of the rank's directions.

`delta = scale * B @ A` for each linear layer, in Hugging Face's row order. numpy only: merging needs no
PyTorch.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

Factors = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]  # `0.q`: A (rank, in), B (out, rank)


def save(path: Path, factors: Factors, scale: float, facts: dict[str, object]) -> None:
    """Write them; the file appears whole or not at all."""
    tensors = {}
    for name, (a, b) in factors.items():
        for part, rows in (("a", a), ("b", b.T)):
            tensors[f"{name}.{part}"], tensors[f"{name}.{part}.scale"] = _rounded(rows)
    metadata = {"scale": repr(scale), "facts": json.dumps(facts)}
    draft = path.with_name(path.name + ".part")
    save_file(tensors, draft, metadata)
    draft.replace(path)


def load(path: Path) -> tuple[Factors, float]:
    """The factors as they come back, and the scale of B @ A."""
    with safe_open(path, "numpy") as file:
        scale = float(file.metadata()["scale"])
        names = sorted({key.rsplit(".", 1)[0] for key in file.keys() if key.endswith(".a")})  # noqa: SIM118

        def rows(key: str) -> NDArray[np.float32]:
            return file.get_tensor(key).astype(np.float32) * file.get_tensor(f"{key}.scale").astype(np.float32)

        return {name: (rows(f"{name}.a"), rows(f"{name}.b").T.copy()) for name in names}, scale


def _rounded(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
    return np.ascontiguousarray(np.round(rows / scales).astype(np.int8)), scales
