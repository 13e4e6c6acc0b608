"""The embedded engine: OpenVINO GenAI in this process, with continuous batching and prefix caching.

It opens a GGUF file, or a folder exported for OpenVINO. A Q4_1 file is first written anew, once, in a quantisation that
OpenVINO reads faithfully (see `merge`).

Known of this engine, version 2026.4: log-probabilities are those of the unconstrained model, also under a grammar; a
grammar that does not parse leaves the whole pipeline unusable, so it is opened afresh and the requests are repeated
one at a time; a reply that is empty at once has no output to read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from el4ner.errors import MissingExtraError, ModelError
from el4ner.files import at_home
from el4ner.models.base import Done, Outcome, Reply, Request
from el4ner.models.constraint import to_ebnf
from el4ner.models.forked import in_its_process, kept_in_forks
from el4ner.models.gguf.header import read_header
from el4ner.models.gguf.merge import prepared
from el4ner.models.gguf.screen import screen
from el4ner.models.openvino.reply import Reading

CACHED = 49_152  # tokens of keys and values that are kept: 0.65 GB of SmolLM2-135M in 8 bits
_BLOCK = 32  # tokens of such a cache block, on CPUs
_SEQUENCES = 64  # decoded side by side; more gained nothing on two cores
_BATCHED_TOKENS = 2048  # read in one step
# By default the engine quantises activations in groups and keeps keys and values in 8 bits, so that a reply depends on
# what is read with it: scores differed by up to 0.06, and 2 of 20 entities came or went. With these, by 4e-6 and none.
_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}


class OpenVINOModel:
    """A model in this process. Use `OpenVINOModel.open`."""

    overlaps = False  # one batch takes all cores

    def __init__(self, path: Path, device: str, context: int, exact: bool = False, cached: int = CACHED) -> None:
        self.path = path
        self.context = context
        self._device = device
        self._exact = exact
        self.cached = cached // 4 if exact else cached  # 32 bits take four times the memory
        self._lock = Lock()
        self._process = os.getpid()
        self._pipeline = self._open()
        self._tokenizer = self._pipeline.get_tokenizer()

    @classmethod
    def open(
        cls,
        path: str | Path,
        device: str = "CPU",
        context: int | None = None,
        adapter: str | Path | None = None,
        exact: bool = False,
        cached: int = CACHED,
    ) -> OpenVINOModel:
        """Open a `.gguf` file or an OpenVINO folder on an OpenVINO device ("CPU", "GPU", "NPU").

        `context` limits prompt and reply together, in tokens; by default it is what the model was trained for.
        `adapter` is a file of LoRA factors for a `.gguf` model, merged in on first use. `exact`: see `_EXACT`.
        `cached`: for how many tokens there is room in the engine's memory, a quarter of them if `exact`.
        """
        path = at_home(path)
        if not path.exists():
            raise ModelError(f"{path}: no such model; give a .gguf file or an OpenVINO folder")
        trained = _trained_context(path)
        if path.is_file():
            path = prepared(path, at_home(adapter) if adapter else None)
        return cls(path, device, min(context or trained, trained), exact, cached)

    def _open(self) -> Any:
        try:
            import openvino_genai as genai
        except ImportError as error:
            raise MissingExtraError("the embedded engine is missing; run: pip install openvino-genai") from error
        scheduler = genai.SchedulerConfig()
        scheduler.enable_prefix_caching = True
        scheduler.cache_size = 0  # in GB, which is coarse: counted in blocks instead
        scheduler.num_kv_blocks = self.cached // _BLOCK
        scheduler.max_num_seqs = _SEQUENCES
        scheduler.max_num_batched_tokens = _BATCHED_TOKENS
        try:
            how = _EXACT if self._exact else {}
            pipeline = genai.ContinuousBatchingPipeline(self.path, scheduler, self._device, how)
        except Exception as error:  # of C++, as it comes: a file that lacks something is an IndexError
            raise ModelError(f"{self.path}: OpenVINO cannot open this model: {_first_line(error)}") from error
        kept_in_forks(pipeline)
        return pipeline

    @cached_property
    def identity(self) -> str:
        """Digest of the weights, and the engine's version: both change replies."""
        weights = self.path if self.path.is_file() else self.path / "openvino_model.bin"
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return f"openvino-genai {version('openvino-genai')} {self._device} {digest}{' exact' * self._exact}"

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer."""
        in_its_process(self._process, self.path.name)
        return [self._encode(text).shape[1] for text in texts]

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """Answer all requests in one batch of the engine. `done` hears of them at the end."""
        in_its_process(self._process, self.path.name)
        replies = self._answer(requests)
        if done is not None:
            done(list(enumerate(replies)))
        return replies

    def _answer(self, requests: Sequence[Request]) -> list[Reply]:
        with self._lock:
            try:
                return self._run(requests)
            except RuntimeError as error:
                # One request broke the pipeline. Find out which: alone, each harms only itself.
                self._pipeline = self._open()
                if len(requests) == 1:
                    return [Reply("", Outcome.FAILED, error=_first_line(error))]
        return [reply for request in requests for reply in self._answer([request])]

    def _run(self, requests: Sequence[Request]) -> list[Reply]:
        replies: dict[int, Reply] = {}
        readings: dict[int, Reading] = {}
        for number, request in enumerate(requests):
            ids = self._encode(self._render(request))
            length = ids.shape[1]
            if length == 0 or length + request.max_tokens > self.context:
                wanted = f"prompt of {length} tokens and reply of {request.max_tokens}"
                replies[number] = Reply("", Outcome.FAILED, error=f"{wanted} do not fit the context of {self.context}")
                continue
            handle = self._pipeline.add_request(number, ids, self._config(request))
            readings[number] = Reading(handle, request, length, self._vocabulary)
        try:
            while self._pipeline.has_non_finished_requests():
                self._pipeline.step()
                for reading in readings.values():
                    reading.take()
        except BaseException:  # an interrupt, too, must not leave requests behind in the engine
            for reading in readings.values():
                reading.cancel()
            raise
        replies |= {number: reading.reply() for number, reading in readings.items()}
        return [replies[number] for number in range(len(requests))]

    def _encode(self, text: str) -> Any:
        return self._tokenizer.encode(text, add_special_tokens=False).input_ids

    def _render(self, request: Request) -> str:
        if isinstance(request.prompt, str):
            return request.prompt
        turns = [{"role": message.role, "content": message.content} for message in request.prompt]
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True))

    def _config(self, request: Request) -> Any:
        import openvino_genai as genai

        config = genai.GenerationConfig()
        config.max_new_tokens = request.max_tokens
        config.eos_token_id = self._tokenizer.get_eos_token_id()
        config.apply_chat_template = False
        config.logprobs = 1
        config.do_sample = request.temperature > 0
        if config.do_sample:
            config.temperature = request.temperature
            config.rng_seed = request.seed
        if request.constraint is not None:
            config.structured_output_config = genai.StructuredOutputConfig(grammar=to_ebnf(request.constraint))
        return config

    @cached_property
    def _vocabulary(self) -> dict[int, bytes]:
        """The bytes of each token but the end of the text."""
        eos = self._tokenizer.get_eos_token_id()
        return {number: piece for piece, number in self._tokenizer.get_vocab().items() if number != eos}

    def close(self) -> None:
        """Give back the engine's memory."""
        if os.getpid() == self._process:
            self._pipeline = None


def _trained_context(path: Path) -> int:
    if path.is_file():
        header = read_header(path)
        screen(path, header)
        return header.context or 2048
    config = path / "config.json"
    try:
        told = json.loads(config.read_bytes()) if config.exists() else {}
        inner = told.get("text_config") or {}  # of models that read more than text
        return int(told.get("max_position_embeddings") or inner.get("max_position_embeddings") or 2048)
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{config}: cannot be read ({_first_line(error)}); export the model again") from error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
