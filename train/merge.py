"""An expert as a model of its own: base GGUF + adapter -> GGUF in eight bits.

    python train/merge.py BASE.gguf ADAPTER.safetensors OUT.gguf

Metadata and tokenizer are the base's. The file appears whole or not at all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import adapter
import numpy as np
import weights
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize, quantize

_Q8_0 = GGMLQuantizationType.Q8_0


def merge(base: Path, factors: adapter.Factors, scale: float, out: Path, name: str | None = None) -> None:
    """Write the merged model; `factors` may be empty."""
    reader = GGUFReader(base)
    form = weights.shape(reader)
    ours = {theirs: part for part, theirs in weights.LINEAR.items()}
    draft = out.with_name(out.name + ".part")
    writer = GGUFWriter(draft, "llama")
    _copy_facts(reader, writer, name)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        parts = tensor.name.split(".")
        part = ours.get(parts[2]) if parts[0] == "blk" else None
        if part and f"{parts[1]}.{part}" in factors:
            a, b = factors[f"{parts[1]}.{part}"]
            delta = (scale * (b @ a)).astype(np.float32)
            heads = {"q": form.heads, "k": form.kv_heads}.get(part)
            values = values + (weights.to_gguf(delta, heads) if heads else delta)
        if values.ndim == 1:
            writer.add_tensor(tensor.name, values)
        else:
            same = tensor.tensor_type == _Q8_0 and not part
            writer.add_tensor(tensor.name, tensor.data if same else quantize(values, _Q8_0), raw_dtype=_Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.replace(out)


def _copy_facts(reader: GGUFReader, writer: GGUFWriter, name: str | None) -> None:
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind, value = field.types[0], field.contents()
        if field.name == "general.file_type":
            value = int(LlamaFileType.MOSTLY_Q8_0)
        if field.name == "general.name" and name:
            value = name
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, kind, inner)


def main() -> None:
    """Merge one adapter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name")
    args = parser.parse_args()
    factors, scale = adapter.load(args.adapter)
    merge(args.base, factors, scale, args.out, args.name)


if __name__ == "__main__":
    main()
