"""GGUF files made to measure, once, and kept in the cache: an expert's adapter merged in, and a faithful quantisation.

OpenVINO rounds the minimum of a Q4_1 block to an integer zero point, which changes the weights: SmolLM2-135M then gives
"." after "The capital of France is Paris" a log-probability of -1.83, where the same weights in Q8_0 give -0.36. And it
passes over an adapter that is given to it beside a GGUF file. So both become a Q8_0 file first.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from el4ner.errors import ModelError
from el4ner.models.adapter import LAYERS, Adapter
from el4ner.models.gguf import read_header

_Q4_1 = 3  # in GGUF's list of file types; others with a minimum a block (Q4_K) were not measured


def prepared(base: Path, adapter: Path | None = None) -> Path:
    """The file to open for a base model and an adapter: `base` itself, or a copy in the cache, made if there is none.

    Raises `ModelError` where the copy cannot be made.
    """
    if adapter is None and read_header(base).file_type != _Q4_1:
        return base
    digest = hashlib.sha256(b"".join(_digest(path) for path in (base, adapter) if path)).hexdigest()
    name = f"{base.stem}-{adapter.stem}" if adapter else base.stem
    target = user_cache_path("el4ner") / "models" / f"{name}-{digest[:16]}-q8_0.gguf"
    if not target.exists():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            merge(base, Adapter.load(adapter) if adapter else None, target)
        except OSError as error:
            raise ModelError(f"{target}: cannot keep the converted model there ({error})") from error
    return target


def merge(base: Path, adapter: Adapter | None, target: Path) -> None:
    """Write `base` with the adapter added, matrices as Q8_0, all else as it is. Whole or not at all."""
    import gguf  # takes a second to import, and is needed once

    q8 = gguf.GGMLQuantizationType.Q8_0
    reader = gguf.GGUFReader(base)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    writer = gguf.GGUFWriter(part, str(reader.fields["general.architecture"].contents()))
    _copy_metadata(reader, writer)
    for tensor in reader.tensors:
        if tensor.tensor_type == gguf.GGMLQuantizationType.F32:  # norms
            writer.add_tensor(tensor.name, tensor.data)
            continue
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        change = _change(tensor.name, adapter, reader) if adapter else None
        writer.add_tensor(
            tensor.name, gguf.quants.quantize(weights if change is None else weights + change, q8), raw_dtype=q8
        )
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _copy_metadata(reader: Any, writer: Any) -> None:
    import gguf

    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        value = int(gguf.LlamaFileType.MOSTLY_Q8_0) if name == "general.file_type" else field.contents()
        writer.add_key_value(name, value, kind, inner)


def _change(tensor: str, adapter: Adapter, reader: Any) -> NDArray[np.float32] | None:
    """What the adapter adds to a tensor such as `blk.7.attn_q.weight`, its rows in GGUF's order."""
    block, _, rest = tensor.removeprefix("blk.").partition(".")
    layer = LAYERS.get(rest.removesuffix(".weight"))
    change = adapter.change(f"{block}.{layer}") if layer else None
    if change is None or layer not in ("q", "k"):
        return change
    heads = "head_count" if layer == "q" else "head_count_kv"
    return _paired(change, int(reader.fields[f"llama.attention.{heads}"].contents()))


def _paired(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of query and key as llama.cpp orders them: it turns neighbouring dimensions of a head, not halves."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)
