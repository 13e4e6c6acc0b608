"""A small model and a small adapter, as files, to be changed."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

_WIDTH, _HEADS = 32, 2
TOKENS = (
    *(struct.pack("<Q", number) for number in (0, 1, 2**31, 2**32, 2**60, 2**63, 2**64 - 1)),
    *(struct.pack("<I", number) for number in (*range(14), 2**31, 2**32 - 1)), b"GGUF", b"FUGG", b"general.",
    b"llama.context_length", b"tokenizer.", b"\xff" * 8, b"general.file_type", b"general.alignment",
)  # fmt: skip


def model(path: Path) -> Path:
    """Three matrices, a norm and a few facts, two of them lists."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(1)
    writer.add_array("general.tags", ["small", "made up"])
    writer.add_array("llama.sizes", [1, 2, 3])
    writer.add_token_list(["a", "b"])
    dice = np.random.default_rng(0)
    for name, rows in (("attn_q", _WIDTH), ("attn_k", _WIDTH // 2), ("ffn_down", _WIDTH)):
        writer.add_tensor(f"blk.0.{name}.weight", dice.normal(size=(rows, _WIDTH)).astype(np.float16))
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(_WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def adapter(path: Path) -> Path:
    """Factors of rank two for the three matrices."""
    tensors = {}
    for layer, rows in (("0.q", _WIDTH), ("0.k", _WIDTH // 2), ("0.down", _WIDTH)):
        for part, size in (("a", _WIDTH), ("b", rows)):
            tensors[f"{layer}.{part}"] = np.ones((2, size), np.int8)
            tensors[f"{layer}.{part}.scale"] = np.full((2, 1), 5e-3, np.float32)
    save_file(tensors, path, {"scale": "2.0"})
    return path
