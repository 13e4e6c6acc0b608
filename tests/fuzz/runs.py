"""Runs of `el4ner annotate` in processes of their own, to be killed, resumed and compared."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
CONCURRENCY = 2  # questions under way at each of two models
_MAIN = "from el4ner.cli import main; main()"
_END = 300  # seconds until a process has to end


@dataclass(frozen=True)
class Run:
    """One run's files: the texts, the pool, the recipe, the store and the output."""

    texts: Path
    pool: Path
    recipe: str
    store: Path
    out: Path

    def start(self) -> subprocess.Popen[bytes]:
        """Start it."""
        command = ["annotate", str(self.texts), "-p", str(self.pool), "-r", self.recipe]
        return started([*command, "--store", str(self.store), "-o", str(self.out)])

    def finish(self) -> bytes:
        """Run it to its end; what it wrote."""
        ended(self.start(), {0})
        return self.out.read_bytes()


def started(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """`el4ner` with these arguments, in a process of its own."""
    command = [sys.executable, "-c", _MAIN, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def ended(process: subprocess.Popen[bytes], codes: set[int]) -> str:
    """What a process wrote to standard error, once it has ended, with one of these codes and without a traceback."""
    try:
        told = process.communicate(timeout=_END)[1].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        process.kill()
        told = process.communicate()[1].decode("utf-8", "replace")
        raise AssertionError(f"the process did not end within {_END} s: {told[-2000:]}") from None
    assert "Traceback" not in told, told[-3000:]
    assert process.returncode in codes, (process.returncode, told[-2000:])
    return told


def killed(run: Run, seconds: float, number: signal.Signals) -> bool:
    """Start a run and send it a signal after so many seconds; whether it was still at work."""
    process = run.start()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        ended(process, {-number, 128 + number, 0})
        return True
    ended(process, {0})
    return False


def texts(folder: Path, count: int, first: int = 0) -> Path:
    """So many short texts, beginning with one of them and around."""
    path = folder / f"texts-{first}.jsonl"
    numbers = [(first + number) % count for number in range(count)]
    said = [f"Anna Berg{n} met Tom in Oslo, and Maria left Porto{n} for Lima." for n in numbers]
    lines = (json.dumps({"id": str(n), "text": text}) + "\n" for n, text in zip(numbers, said, strict=True))
    path.write_text("".join(lines), "utf-8")
    return path


def pool(folder: Path) -> Path:
    """Two examples to learn from."""
    rows = (
        {"text": "Anna lives in Oslo .", "entities": [{"start": 0, "end": 4, "label": "person"}]},
        {"text": "Rain in Lima .", "entities": [{"start": 8, "end": 12, "label": "location"}]},
    )
    path = folder / "pool.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def recipe(folder: Path, url: str) -> str:
    """Two members on a server, in small windows."""
    models = "".join(
        f'[models.{name}]\nengine = "openai"\nbase_url = "{url}"\nmodel = "{name}"\nconcurrency = {CONCURRENCY}\n'
        f'context = 4096\n[[members]]\nname = "{name}"\nmodel = "{name}"\ndemonstrations = 2\n'
        for name in ("one", "two")
    )
    path = folder / "served.toml"
    path.write_text(f'name = "served"\nwindow = 4\n{models}[retrieve]\nby = "sentence"\n', "utf-8")
    return str(path)


def timed(run: Run) -> tuple[bytes, float]:
    """What an undisturbed run writes, and the seconds that it takes."""
    began = time.monotonic()
    return run.finish(), time.monotonic() - began


def moments(rng: random.Random, whole: float) -> float:
    """Seconds after which a run that takes so long is killed: at any time, most often while it is at work."""
    return rng.uniform(0.0, whole) if rng.random() < 0.25 else rng.uniform(0.4, 0.95) * whole
