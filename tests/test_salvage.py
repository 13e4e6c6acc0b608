"""Damaged reply stores: what can still be read is kept, others may have them open, and another's file is left alone."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from el4ner.errors import DataError, ModelError
from el4ner.models.base import Outcome, Reply, Token, Usage
from el4ner.models.carving import carved
from el4ner.models.salvage import _HEADER
from el4ner.models.store import Holding, Store

COUNT, PAGE = 200, 4096
A_PAGE = 30  # replies that stand in one, at most


def reply(n: int) -> Reply:
    """Most are short; some go on over several pages."""
    text = f"reply {n} é" + " and more" * 2000 * (n % 37 == 0)
    return Reply(text, Outcome.DONE, (Token(text, -0.5),), Usage(3, 0, 1))


REPLIES = {hashlib.sha256(str(n).encode()).digest(): reply(n) for n in range(COUNT)}
KEYS = list(REPLIES)


def half(number: int) -> list[tuple[bytes, Reply]]:
    return list(REPLIES.items())[number::2]


def fill(path: Path) -> Path:
    with closing(Store.open(path)) as store:
        store.put("m", REPLIES.items())
        store.put_model(b"s" * 32, "m", 100)
        store.put_counts("m", [(str(n), n) for n in range(50)])
    return path


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return fill(tmp_path_factory.mktemp("sound") / "replies.db").read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replies.db"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the reply store was damaged")
        warnings.filterwarnings("ignore", ".*the reply store was damaged")
        yield


def kept(path: Path) -> int:
    """How many replies a damaged store still knows. They are right, and the others can be put and known again."""
    with closing(Store.open(path)) as store:
        known = store.get(KEYS)
        assert all(REPLIES[key] == one for key, one in known.items())
        store.put("m", REPLIES.items())
        assert store.unreadable() == 0
    with closing(Store.open(path)) as store:
        assert store.get(KEYS) == REPLIES
        assert store.get_model(b"s" * 32) in (("m", 100), None)
        assert sum(held.replies for held in store.holdings()) == COUNT
    return len(known)


@pytest.mark.parametrize("part", range(8))
def test_a_flipped_bit_in_the_first_page_loses_nothing(content: bytes, path: Path, part: int) -> None:
    rng = Random(part)
    for bit in [*range(part * 100, part * 100 + 100, 7), *rng.sample(range(800, PAGE * 8), 5)]:
        path.unlink(missing_ok=True)
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert kept(path) == COUNT, bit


@pytest.mark.parametrize("kind", ["zeros", "noise", "another page"])
def test_an_overwritten_page_loses_what_stood_in_it(content: bytes, path: Path, kind: str) -> None:
    rng = Random(kind)
    pages = len(content) // PAGE
    for at in [*rng.sample(range(pages), 12), 0, 1]:
        path.unlink(missing_ok=True)
        other = rng.randrange(pages) * PAGE
        new = {"zeros": bytes(PAGE), "noise": rng.randbytes(PAGE), "another page": content[other : other + PAGE]}[kind]
        path.write_bytes(content[: at * PAGE] + new + content[(at + 1) * PAGE :])
        assert kept(path) >= COUNT - A_PAGE, at


@pytest.mark.parametrize("eighths", [3, 4, 6, 7])
def test_a_store_that_is_cut_off_keeps_what_stands_before(content: bytes, path: Path, eighths: int) -> None:
    path.write_bytes(content[: len(content) * eighths // 8 + 99])
    assert kept(path) > COUNT * eighths / 8 * 0.6


def test_the_warning_says_what_was_kept_and_where_the_file_as_it_was_is(content: bytes, path: Path) -> None:
    spoilt = bytes(100) + content[100:]
    path.write_bytes(spoilt)
    with pytest.warns(UserWarning, match=f"damaged: {COUNT} replies were saved from it, the others are asked again"):
        Store.open(path).close()
    assert path.with_name("replies.db.damaged-1").read_bytes() == spoilt
    assert {file.name for file in path.parent.iterdir()} == {"replies.db", "replies.db.damaged-1"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in path.parent.glob("*damaged*"))


def test_tokens_and_models_are_kept_for_a_replay(content: bytes, path: Path) -> None:
    path.write_bytes(bytes(PAGE) + content[PAGE:])
    with closing(Store.open(path)) as store:
        assert store.get_model(b"s" * 32) == ("m", 100)
        assert store.get_counts("m", [str(n) for n in range(60)]) == {str(n): n for n in range(50)}
        assert store.holdings() == [Holding("m", COUNT, 3 * COUNT, COUNT)]


def test_what_a_killed_run_has_written_ahead_is_kept(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; import test_salvage as t\n"
        "store = t.Store.open(sys.argv[1]); store.put('m', t.half(int(sys.argv[2]))); os._exit(0)"
    )
    command = [sys.executable, "-c", code, str(path)]
    subprocess.run([*command, "0"], cwd=Path(__file__).parent, check=True)
    Store.open(path).close()  # puts it into the file
    subprocess.run([*command, "1"], cwd=Path(__file__).parent, check=True)
    assert path.with_name("replies.db-wal").stat().st_size > PAGE
    assert len({row[0] for table, row in carved(path) if table == "replies"}) == COUNT
    path.write_bytes(b"\xff" * PAGE + path.read_bytes()[PAGE:])
    assert kept(path) == COUNT


def test_replies_of_an_older_version_are_kept(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "CREATE TABLE replies (key BLOB PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL,"
            " prompt INTEGER NOT NULL, generated INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID"
        )
        row = '["a", "cut", [["a", -0.5]], {"prompt": 3, "cached": 1, "generated": 2}]'
        old.execute("INSERT INTO replies VALUES (?, 'm', ?, 3, 2, 1)", (KEYS[0], row))
        old.execute("PRAGMA user_version = 1")
    whole, right = path.read_bytes(), Reply("a", Outcome.CUT, (Token("a", -0.5),), Usage(3, 1, 2))
    for spoilt in (whole, bytes(PAGE) + whole[PAGE:], whole[:60] + b"\0\0\0\7" + whole[64:]):
        path.write_bytes(spoilt)
        with closing(Store.open(path)) as store:
            assert store.get(KEYS) == {KEYS[0]: right}
            assert store.holdings() == [Holding("m", 1, 3, 2)]
        path.unlink()


def test_a_mending_that_was_broken_off_is_done_again(content: bytes, path: Path) -> None:
    empty = sqlite3.connect(":memory:")
    empty.execute("PRAGMA user_version = 1")  # a page without tables
    for first in (bytes(PAGE), content[:PAGE], empty.serialize()[:PAGE]):
        path.write_bytes(_HEADER + first[100:] + content[PAGE:])
        assert kept(path) == COUNT
        path.unlink()
    path.write_bytes(_HEADER + bytes(3 * PAGE - 100))
    assert kept(path) == 0
    empty.close()


@pytest.mark.parametrize("spoilt", [bytes(3 * PAGE), "first page", "half a page"])
def test_a_store_of_which_nothing_is_left_is_begun_anew(content: bytes, path: Path, spoilt: bytes | str) -> None:
    cut = {"first page": content[: PAGE + 9], "half a page": content[:2000]}
    path.write_bytes(cut[spoilt] if isinstance(spoilt, str) else spoilt)
    assert kept(path) == 0


@pytest.mark.parametrize("noise", [b"\x0a\x4c" * 9000, Random(1).randbytes(50_000), b"SQLite format 3\0" * 1000])
def test_a_file_in_which_there_are_no_replies_is_left_alone(path: Path, noise: bytes) -> None:
    path.write_bytes(noise)
    with pytest.raises(DataError, match=r"cannot be used as a reply store .*; give another file or --no-store"):
        Store.open(path)
    assert path.read_bytes() == noise
    assert list(path.parent.iterdir()) == [path]


def test_who_has_it_open_goes_on_in_the_mended_store(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with closing(Store.open(path)) as first:
        assert first.get(KEYS[:1])
        inode = path.stat().st_ino
        with path.open("r+b") as file:
            file.write(b"\xff" * 100)
        with closing(Store.open(path)) as second:
            assert path.stat().st_ino == inode
            second.put("m", [(b"2" * 32, reply(2))])
            first.put("m", [(b"1" * 32, reply(1))])
            for store in (first, second):
                assert len(store.get([*KEYS, b"1" * 32, b"2" * 32])) == COUNT + 2
    with closing(Store.open(path)) as store:
        assert len(store.get([*KEYS, b"1" * 32, b"2" * 32])) == COUNT + 2


def test_a_store_that_is_only_read_is_mended_with_the_whole_one(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with closing(Store.open(path)) as store:
        view = store.read_only()
        store._connection.close()
        path.write_bytes(content[:PAGE] + bytes(PAGE) + content[2 * PAGE :])
        store._connection = sqlite3.connect(path, check_same_thread=False)
        assert len(view.get(KEYS)) >= COUNT - A_PAGE
        view.put("m", REPLIES.items())
        assert len(store.get(KEYS)) < COUNT
        view.close()
        store.put("m", REPLIES.items())
        assert view.get(KEYS) == store.get(KEYS) == REPLIES


@pytest.mark.skipif(os.name == "nt", reason="links take rights there")
def test_a_store_behind_a_link_is_made_and_mended_there(content: bytes, path: Path) -> None:
    there = path.with_name("far") / "there.db"
    path.symlink_to(there)
    assert kept(path) == 0
    assert there.stat().st_mode & 0o077 == 0
    there.write_bytes(bytes(PAGE) + content[PAGE:])
    assert kept(path) == COUNT
    assert path.is_symlink()
    assert there.with_name("there.db.damaged-1").exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX locks")
@pytest.mark.parametrize("spoilt", [False, True])
def test_the_locks_on_an_open_store_outlive_another_opening(content: bytes, path: Path, spoilt: bool) -> None:
    """SQLite's shared lock keeps other processes from taking the file's log away."""
    path.write_bytes(content)
    with closing(Store.open(path)) as first:
        if spoilt:
            code = "import sys; open(sys.argv[1], 'r+b').write(bytes(99))"  # elsewhere: to close it ends our locks
            subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        Store.open(path).close()
        assert first.get(KEYS) == REPLIES
        code = (
            "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert "BlockingIOError" in done.stderr


def test_eight_processes_mend_a_store_once(content: bytes, path: Path) -> None:
    path.write_bytes(bytes(PAGE) + content[PAGE:])
    code = (
        "import sys, test_salvage as t; store = t.Store.open(sys.argv[1]); n = int(sys.argv[2]);"
        "assert store.get(t.KEYS) == t.REPLIES; store.put('m', [(bytes([n]) * 32, t.reply(n))]); store.close()"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(path)]
    started = [subprocess.Popen([*command, str(n)], cwd=Path(__file__).parent) for n in range(8)]
    assert [one.wait(60) for one in started] == [0] * 8
    assert [file.name for file in path.parent.glob("*damaged*")] == ["replies.db.damaged-1"]
    with closing(Store.open(path)) as store:
        assert store.get([bytes([n]) * 32 for n in range(8)]) == {bytes([n]) * 32: reply(n) for n in range(8)}
        assert store.get(KEYS) == REPLIES


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_process_is_told_that_the_store_stayed_behind(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    told: multiprocessing.Queue[str] = context.Queue()

    def child(store: Store) -> None:
        for ask in (lambda: store.get(KEYS), lambda: store.put("m", REPLIES.items()), store.holdings):
            try:
                ask()
            except ModelError as error:
                told.put(str(error))
        store.close()

    with closing(Store.open(path)) as store:
        store.put("m", [(KEYS[0], REPLIES[KEYS[0]])])
        process = context.Process(target=child, args=(store,))
        with store._lock:  # as if a thread were at work
            process.start()
        said = [told.get(timeout=30) for _ in range(3)]
        process.join(30)
        assert process.exitcode == 0
        assert all(f"{path}: this was opened before the process was forked" in one for one in said), said
        store.put("m", REPLIES.items())
        assert store.get(KEYS) == REPLIES
