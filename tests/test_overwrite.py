"""What a command reads it does not overwrite, whichever option names it, and nobody is asked before that is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_cli import ASK, POOL, Run, Scripted, model, run, work

__all__ = ["model", "run", "work"]
IN_FOLDER = [arg if arg != "pool.jsonl" else "set" for arg in ASK]


@pytest.fixture
def files(work: Path, model: Scripted, run: Run) -> dict[str, bytes]:
    """All that may be read, and what is in it."""
    rows = "".join(json.dumps(row) + "\n" for row in POOL)
    Path("set").mkdir()
    Path("set/train.jsonl").write_text(rows)
    Path("set/meta.json").write_text(json.dumps({"labels": {"person": "people", "place": "places"}}))
    Path("gold.jsonl").write_text(rows)
    assert run("annotate", "texts.txt", *ASK, "--evidence", "-o", "out.jsonl").code == 0
    model.calls = 0
    return {
        str(path): path.read_bytes()
        for path in Path().rglob("*")
        if path.suffix in (".jsonl", ".txt", ".toml", ".json")
    }


@pytest.mark.parametrize(
    "command",
    [
        ["annotate", "texts.txt", *ASK, "--no-store", "--html", "texts.txt"],
        ["annotate", "texts.txt", *ASK, "--no-store", "--html", "./pool.jsonl"],
        ["annotate", "texts.txt", *ASK, "--no-store", "--html", "recipe.toml"],
        ["annotate", "texts.txt", *ASK, "--no-store", "-o", "texts.txt"],
        ["annotate", "texts.txt", *IN_FOLDER, "--no-store", "--html", "set/train.jsonl"],
        ["show", "out.jsonl", "--html", "out.jsonl"],
        ["show", "out.jsonl", "--html", "gold.jsonl", "--gold", "gold.jsonl"],
        ["pool", "audit", "set", "-r", "recipe.toml", "--no-store", "-o", "set/train.jsonl"],
        ["pool", "audit", "set", "-r", "recipe.toml", "--no-store", "-o", "recipe.toml"],
        ["update", "out.jsonl", *IN_FOLDER, "-o", "set/meta.json"],
        ["update", "out.jsonl", *ASK, "-o", "recipe.toml"],
        ["update", "pool.jsonl", *ASK],
        ["review", "texts.txt", *ASK, "-o", "pool.jsonl"],
        ["review", "texts.txt", *ASK, "-o", "texts.txt"],
        ["review", "gold.jsonl", "--pool", "gold.jsonl", "-r", "recipe.toml"],
    ],
)
def test_what_is_read_is_not_overwritten(
    files: dict[str, bytes], model: Scripted, run: Run, command: list[str]
) -> None:
    done = run(*command)
    assert done.code == 1
    assert command[:1] == ["update"] or "would overwrite it" in done.err
    assert {name: Path(name).read_bytes() for name in files} == files
    assert model.calls == 0


def test_a_page_without_a_folder_is_told_before_anybody_is_asked(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", "texts.txt", *ASK, "--html", "none/page.html")
    assert done.code == 1
    assert "there is no folder none; make it first" in done.err
    assert model.calls == 0


def test_a_run_without_a_store_does_not_say_that_it_goes_on(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", "texts.txt", *ASK, "--no-store", "--max-tokens", "1", "-o", "out.jsonl")
    assert done.code == 3
    assert "out.jsonl.part; nothing was remembered" in done.err
    assert "goes on where it stopped" in run("annotate", "texts.txt", *ASK, "--max-tokens", "1").err
