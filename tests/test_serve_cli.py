"""`el4ner serve` as a process: what it says, how it ends, and what it refuses to begin with."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_cli import POOL, RECIPE

from el4ner import cli
from el4ner.serve import Client

# The command with a scripted model in the place of the recipe's.
SCRIPTED = """
import sys
sys.path.insert(0, {tests!r})
from test_cli import Scripted, answer
import el4ner.pipeline
el4ner.pipeline.open_models = lambda models: dict.fromkeys(models, Scripted(answer))
from el4ner.cli import main
main()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in POOL))
    (tmp_path / "mine.toml").write_text(RECIPE)
    return tmp_path


@contextmanager
def process(folder: Path, *more: str, script: str | None = None) -> Iterator[subprocess.Popen[str]]:
    code = script or SCRIPTED.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, "serve", "--pool", "pool.jsonl", "-r", "mine.toml", "--port", "0", *more]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "EL4NER_STORE": str(folder / "replies.sqlite"), "COLUMNS": "200"},
    ) as running:  # fmt: skip
        try:
            yield running
        finally:
            running.kill()


def address(running: subprocess.Popen[str]) -> str:
    assert running.stderr is not None
    for line in running.stderr:
        if found := re.match(r"serving at (http://\S+)/ ", line):
            return found[1]
    raise AssertionError("it does not say where it is")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(folder: Path, number: signal.Signals) -> None:
    (folder / "token").write_text("a-long-word\n")
    (folder / "token").chmod(0o600)
    with process(folder, "--token-file", "token") as running:
        url = address(running)
        with Client(url, "a-long-word") as client:
            found = [[entity.text for entity in one.entities] for one in client.annotate(["Ada saw Oslo", "nothing"])]
            assert found == [["Ada", "Oslo"], []]
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (0, "")
    assert "ready, after" in err
    assert "a-long-word" not in err
    assert "Traceback" not in err


def test_what_fails_is_logged_in_lines(folder: Path) -> None:
    with process(folder) as running, Client(address(running)) as client:
        (folder / "pool.jsonl").write_text("no pool\n")
        assert client("Ada").entities[0].text == "Ada"
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=20)
    assert "pool.jsonl, line 1: not valid JSON" in err


def test_models_that_cannot_be_opened_end_it(folder: Path) -> None:
    with process(folder, script="from el4ner.cli import main; main()") as running:
        _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert err.splitlines()[-1].startswith("error: ")
    assert "/nowhere" in err.splitlines()[-1]
    assert "Traceback" not in err


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    monkeypatch.setattr(sys, "argv", ["el4ner", "serve", *more])
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "give --token-file FILE"),
        (["--token-file", "gone"], "gone: the token cannot be read"),
        (["--token-file", "open"], "chmod 600 open"),
        (["--host", "203.0.113.9", "--token-file", "token"], "give one of its own by --host"),
        (["--pool", "gone.jsonl"], "gone.jsonl: there is no such file"),
        (["--pool", "."], "name a file of JSON lines"),
        (["--pool", "other.conll"], "other.conll: this is conll"),
        (["--labels", "gone.json"], "gone.json"),
        (["-r", "gone.toml"], "gone.toml"),
    ],
)
def test_what_it_refuses_to_begin_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    for name, mode in (("token", 0o600), ("open", 0o644)):
        (folder / name).write_text("a-long-word\n")
        (folder / name).chmod(mode)
    (folder / "other.conll").write_text("Eve B-person\n")
    line = refused(
        monkeypatch, capsys, "--pool", "pool.jsonl", "-r", "mine.toml", "--no-store", "--port", "0", *options
    )
    assert line.startswith("error: ")
    assert words in line
    assert "a-long-word" not in line


def test_a_port_in_use(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        more = ("--pool", "pool.jsonl", "-r", "mine.toml", "--no-store", "--port", str(port))
        assert refused(monkeypatch, capsys, *more) == f"error: port {port} is in use; choose another by --port"


def test_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("el4ner.web.server.find_spec", lambda name: None if name == "prometheus_client" else name)
    assert "pip install 'el4ner[serve]'" in refused(monkeypatch, capsys, "--pool", "pool.jsonl")


def test_the_client_needs_no_extra() -> None:
    code = "import sys; import el4ner.serve; assert not {'fastapi', 'uvicorn', 'prometheus_client'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
