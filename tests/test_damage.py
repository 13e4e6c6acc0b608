"""Damaged stores, full disks, closed streams, two runs on one file, paths that lead elsewhere, forks."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TextIO

import pytest
from test_cli import ASK, Scripted, model, run, work

from el4ner.cli.output import lines_to
from el4ner.errors import ConfigError, DataError
from el4ner.models.base import Outcome, Reply, Token, Usage
from el4ner.models.locate import locate
from el4ner.models.store import Store

__all__ = ["model", "run", "work"]
Run = Callable[..., SimpleNamespace]


def _reply(n: int) -> Reply:
    return Reply(f"reply {n} é", Outcome.DONE, (Token(f"reply {n} é", -0.5),), Usage(3, 0, 1))


def _key(n: int) -> bytes:
    return n.to_bytes(32, "big")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "replies.sqlite"
    store = Store.open(path)
    store.put("m", [(_key(n), _reply(n)) for n in range(400)])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.usefixtures("quiet")
def test_a_store_with_flipped_bits_gives_right_replies_or_none(filled: Path, seed: int) -> None:
    random = Random(seed)
    raw = bytearray(filled.read_bytes())
    for _ in range(random.choice([1, 3, 30])):
        at = random.randrange(100, len(raw))
        raw[at] ^= 1 << random.randrange(8)
    filled.write_bytes(raw)
    store = Store.open(filled)
    known = store.get([_key(n) for n in range(400)])
    assert all(reply == _reply(int.from_bytes(key, "big")) for key, reply in known.items())
    store.put("m", [(_key(n), _reply(n)) for n in range(400)])
    store.unreadable()
    store.holdings()
    store.close()
    again = Store.open(filled).get([_key(n) for n in range(400)])
    assert all(reply == _reply(int.from_bytes(key, "big")) for key, reply in again.items())
    assert len(again) > 390  # a key out of its order can hide a few: these are asked again


def test_rows_that_were_changed_are_not_known_and_counted(filled: Path, run: Run) -> None:
    odd = ["{", "[1, 2]", '["x", "done", [], {}]' * 2, "null", "\x00", json.dumps(["other", "done", [], {}])]
    with sqlite3.connect(filled) as connection:
        for n, row in enumerate(odd):
            connection.execute("UPDATE replies SET reply = ? WHERE key = ?", (row, _key(n)))
        connection.execute("UPDATE replies SET reply = CAST(X'FF80' AS TEXT) WHERE key = ?", (_key(len(odd)),))
    store = Store.open(filled)
    assert min(int.from_bytes(key, "big") for key in store.get([_key(n) for n in range(400)])) == len(odd) + 1
    assert store.unreadable() == len(odd) + 1
    store.close()
    done = run("store", "--store", str(filled))
    assert done.code == 0
    assert "7 replies cannot be read" in done.err


def test_a_store_that_is_cut_off_is_set_aside_and_what_can_be_read_is_saved(filled: Path) -> None:
    raw = filled.read_bytes()
    filled.write_bytes(raw[: 3 * len(raw) // 4])
    whole = [(_key(n), _reply(n)) for n in range(400)]
    with pytest.warns(UserWarning, match="the reply store was damaged: .* replies were saved"):
        (store := Store.open(filled)).put("m", whole)
    assert len(store.get([_key(n) for n in range(400)])) == 400
    assert [path.name for path in filled.parent.glob("*.damaged-*")]


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("not a database, and long enough to be none" * 100)
    with pytest.raises(DataError, match="cannot be used as a reply store"):
        Store.open(mine)
    assert mine.read_text().startswith("not a database")


def test_what_is_kept_is_private(tmp_path: Path, work: Path, model: Scripted, run: Run) -> None:
    store = Store.open(tmp_path / "new" / "deeper" / "s.sqlite")
    store.put("m", [(_key(1), _reply(1))])
    for file in (tmp_path / "new" / "deeper").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    run("annotate", "texts.txt", *ASK, "-o", "out.jsonl")
    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    with lines_to(out) as first:
        first("one")
        with pytest.raises(DataError, match="another run is writing it"), lines_to(out) as second:
            second("two")
        first("three")
    assert out.read_text() == "one\nthree\n"
    Path(f"{out}.part").write_text("left by a run that was killed, longer than what comes")
    with lines_to(out) as again:
        again("new")
    assert out.read_text() == "new\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", [["recipes"], ["recipes", "nano", "--full"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_one_line(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = _main(*command, stdout=full)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert "No space left" in done.stderr


def test_a_full_disk_leaves_whole_lines_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    line = "x" * 999
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5500, 5500))\n"
        "from pathlib import Path\nfrom el4ner.cli.output import lines_to\n"
        f"with lines_to(Path({str(out)!r})) as write:\n    for _ in range(9): write({line!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "cannot be written (File too large)" in done.stderr
    assert not out.exists()
    assert Path(f"{out}.part").read_text() == (line + "\n") * 5


def test_closed_streams_are_no_traceback() -> None:
    for closed in (1, 2):
        start = ["-c", "from el4ner.cli import main; main()", "no-such"]
        code = f"import os, sys; os.close({closed}); os.execv(sys.executable, [sys.executable, *{start}])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def _main(*arguments: str, stdout: TextIO) -> subprocess.CompletedProcess[str]:
    code = "from el4ner.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize(
    "path", ["package:numpy/../../../../../etc/passwd", "package:numpy//etc/passwd", "package:numpy/core/../../x"]
)
def test_a_package_path_stays_in_its_package(path: str) -> None:
    with pytest.raises(ConfigError, match=r"leads out of the package|holds no such file"):
        locate(path)


def test_no_package_of_a_recipe_is_advised_to_be_installed_but_our_own() -> None:
    with pytest.raises(ConfigError, match="no package evil_package is installed") as caught:
        locate("package:evil_package/model.gguf")
    assert "pip install" not in str(caught.value)


def test_no_such_home_is_one_line() -> None:
    with pytest.raises(ConfigError, match="nobody's home here"):
        locate("~nobody-of-that-name/model.gguf")


def test_a_forked_process_is_told_at_once(tmp_path: Path) -> None:
    code = """
import multiprocessing, sys
from el4ner.errors import ModelError
from el4ner.models.base import Request
from el4ner.models.openai.settings import OpenAISettings

model = OpenAISettings(engine="openai", base_url="http://127.0.0.1:9/v1", model="m").open()

def child(queue):
    for ask in (lambda: model.generate([Request("?", 9)]), lambda: model.count(["a"]), lambda: model.context):
        try:
            ask()
        except ModelError as error:
            queue.put(str(error))
    model.close()

context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=child, args=(queue,))
process.start()
said = [queue.get(timeout=20) for _ in range(3)]
process.join(20)
model.close()
assert process.exitcode == 0
assert all("opened before the process was forked" in one for one in said), said
print("told")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "told\n", done.stderr
