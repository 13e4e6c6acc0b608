"""Headers of GGUF files, and adapters, as damage leaves them: one line, at once, before an engine sees them."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from el4ner.errors import ModelError
from el4ner.models.gguf.adapter import Adapter
from el4ner.models.gguf.header import _BLOCKS, read_header
from el4ner.models.gguf.screen import screen


def written(path: Path, **changed: Any) -> Path:
    """A small Llama file; `changed` are counts, and how its embedding is shaped."""
    counts = {"context": 256, "width": 64, "blocks": 1, "heads": 4, "shared": 2, "ids": 2, "rows": 8} | changed
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(counts["context"])
    writer.add_embedding_length(counts["width"])
    writer.add_block_count(counts["blocks"])
    writer.add_head_count(counts["heads"])
    writer.add_head_count_kv(counts["shared"])
    writer.add_token_list([f"t{n}" for n in range(8)])
    writer.add_eos_token_id(counts["ids"])
    writer.add_tensor("token_embd.weight", np.ones((counts["rows"], 64), np.float16))
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(64, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "tiny.gguf")


def test_what_the_file_says_is_read(file: Path) -> None:
    header = read_header(file)
    assert (header.context, header.file_type, header.parameters) == (256, None, 8 * 64 + 64)
    assert header.lengths == {"tokenizer.ggml.tokens": 8}
    assert header.shapes == {"token_embd.weight": (64, 8), "blk.0.attn_norm.weight": (64,)}
    screen(file, header)


def test_the_sizes_of_blocks_are_those_of_the_format() -> None:
    assert {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}.items() <= _BLOCKS.items()


def fault(path: Path) -> str:
    """What is said of a file; nothing where it is sound."""
    try:
        screen(path, read_header(path))
    except ModelError as error:
        return str(error)
    return ""


def test_damage_anywhere_in_a_header_is_one_line_or_none(file: Path) -> None:
    whole = file.read_bytes()
    for seed in range(400):
        dice, content = random.Random(seed), bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(4, 700)
            content[at : at + 8] = dice.choice([dice.randbytes(8), b"\xff" * 8, struct.pack("<Q", 1 << 60), b""])
        file.write_bytes(content)
        told = fault(file)
        assert not told or (told.startswith(str(file)) and told.isprintable())


@pytest.mark.parametrize("at", [8, 16])
def test_a_count_without_bound_takes_no_time_and_no_memory(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at : at + 8] = struct.pack("<Q", 1 << 60)
    file.write_bytes(content)
    began = time.perf_counter()
    with pytest.raises(ModelError, match="claims to hold 1,152,921,504,606,846,976"):
        read_header(file)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"heads": 68}, "heads do not share"), ({"heads": 0}, "attention.head_count is 0"), ({"shared": 3}, "4 heads"),
        ({"blocks": 9}, "holds 1 blocks"), ({"width": 32}, "token_embd.weight is"), ({"ids": 8}, "eos_token_id is 8"),
        ({"rows": 9}, "with 8 tokens"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_not_given_to_an_engine(tmp_path: Path, changed: dict[str, int], told: str) -> None:
    path = written(tmp_path / "odd.gguf", **changed)
    with pytest.raises(ModelError, match=told):
        screen(path, read_header(path))


def test_a_file_of_another_kind_or_none_is_told(tmp_path: Path) -> None:
    for content in (b"", b"GG", b"GGUF", b"GGUF" + b"\0" * 40, b"GGUF\0\0\0\3" + b"\0" * 40):
        (tmp_path / "odd").write_bytes(content)
        with pytest.raises(ModelError, match=r"odd: (not a GGUF|ends too early|GGUF of version)"):
            read_header(tmp_path / "odd")
    with pytest.raises(ModelError, match="cannot be read"):
        read_header(tmp_path / "none")


SCALES = ((2, 1), np.float32)
GOOD = {"a": ((2, 8), np.int8), "a.scale": SCALES, "b": ((2, 6), np.int8), "b.scale": SCALES}


@pytest.mark.parametrize(
    ("changed", "scale"),
    [
        ({"a": ((16,), np.int8)}, "2"), ({"a.scale": ((1, 2), np.float32)}, "2"),
        ({"a.scale": ((2,), np.float32)}, "2"),
        ({"b": ((3, 6), np.int8), "b.scale": ((3, 1), np.float32)}, "2"), ({"b": None}, "2"), ({}, "nan"), ({}, "x"),
        ({"a.scale": (np.full((2, 1), np.inf, np.float32), None)}, "2"), ({}, None),
        ({"a": ((3_000_000, 1), np.int8), "a.scale": ((1, 3_000_000), np.float32)}, "2"),
    ],
)  # fmt: skip
def test_an_adapter_that_is_none_is_one_line(tmp_path: Path, changed: dict[str, Any], scale: str | None) -> None:
    parts = {f"0.q.{name}": part for name, part in (GOOD | changed).items() if part is not None}
    tensors = {k: s if isinstance(s, np.ndarray) else np.ones(s, kind) for k, (s, kind) in parts.items()}
    save_file(tensors, tmp_path / "odd.safetensors", {"scale": scale} if scale else None)
    with pytest.raises(ModelError, match=r"odd\.safetensors: not an adapter of el4ner") as caught:
        Adapter.load(tmp_path / "odd.safetensors")
    assert str(caught.value).isprintable()
