"""The benchmark's own arithmetic, and (slow) its embedded systems on a few texts. Other tools are not run here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from el4ner.data import Example, Span
from el4ner.pool.demo import demo_pool

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.append(str(BENCHMARKS))

from prefix import fresh_tokens  # noqa: E402
from table import markdown, rows  # noqa: E402

PROMPT = list(range(10))


def test_a_prompt_that_nobody_has_read_is_read_whole() -> None:
    assert fresh_tokens([[PROMPT]], block=4) == 10


def test_whole_blocks_of_earlier_batches_are_not_read_again() -> None:
    assert fresh_tokens([[PROMPT], [[*PROMPT[:9], 99]]], block=4) == 10 + 2
    assert fresh_tokens([[PROMPT], [[*PROMPT[:7], 99, 98]]], block=4) == 10 + 5


def test_a_batch_does_not_share_with_itself() -> None:
    assert fresh_tokens([[PROMPT, PROMPT]], block=4) == 20


def test_a_block_is_known_only_behind_the_same_beginning() -> None:
    assert fresh_tokens([[PROMPT], [[99, *PROMPT[1:]]]], block=4) == 20


def test_the_last_token_is_always_read() -> None:
    assert fresh_tokens([[PROMPT[:8]], [PROMPT[:8]]], block=4) == 8 + 1


def test_the_table_gives_medians_of_ratios_within_a_repeat() -> None:
    gold = [Example("1", "Ada met Bob", (Span(0, 3, "person"),)), Example("2", "No one", ())]
    right, wrong = [[[0, 3, "person"]], []], [[[8, 11, "person"]], []]
    nano = [_run(seconds, right) | {"engine_seconds": seconds / 2} for seconds in (1.0, 2.0, 4.0)]
    other = [_run(seconds, wrong) for seconds in (2.0, 10.0, 12.0)]
    table = rows(gold, {"nano": nano, "langextract": other})
    assert table["nano"]["f1"] == 1
    assert table["langextract"]["f1"] == 0
    assert table["langextract"]["nano_is_times"] == 3
    assert table["nano"]["outside_engine"] == 0.5
    assert "3.00 x as fast" in markdown(table, 2, 3)


def _run(seconds: float, found: list[list[list[object]]]) -> dict[str, object]:
    stages = {"extract_prompt": 60, "classify_prompt": 20, "asked": 4}
    return {"seconds": seconds, "found": found, "prompt": 80, "fresh": 70, "generated": 10, **stages}


@pytest.mark.slow
def test_the_embedded_systems_run_and_are_counted(tmp_path: Path) -> None:
    examples = demo_pool().examples
    data = _data(tmp_path / "demo", {"train": examples[8:], "dev": examples[4:8], "test": examples[:4]})
    systems = ["nano", "engine", "cached", "plain"]
    command = [sys.executable, str(BENCHMARKS / "tools.py"), "--data", str(data), "--texts", "4", "--repeats", "1"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--systems", *systems], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "out" / "table.md").read_text("utf-8") + "\n"
    table = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert list(table) == [*(name for name in systems if name != "engine"), "engine"], done.stderr
    asked = table["nano"]["extract_prompt"] + table["nano"]["classify_prompt"]
    assert table["nano"]["fresh"] < asked  # questions about a text share what they begin with
    assert table["cached"]["fresh"] < asked  # one after the other, the list of types is
    assert table["plain"]["fresh"] == table["plain"]["extract_prompt"] + table["plain"]["classify_prompt"]
    assert 0 < table["nano"]["outside_engine"] < 0.5
    assert all(table[name]["f1"] > 0 for name in ("nano", "cached", "plain"))


def _data(folder: Path, splits: dict[str, tuple[Example, ...]]) -> Path:
    folder.mkdir()
    for name, examples in splits.items():
        lines = [
            {
                "id": e.id,
                "text": e.text,
                "entities": [{"start": s.start, "end": s.end, "label": s.label} for s in e.entities],
            }
            for e in examples
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    labels = {label.name: label.description for label in demo_pool().labels}
    (folder / "meta.json").write_text(json.dumps({"labels": labels}), "utf-8")
    return folder
