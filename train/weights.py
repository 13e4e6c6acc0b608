"""Base weights out of a Llama GGUF file, and back: names, and the order of the rows of query and key.

llama.cpp turns neighbouring pairs of a head's dimensions, Hugging Face's Llama the first half against the second; GGUF
files hold the rows of `attn_q` and `attn_k` in llama.cpp's order. Here everything is in Hugging Face's.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray

LINEAR = {  # our name: GGUF's
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}  # fmt: skip


class Shape(NamedTuple):
    """What the tensors alone do not say."""

    layers: int
    heads: int
    kv_heads: int
    epsilon: float
    theta: float


def shape(reader: GGUFReader) -> Shape:
    """The model's shape, from the file's metadata."""

    def value(key: str) -> float:
        return reader.fields[f"llama.{key}"].contents()

    return Shape(
        int(value("block_count")),
        int(value("attention.head_count")),
        int(value("attention.head_count_kv")),
        float(value("attention.layer_norm_rms_epsilon")),
        float(value("rope.freq_base")),
    )


def read(path: Path) -> tuple[Shape, dict[str, NDArray[np.float32]]]:
    """Shape and dequantised weights: `0.q` ... `0.down`, `0.attn_norm`, `0.ffn_norm`, `embed`, `norm`."""
    reader = GGUFReader(path)
    form = shape(reader)
    ours = {theirs: name for name, theirs in LINEAR.items()}
    state = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        parts = tensor.name.split(".")
        if parts[0] == "blk":
            part = ours.get(parts[2], parts[2])
            heads = {"q": form.heads, "k": form.kv_heads}.get(part)
            state[f"{parts[1]}.{part}"] = from_gguf(values, heads) if heads else values
        else:
            state[{"token_embd": "embed", "output_norm": "norm"}[parts[0]]] = values
    return form, state


def from_gguf(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows in Hugging Face's order, out of llama.cpp's."""
    return rows.reshape(heads, len(rows) // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def to_gguf(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows in llama.cpp's order, out of Hugging Face's."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)
