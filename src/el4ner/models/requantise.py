"""A GGUF file in a quantisation that OpenVINO reads faithfully.

OpenVINO rounds the minimum of a Q4_1 block to an integer zero point, which changes the weights: SmolLM2-135M then gives
" Paris" after "The capital of France is" a log-probability of -0.375, where llama.cpp and a float32 forward pass
say -0.26. Written anew as Q8_0 (error under 0.4 % of a block's largest weight), the same file gives what it should.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_cache_path

from el4ner.errors import ModelError
from el4ner.models.gguf import read_header

_Q4_1 = 3  # in GGUF's list of file types; others with a minimum a block (Q4_K) were not measured


def faithful(path: Path) -> Path:
    """`path` itself where OpenVINO reads it faithfully, else its copy in the cache, made now if there is none."""
    if read_header(path).file_type != _Q4_1:
        return path
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = user_cache_path("el4ner") / "models" / f"{path.stem}-{digest[:16]}-q8_0.gguf"
    if not target.exists():
        requantise(path, target)
    return target


def requantise(source: Path, target: Path) -> None:
    """Write `source` to `target` with every quantised matrix as Q8_0; all else is copied. Atomic."""
    import gguf  # takes a second to import, and is needed once

    reader = gguf.GGUFReader(source)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(part, str(reader.fields["general.architecture"].contents()))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        value = gguf.LlamaFileType.MOSTLY_Q8_0 if name == "general.file_type" else field.contents()
        writer.add_key_value(name, value, kind, inner)
    q8 = gguf.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        if tensor.tensor_type in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, q8):
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        else:
            weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            writer.add_tensor(tensor.name, gguf.quants.quantize(weights, q8), raw_dtype=q8)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        part.replace(target)
    except OSError as error:
        raise ModelError(f"{target}: cannot keep the converted model there ({error})") from error
    finally:
        part.unlink(missing_ok=True)
