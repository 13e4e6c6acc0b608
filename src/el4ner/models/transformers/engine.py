"""Hugging Face transformers in this process, on CUDA, MPS or the CPU: for evaluation on a GPU, and for models at hand.

Requests are sorted by length and decoded in batches (see `decode`). A batch that does not fit the memory is halved, and
later ones are kept as small. Replies in 16 bits depend a little on what is read beside them; `dtype = "float32"` is
exact to about 1e-4 in a log-probability.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from el4ner.errors import MissingExtraError, ModelError
from el4ner.files import at_home
from el4ner.models.base import Done, Outcome, Reply, Request
from el4ner.models.constraint import to_ebnf

if TYPE_CHECKING:
    from el4ner.models.transformers.load import Pretrained
    from el4ner.models.transformers.row import Row

_MEMORY = ("out of memory", "can't allocate memory")  # CUDA and MPS; the CPU


class TransformersModel:
    """A Hugging Face model in this process. Use `TransformersModel.open`."""

    overlaps = False  # one batch takes all of the device
    cached: int | None = None  # prefixes are shared within a call only

    def __init__(self, opened: Pretrained, context: int | None, batch_tokens: int) -> None:
        import xgrammar

        self._opened: Any = opened  # None once it is closed
        self._model, self._tokenizer = opened.model, opened.tokenizer
        config = self._model.config.get_text_config()
        trained = getattr(config, "max_position_embeddings", None) or 2048
        self.context = min(context or trained, trained)
        self._batch_tokens = batch_tokens
        self._lock = Lock()
        ends = _end_tokens(self._model, self._tokenizer)
        size = self._model.get_output_embeddings().weight.shape[0]
        known = xgrammar.TokenizerInfo.from_huggingface(self._tokenizer, vocab_size=size, stop_token_ids=ends)
        self._compiler = xgrammar.GrammarCompiler(known)
        self._vocabulary = {i: piece for i, piece in enumerate(known.decoded_vocab) if i not in ends}

    @classmethod
    def open(
        cls,
        path: str | Path,
        revision: str | None = None,
        adapter: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        batch_tokens: int = 16384,
        context: int | None = None,
    ) -> TransformersModel:
        """Open a local folder, a `.gguf` file, or a name on the hub: see `el4ner.models.transformers.load`.

        `batch_tokens` bounds what prompts and replies of a batch may fill, padding included. `context` limits prompt
        and reply together, in tokens; by default it is what the model was trained for.
        """
        try:
            import xgrammar  # noqa: F401

            from el4ner.models.transformers.load import open_pretrained
        except ImportError as error:
            raise MissingExtraError(
                f"the transformers engine is missing ({error}); run: pip install 'el4ner[transformers]'"
            ) from error
        opened = open_pretrained(str(path), revision, at_home(adapter) if adapter else None, device, dtype)
        return cls(opened, context, batch_tokens)

    @cached_property
    def identity(self) -> str:
        """Digest of the weights, versions, device and precision: all change replies."""
        versions = f"transformers {version('transformers')} torch {version('torch')}"
        kind = str(self._model.dtype).removeprefix("torch.")
        return f"{versions} {self._model.device.type} {kind} {self._opened.digest()}"

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer."""
        return [len(self._ids(text, True)) for text in texts]

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """Answer all requests, in batches of like length. `done` hears of them at the end."""
        with self._lock:
            replies: dict[int, Reply] = {}
            prompts: dict[int, list[int]] = {}
            for number, request in enumerate(requests):
                try:
                    prompts[number] = self._prompt(request)
                except Exception as error:  # a chat template is a program of the model's, and may raise anything
                    replies[number] = _failed(error)
            waiting = sorted(prompts, key=lambda n: len(prompts[n]) + requests[n].max_tokens, reverse=True)
            while waiting:
                longest = len(prompts[waiting[0]]) + requests[waiting[0]].max_tokens
                batch = waiting[: max(1, self._batch_tokens // longest)]
                answered = self._answer([requests[n] for n in batch], [prompts[n] for n in batch])
                replies.update(zip(batch, answered, strict=True))
                waiting = waiting[len(batch) :]
        if done is not None:
            done(sorted(replies.items()))
        return [replies[number] for number in range(len(requests))]

    def _answer(self, requests: Sequence[Request], prompts: Sequence[list[int]]) -> list[Reply]:
        """Answer a batch; one that breaks is halved, until whoever breaks it is alone."""
        try:
            return self._decode(requests, prompts)
        except RuntimeError as error:
            if len(requests) == 1:
                return [_failed(error)]
            if any(sign in str(error) for sign in _MEMORY):
                self._batch_tokens = max(1, self._batch_tokens // 2)
        _release(self._model.device.type)  # here, where the failed batch is no longer held by its exception
        half = len(requests) // 2
        return self._answer(requests[:half], prompts[:half]) + self._answer(requests[half:], prompts[half:])

    def _decode(self, requests: Sequence[Request], prompts: Sequence[list[int]]) -> list[Reply]:
        from el4ner.models.transformers.decode import decode

        rows = [self._row(request, prompt) for request, prompt in zip(requests, prompts, strict=True)]
        decode(self._model, rows, self._vocabulary)
        return [row.reply() for row in rows]

    def _row(self, request: Request, prompt: list[int]) -> Row:
        import torch
        import xgrammar

        from el4ner.models.transformers.row import Row

        matcher = dice = None
        if request.constraint is not None:
            matcher = xgrammar.GrammarMatcher(self._compiler.compile_grammar(to_ebnf(request.constraint)))
        if request.temperature > 0:
            dice = torch.Generator().manual_seed(request.seed)  # on the CPU: the same draws on every device
        return Row(request, prompt, matcher, dice)

    def _prompt(self, request: Request) -> list[int]:
        if isinstance(request.prompt, str):
            ids = self._ids(request.prompt, True)
        else:
            turns = [{"role": message.role, "content": _unicode(message.content)} for message in request.prompt]
            shown = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
            ids = self._ids(shown, False)  # the template wrote the model's first token
        if not ids or len(ids) + request.max_tokens > self.context:
            wanted = f"prompt of {len(ids)} tokens and reply of {request.max_tokens}"
            raise ModelError(f"{wanted} do not fit the context of {self.context}")
        return ids

    def _ids(self, text: str, opened: bool) -> list[int]:
        """Token ids; with the model's first token, if it has one and the text is to be `opened` by it."""
        return list(self._tokenizer(_unicode(text), add_special_tokens=opened, verbose=False).input_ids)

    def close(self) -> None:
        """Give back the engine's memory."""
        with self._lock:
            if self._model is None:
                return
            device = self._model.device.type
            self._model = self._opened = None
        _release(device)


def _failed(error: Exception) -> Reply:
    return Reply("", Outcome.FAILED, error=" ".join(str(error).split())[:300] or type(error).__name__)


def _unicode(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """What ends a reply: all that the model's generation settings name, and the tokenizer's own."""
    named = model.generation_config.eos_token_id
    ends = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    found = sorted({end for end in ends if end is not None})
    if not found:
        raise ModelError("the model names no end token (eos_token_id), so that no reply would end")
    return found


def _release(device: str) -> None:
    """Give unused memory of the device back to it."""
    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
