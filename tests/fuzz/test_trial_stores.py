"""One store for many processes, and stores with flipped bits: the same bytes, and calls only for what is not known."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from campaign import SEED
from counting_server import CountingServer, counting_server
from runs import Run, ended, pool, recipe, started, texts

pytestmark = pytest.mark.fuzz
PROCESSES, STORES = 8, 16
_TEXTS = 80


@dataclass(frozen=True)
class Done:
    """A run that is done: its server, its files, what it wrote, and how many calls it took."""

    server: CountingServer
    files: tuple[Path, Path, str]
    store: Path
    written: bytes
    calls: int


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def done(_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("done")
    with counting_server(0.0) as server:
        files = (texts(folder, 40), pool(folder), recipe(folder, server.url))
        run = Run(*files, folder / "done.db", folder / "done.jsonl")
        written = run.finish()
        yield Done(server, files, run.store, written, len(server.asked))


def test_processes_that_share_a_store_write_the_same_and_share_their_calls(tmp_path: Path) -> None:
    """Each begins at another eighth of the texts, and finds the others' answers in the rest."""
    with counting_server(0.03) as server:
        known, how = pool(tmp_path), recipe(tmp_path, server.url)
        files = [(texts(tmp_path, _TEXTS, number * _TEXTS // PROCESSES), known, how) for number in range(PROCESSES)]
        expected = Run(*files[0], tmp_path / "alone.db", tmp_path / "alone.jsonl").finish().splitlines()
        unique = set(server.asked)
        server.asked.clear()
        runs = [Run(*file, tmp_path / "shared.db", tmp_path / f"{number}.jsonl") for number, file in enumerate(files)]
        processes = [run.start() for run in runs]
        for process in processes:
            ended(process, {0})
        for number, run in enumerate(runs):
            first = number * _TEXTS // PROCESSES
            assert run.out.read_bytes().splitlines() == expected[first:] + expected[:first]
        assert set(server.asked) == unique
        assert len(server.asked) < 1.5 * len(unique)


def flipped(rng: random.Random, path: Path, within_replies: bool) -> int:
    """Flip a few bits of a store: within the text of replies, or anywhere. How many replies it may have touched."""
    content = bytearray(path.read_bytes())
    if not within_replies:
        for _ in range(rng.choice((1, 4, 32, 256))):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        return 0
    with closing(sqlite3.connect(path)) as opened:
        replies = [reply.encode() for (reply,) in opened.execute("SELECT reply FROM replies")]
    places = [at for reply in set(replies) if content.count(reply) == 1 and (at := content.find(reply)) >= 0]
    for at in (chosen := rng.sample(places, min(len(places), rng.choice((1, 3, 9))))):
        content[at + rng.randrange(12)] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return len(chosen)


@pytest.mark.parametrize("number", range(STORES))
def test_a_store_with_flipped_bits_is_asked_only_for_what_it_lost(done: Done, tmp_path: Path, number: int) -> None:
    rng, store = random.Random(f"{SEED}:{number}"), tmp_path / "spoilt.db"
    shutil.copy(done.store, store)
    touched = flipped(rng, store, within_replies=number % 2 == 0)
    done.server.asked.clear()
    assert Run(*done.files, store, tmp_path / "out.jsonl").finish() == done.written
    assert len(done.server.asked) <= (touched or done.calls)
    ended(started(["store", "--store", str(store)]), {0})
    done.server.asked.clear()
    assert Run(*done.files, store, tmp_path / "again.jsonl").finish() == done.written
    assert done.server.asked == []  # what was lost is known again
