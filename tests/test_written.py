"""The sets written for training: every file reads, offsets are right, and mistakes are told with their line."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from el4ner.formats import read_examples

HOME = Path(__file__).parents[1] / "train"
FILES = sorted((HOME / "written").rglob("*.txt"))
WORD = st.text("abcé中 :#|", min_size=1, max_size=8).filter(lambda w: w == w.strip() and "|" not in w)


@pytest.fixture(scope="module")
def written() -> ModuleType:
    spec = importlib.util.spec_from_file_location("written", HOME / "written.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_sets() -> None:
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_set_can_teach(written: ModuleType, path: Path) -> None:
    table = written.read_written(path)
    texts = [text for text, _ in table["texts"]]
    assert len(texts) >= 30
    assert len(set(texts)) == len(texts)
    assert any(not entities for _, entities in table["texts"])
    found = {label for _, entities in table["texts"] for _, _, label in entities}
    assert found == set(table["labels"])
    assert all(table["labels"].values()), "a type without a description"


@given(parts=st.lists(st.tuples(WORD, WORD), max_size=5))
def test_offsets_are_those_of_the_surfaces(written: ModuleType, parts: list[tuple[str, str]]) -> None:
    line = "".join(f"x {outside} [[{inside}|a]] " for outside, inside in parts) + "x"
    text, entities = written._sentence(line, {"a": ""}, "f:1")
    assert text == re.sub(r"\[\[(.*?)\|a\]\]", r"\1", line)
    assert [text[start:end] for start, end, _ in entities] == [inside for _, inside in parts]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[[Ana|rider]] and [[Bo|team]].", "no such type"),
        ("[[Ana |rider]] rode.", "a space at the edge"),
        ("[[Ana|rider rode.", "a bracket that is not markup"),
    ],
)
def test_a_mistake_is_told_with_its_line(written: ModuleType, tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f"# rider: people who race\n\nNobody rode.\n{line}\n")
    with pytest.raises(SystemExit, match=re.escape(f"{path}:4")) as stop:
        written.read_written(path)
    assert told in str(stop.value)


def test_a_set_can_be_used_as_a_data_set(written: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["written.py", "--out", str(tmp_path), str(FILES[0])])
    written.main()
    table = written.read_written(FILES[0])
    folder = tmp_path / FILES[0].stem
    assert json.loads((folder / "meta.json").read_text())["labels"] == table["labels"]
    read = [read_examples(folder / f"{split}.jsonl") for split in ("train", "dev")]
    assert sorted(e.text for part in read for e in part) == sorted(text for text, _ in table["texts"])
