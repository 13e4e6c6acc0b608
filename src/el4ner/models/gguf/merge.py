"""GGUF files made to measure, once, and kept in the cache: an expert's adapter merged in, and a faithful quantisation.

OpenVINO rounds the minimum of a Q4_1 block to an integer zero point, which changes the weights: SmolLM2-135M then gives
"." after "The capital of France is Paris" a log-probability of -1.83, where the same weights in Q8_0 give -0.36. And it
passes over an adapter that is given to it beside a GGUF file. So both become a Q8_0 file first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from el4ner.errors import El4nerError, ModelError
from el4ner.files import private, user_cache, whole, write_whole
from el4ner.models.gguf.adapter import LAYERS, Adapter
from el4ner.models.gguf.header import read_header

_Q4_1 = 3  # in GGUF's list of file types; others with a minimum a block (Q4_K) were not measured


def prepared(base: Path, adapter: Path | None = None) -> Path:
    """The file to open for a base model and an adapter: `base` itself, or a copy in the cache, made if there is none.

    Raises `ModelError` where the copy cannot be made.
    """
    target = destination(base, adapter)
    if not target.exists():
        make(base, adapter, target)
    return target


def destination(base: Path, adapter: Path | None = None) -> Path:
    """Where `prepared` has its file: `base` itself, or a place in the cache that depends on what both files hold."""
    header = read_header(base)  # which is checked, whatever comes
    if adapter is None and header.file_type != _Q4_1:
        return base
    try:
        digest = hashlib.sha256(b"".join(file_digest(path) for path in (base, adapter) if path)).hexdigest()
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror})") from error
    name = f"{base.stem}-{adapter.stem}" if adapter else base.stem
    return user_cache() / "models" / f"{name}-{digest[:16]}-q8_0.gguf"


def make(base: Path, adapter: Path | None, target: Path, watch: Callable[[float], None] = lambda share: None) -> None:
    """Write the file for a base model and an adapter, and its checksum beside it; `watch` hears the share done.

    Raises `ModelError` where that fails.
    """
    try:
        private(target.parent)
        merge(base, Adapter.load(adapter) if adapter else None, target, watch)
        write_whole(checksum_file(target), [f"{file_digest(target).hex()}  {target.name}\n"])
    except MismatchError as error:
        raise ModelError(f"{adapter}: it is not for {base.name}: {error}") from error
    except OSError as error:
        raise ModelError(f"{target}: cannot keep the converted model there ({error})") from error
    except El4nerError:
        raise
    except Exception as error:  # a damaged file: whatever its numbers make of the reader
        said = f"{type(error).__name__}: {error}"[:200]
        raise ModelError(f"{base}: not a whole GGUF file, or a damaged adapter ({said}); fetch it again") from error


def intact(target: Path) -> bool:
    """Whether a file that `make` wrote is there and is what it was."""
    noted = checksum_file(target)
    return target.exists() and noted.exists() and noted.read_text("utf-8").split()[:1] == [file_digest(target).hex()]


def checksum_file(target: Path) -> Path:
    """Where `make` leaves the checksum of a file, as `sha256sum --check` reads it."""
    return target.with_name(f"{target.name}.sha256")


class MismatchError(ValueError):
    """An adapter changes what the model does not have."""


def merge(
    base: Path, adapter: Adapter | None, target: Path, watch: Callable[[float], None] = lambda share: None
) -> None:
    """Write `base` with the adapter added, matrices as Q8_0, all else as it is. Whole or not at all.

    Raises `MismatchError` where the adapter is not for this model, `ModelError` where the base cannot be read.
    """
    import gguf  # takes a second to import, and is needed once

    read_header(base)  # the library believes whatever a file says of itself
    q8 = gguf.GGMLQuantizationType.Q8_0
    try:
        reader = gguf.GGUFReader(base)
    except (ValueError, IndexError) as error:  # its arrays end where the file does
        raise ModelError(f"{base}: not a whole GGUF file ({error}); fetch it again") from error
    changes = _changes(adapter, reader) if adapter else {}
    with whole(target) as part:
        writer = gguf.GGUFWriter(part, str(reader.fields["general.architecture"].contents()))
        _copy_metadata(reader, writer)
        for number, tensor in enumerate(reader.tensors, 1):
            if tensor.tensor_type == gguf.GGMLQuantizationType.F32:  # norms
                writer.add_tensor(tensor.name, tensor.data)
                continue
            weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            if tensor.name in changes:
                weights = weights + changes[tensor.name]()
            writer.add_tensor(tensor.name, gguf.quants.quantize(weights, q8), raw_dtype=q8)
            watch(number / len(reader.tensors))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file's content, read again only where its size or time is another."""
    seen = path.stat()
    return _read_digest(path, seen.st_size, seen.st_mtime_ns)


@lru_cache(16)  # several adapters share a base; a changed file has another time
def _read_digest(path: Path, size: int, changed: int) -> bytes:
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


def _changes(adapter: Adapter, reader: Any) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """What the adapter adds, by tensor (`blk.7.attn_q.weight`), made when it is asked for: rows in GGUF's order."""
    if (architecture := reader.fields["general.architecture"].contents()) != "llama":
        raise MismatchError(f"adapters are for models of the architecture llama, and this is {architecture}")
    shapes = {tensor.name: tuple(int(n) for n in reversed(tensor.shape)) for tensor in reader.tensors}
    theirs = {ours: name for name, ours in LAYERS.items()}
    changes: dict[str, Callable[[], NDArray[np.float32]]] = {}
    for name, (a, b) in adapter.factors.items():
        block, _, layer = name.partition(".")
        tensor = f"blk.{block}.{theirs.get(layer, layer)}.weight"
        if shapes.get(tensor) != (b.shape[0], a.shape[1]):
            raise MismatchError(f"layer {name} is {(b.shape[0], a.shape[1])}, there {shapes.get(tensor, 'missing')}")
        changes[tensor] = partial(_change, adapter, name, reader)
    return changes


def _change(adapter: Adapter, name: str, reader: Any) -> NDArray[np.float32]:
    change = adapter.change(name)
    heads = {"q": "head_count", "k": "head_count_kv"}.get(name.rpartition(".")[2])
    return _paired(change, int(reader.fields[f"llama.attention.{heads}"].contents())) if heads else change


def _paired(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of query and key as llama.cpp orders them: it turns neighbouring dimensions of a head, not halves."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)
