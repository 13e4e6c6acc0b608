"""Model files of any bytes: read, or refused by name; nothing is allocated because a header says so."""

from __future__ import annotations

import json
import random
import struct
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import corpus_gguf
import numpy as np
import pytest
from campaign import campaign, told
from growth import in_line
from mutation import mutated_bytes, mutated_value

from el4ner.errors import ModelError
from el4ner.models.gguf.adapter import Adapter
from el4ner.models.gguf.header import read_header
from el4ner.models.gguf.merge import prepared

pytestmark = pytest.mark.fuzz
_MEMORY = 1_000_000  # kilobytes that a campaign may take more than before


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _no_more_memory() -> Iterator[None]:
    from resource import RUSAGE_SELF, getrusage  # there is none on Windows

    before = getrusage(RUSAGE_SELF).ru_maxrss
    yield
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < _MEMORY


@pytest.fixture
def model(tmp_path: Path) -> bytes:
    return corpus_gguf.model(tmp_path / "model.gguf").read_bytes()


@pytest.fixture
def adapter(tmp_path: Path) -> bytes:
    return corpus_gguf.adapter(tmp_path / "adapter.safetensors").read_bytes()


def spoilt(rng: random.Random, whole: bytes, head: int) -> bytes:
    """A file with changes in its first bytes, where the facts are, or anywhere."""
    if rng.random() < 0.8:
        return mutated_bytes(rng, whole[:head], corpus_gguf.TOKENS) + whole[head:]
    return mutated_bytes(rng, whole, corpus_gguf.TOKENS)


def look(path: Path, given: bytes) -> None:
    path.write_bytes(given)
    try:
        header = read_header(path)
    except ModelError as error:
        told(error, path.name)
        return
    for fact in (header.context, header.file_type):
        assert fact is None or (isinstance(fact, int) and not isinstance(fact, bool)), header


def test_any_header_is_read_or_refused(tmp_path: Path, model: bytes) -> None:
    campaign("headers", partial(spoilt, whole=model, head=700), partial(look, tmp_path / "in.gguf"))


def merge(folder: Path, given: tuple[bytes, bytes]) -> None:
    """A model with an adapter is made, or one of the two is refused by its name; so for the count of its weights."""
    base, expert = folder / "in.gguf", folder / "in.safetensors"
    base.write_bytes(given[0])
    expert.write_bytes(given[1])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of numbers that overflow
        try:
            made = prepared(base, expert)
        except ModelError as error:
            told(error, "/in.")
        else:
            assert read_header(made).file_type in (None, 7)
            assert read_header(made).parameters > 0
            made.unlink()
    left = list((folder / "cache").rglob("*.part*"))
    assert left == []


def pair(rng: random.Random, model: bytes, adapter: bytes) -> tuple[bytes, bytes]:
    if rng.random() < 0.3:
        return model, of_adapter(rng, adapter)
    return spoilt(rng, model, 1200), adapter


def test_any_model_is_merged_or_refused(tmp_path: Path, model: bytes, adapter: bytes) -> None:
    campaign("merges", partial(pair, model=model, adapter=adapter), partial(merge, tmp_path))


def of_adapter(rng: random.Random, whole: bytes) -> bytes:
    """An adapter with a spoilt header, in its JSON or its bytes."""
    size = struct.unpack("<Q", whole[:8])[0]
    if rng.random() < 0.5:
        return spoilt(rng, whole, 8 + size)
    head = json.dumps(mutated_value(rng, json.loads(whole[8 : 8 + size]))).encode()
    return struct.pack("<Q", len(head)) + head + whole[8 + size :]


def load(path: Path, given: bytes) -> None:
    """An adapter's factors fit each other, or it is refused."""
    path.write_bytes(given)
    try:
        adapter = Adapter.load(path)
    except ModelError as error:
        told(error, path.name)
        return
    assert isinstance(adapter.scale, float)
    with np.errstate(all="ignore"):
        for layer in adapter.factors:
            assert adapter.change(layer).ndim == 2


def test_any_adapter_is_read_or_refused(tmp_path: Path, adapter: bytes) -> None:
    campaign("adapters", partial(of_adapter, whole=adapter), partial(load, tmp_path / "in.safetensors"))


@pytest.mark.parametrize("kind", [*range(14)])
def test_the_time_to_read_a_header_grows_with_it(tmp_path: Path, kind: int) -> None:
    """A list of each type of fact, as long as the file or said to be longer."""
    path = tmp_path / "in.gguf"

    def work(text: str) -> None:
        head = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, kind, 2**62)
        path.write_bytes(head + text.encode())
        try:
            read_header(path)
        except ModelError:
            return

    in_line(work, patterns=("\0", "a", "\1\0\0\0\0\0\0\0a"))
