"""What every system is given, and what it gives back.

A system runs in a process of its own, and where it needs one in an environment of its own: so both are JSON files, and
this module imports nothing but the standard library.

    python run_X.py VARIANT TASK RESULT [URL]

TASK holds `texts`, `labels` (name: description), `examples` (text, entities as [start, end, label]), `warm_up` (a text
that is not timed), and `data` and `limit`, by which el4ner finds its pool. RESULT holds `seconds`, `found` (for each
text, [start, end, label] ...) and the totals that the system's meter gave.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Task = dict[str, Any]
Found = list[list[list[Any]]]

CAP = (
    256  # tokens that a compared tool may generate for a text: without a cap the model lists on until the context ends
)

_METRICS = {
    "prompt_tokens_total": "fresh",
    "prompt_tokens_cached_total": "cached",
    "tokens_predicted_total": "generated",
}


@dataclass(frozen=True)
class System:
    """A system that is ready to annotate.

    `meter` gives totals so far, of which the growth over the timed texts is kept; `after` gives facts about the last
    call of `annotate` that take time to find.
    """

    annotate: Callable[[Sequence[str]], Found]
    meter: Callable[[], dict[str, float]]
    after: Callable[[], dict[str, Any]] = dict


def run(prepare: Callable[[str, Task, str], System]) -> None:
    """Open the system that the command line names, annotate a text to warm up, then the task's; write the result."""
    variant, task_file, result_file = sys.argv[1:4]
    task = json.loads(Path(task_file).read_text("utf-8"))
    began = time.perf_counter()
    system = prepare(variant, task, sys.argv[4] if len(sys.argv) > 4 else "")
    system.annotate([task["warm_up"]])
    ready = time.perf_counter()
    before = system.meter()
    timed = time.perf_counter()
    found = system.annotate(task["texts"])
    seconds = time.perf_counter() - timed
    totals = {name: value - before.get(name, 0) for name, value in system.meter().items()}
    result = {"start": ready - began, "seconds": seconds, "found": found, **totals, **system.after()}
    Path(result_file).write_text(json.dumps(result), "utf-8")


def server_meter(url: str) -> Callable[[], dict[str, float]]:
    """Tokens that a llama.cpp server has read anew, found in its cache, and generated. `url` ends in `/v1`."""

    def meter() -> dict[str, float]:
        with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as answer:
            lines = answer.read().decode().splitlines()
        values = dict(line.removeprefix("llamacpp:").split() for line in lines if line.startswith("llamacpp:"))
        return {ours: float(values[theirs]) for theirs, ours in _METRICS.items()}

    return meter
