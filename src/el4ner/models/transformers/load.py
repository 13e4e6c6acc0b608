"""Opening Hugging Face models: a folder, a name on the hub, or a GGUF file, with an adapter merged in.

Code that a model brings along is never run.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from el4ner.errors import El4nerError, MissingExtraError, ModelError
from el4ner.files import at_home
from el4ner.models.gguf.adapter import Adapter

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_KEPT = {".safetensors", ".bin", ".gguf", ".json", ".jinja", ".model", ".txt"}  # files of a model that change replies
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_LAYERS = {  # ours: Hugging Face's, of Llama and its kin
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}


@dataclass(frozen=True)
class Pretrained:
    """An open model and its tokenizer; `files` are the local files that it is made of, None if it is of the hub."""

    model: Any
    tokenizer: Any
    files: tuple[Path, ...]
    revision: str

    def digest(self) -> str:
        """Of everything that it was made of. Reads all of the weights, unless they are of the hub."""
        digest = hashlib.sha256(self.revision.encode())
        for path in self.files:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def open_pretrained(
    path: str, revision: str | None, adapter: Path | None, device: str = "auto", dtype: str = "auto"
) -> Pretrained:
    """Open a local folder, a `.gguf` file or a name on the hub. Raises `ModelError` where that fails.

    `adapter`: a PEFT folder, or a file of el4ner's own LoRA factors. `device` "auto" is CUDA, else MPS, else the CPU.
    `dtype` "auto" is the checkpoint's own (of a `.gguf` file: bfloat16), but float32 on the CPU.
    """
    local, place = at_home(path), _device(device)
    where, source = _source(path, revision)
    try:
        tokenizer = open_tokenizer(path, revision)
        kind = _dtype(dtype, place, local.is_file())
        model = AutoModelForCausalLM.from_pretrained(where, trust_remote_code=False, dtype=kind, **source)
        if adapter is not None:
            model = _adapted(model, adapter)
        model = model.eval().to(place)
    except El4nerError:
        raise
    except Exception as error:  # a damaged file comes up as anything
        raise ModelError(f"{path}: transformers cannot open this model: {one_line(error)}") from error
    files = [*_files(local), *(_files(adapter) if adapter else [])]
    commit = "" if local.exists() else f"{path} {getattr(model.config, '_commit_hash', None) or revision}"
    return Pretrained(model, tokenizer, tuple(files), commit)


def open_tokenizer(path: str, revision: str | None = None) -> Any:
    """The tokenizer alone; raises what transformers raises."""
    where, source = _source(path, revision)
    tokenizer = AutoTokenizer.from_pretrained(where, trust_remote_code=False, **source)
    if "gguf_file" in source:
        _mend(tokenizer, at_home(path))
    return tokenizer


def one_line(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _source(path: str, revision: str | None) -> tuple[str, dict[str, Any]]:
    """What `from_pretrained` is to be called with."""
    local = at_home(path)
    if local.is_file():
        return str(local.parent), {"gguf_file": local.name}
    if not local.exists() and not _HUB_NAME.fullmatch(path):
        raise ModelError(f"{path}: no such model; give a folder, a .gguf file or a name on the hub")
    return str(local) if local.exists() else path, {"revision": revision or "main"}


def _device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {device!r}: {one_line(error)}") from error
    return device


def _dtype(dtype: str, device: str, is_gguf: bool) -> Any:
    if dtype == "auto" and device == "cpu":
        return torch.float32
    if dtype == "auto":
        return torch.bfloat16 if is_gguf else "auto"
    return _DTYPES[dtype]


def _mend(tokenizer: Any, path: Path) -> None:
    """Split off single digits where the model wants it: transformers does not see it in a GGUF file.

    Then 4,504 of 4,504 texts had the same tokens as OpenVINO's, and 4,501 without it.
    """
    import gguf

    kind = gguf.GGUFReader(path).fields.get("tokenizer.ggml.pre")
    if kind is not None and kind.contents() == "smollm":
        backend = tokenizer.backend_tokenizer
        digits = pre_tokenizers.Digits(individual_digits=True)
        backend.pre_tokenizer = pre_tokenizers.Sequence([digits, backend.pre_tokenizer])


def _adapted(model: Any, path: Path) -> Any:
    """The model with an adapter added to its weights."""
    if path.is_dir():
        try:
            from peft import PeftModel
        except ImportError as error:
            raise MissingExtraError(f"{path}: a PEFT adapter needs PEFT; run: pip install peft") from error
        return PeftModel.from_pretrained(model, str(path)).merge_and_unload()
    adapter = Adapter.load(path)
    for name in adapter.factors:
        block, layer = name.split(".")
        try:
            weight = model.get_submodule(f"model.layers.{block}.{_LAYERS[layer]}").weight
        except (AttributeError, KeyError) as error:
            raise ModelError(f"{path}: it changes the layer {name}, which this model does not have") from error
        change = torch.from_numpy(adapter.change(name))
        if change.shape != weight.shape:
            shapes = f"{tuple(change.shape)}, not {tuple(weight.shape)}"
            raise ModelError(f"{path}: it is for another model (layer {name} is {shapes})")
        with torch.no_grad():  # in 32 bits: half of a small change would be lost in fewer
            weight.copy_((weight.float() + change).to(weight.dtype))
    return model


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.glob("*") if file.suffix in _KEPT) if path.is_dir() else []
