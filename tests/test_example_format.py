"""Formats of others: as objects, and registered under an entry point."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from el4ner import ConfigError, DataError, Example, Format, Pool, Span, read_documents, read_examples, write_examples

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_format.py"
TEXT = "[Anna Berg](PER) lives in [Oslo](LOC).\n\nIt rains.\n"
ANNA = Example("1", "Anna Berg lives in Oslo.", (Span(0, 9, "PER"), Span(19, 23, "LOC")))


def install(folder: Path, **formats: str) -> None:
    """As a package manager does: a folder beside the modules that names the entry points."""
    made = folder / "others-1.0.dist-info"
    made.mkdir()
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in formats.items()]
    (made / "entry_points.txt").write_text("\n".join(["[el4ner.formats]", *lines, ""]))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    import own_format

    yield own_format
    sys.modules.pop("own_format")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of links, without a name that says so; formats that are installed are found."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "file").write_text(TEXT)
    return tmp_path / "file"


def test_the_example_runs() -> None:
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Anna Berg lives in Oslo. [('Anna Berg', 'PER'), ('Oslo', 'LOC')]" in done.stdout


def test_a_format_is_given_as_an_object(own: ModuleType, file: Path, tmp_path: Path) -> None:
    assert read_examples(file, own.LINKS) == [ANNA, Example("3", "It rains.")]
    assert [document.text for document in read_documents(file, own.LINKS)] == [ANNA.text, "It rains."]
    assert Pool.read(file, format=own.LINKS).examples[0] == ANNA
    write_examples(tmp_path / "written", [ANNA], own.LINKS)
    assert (tmp_path / "written").read_text() == TEXT.splitlines(keepends=True)[0]
    (tmp_path / "bad").write_text("fine\n[Oslo](LOC")
    with pytest.raises(DataError, match="bad, line 2: a link that does not end"):
        read_examples(tmp_path / "bad", own.LINKS)


def test_a_registered_format_is_known_by_name_by_suffix_and_by_looks(
    own: ModuleType, file: Path, tmp_path: Path
) -> None:
    install(tmp_path, links="own_format:LINKS")
    assert read_examples(file, "links")[0] == ANNA
    assert read_examples(file)[0] == ANNA
    write_examples(tmp_path / "x.links", [ANNA])
    assert read_examples(tmp_path / "x.links") == [ANNA]
    (tmp_path / "x.txt").write_text(TEXT)
    assert read_examples(tmp_path / "x.txt")[0] == ANNA  # plain text cannot be meant
    assert next(iter(read_documents(tmp_path / "x.txt"))).text == TEXT.splitlines()[0]
    with pytest.raises(ConfigError, match=r"unknown format 'link'; use one of .*, links; did you mean 'links'\?"):
        read_examples(file, "link")


def test_the_command_line_knows_it(tmp_path: Path) -> None:
    install(tmp_path, links="own_format:LINKS")
    (tmp_path / "pool").write_text(TEXT)
    paths = os.pathsep.join([str(tmp_path), str(EXAMPLE.parent)])
    command = [sys.executable, "-c", "from el4ner.cli import main; main()", "pool", "check", "pool", "--format"]
    environment = os.environ | {"PYTHONPATH": paths}
    done = [
        subprocess.run([*command, name], cwd=tmp_path, env=environment, capture_output=True, text=True)
        for name in ("links", "lings")
    ]
    assert done[0].returncode == 0, done[0].stderr
    assert "1 examples with entities, 1 without" in done[0].stdout
    assert done[1].returncode == 2
    assert "did you mean 'links'?" in " ".join(done[1].stderr.replace("│", "").split())


@pytest.mark.parametrize("value", ["no_such_module:LINKS", "json:dumps"])
def test_a_format_that_does_not_load_is_in_nobodys_way(file: Path, tmp_path: Path, value: str) -> None:
    install(tmp_path, broken=value)
    with pytest.raises(ConfigError, match=f"'broken' cannot be loaded .entry point broken = '{value}'"):
        read_documents(file, "broken")
    row = {"id": "1", "text": "Ada", "entities": []}
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    assert read_examples(tmp_path / "x.jsonl") == [Example("1", "Ada")]
    with pytest.warns(UserWarning, match="'broken' cannot be loaded"):
        assert next(iter(read_documents(file))).text == TEXT.splitlines()[0]


def test_a_format_that_cannot_look_is_in_nobodys_way(file: Path, tmp_path: Path) -> None:
    (tmp_path / "picky.py").write_text(
        "from el4ner import Format\nPICKY = Format('picky', iter, sniff=lambda texts: next(texts).index('?') > 0)\n"
    )
    install(tmp_path, picky="picky:PICKY")
    with pytest.warns(UserWarning, match="'picky' failed to look at the lines"):
        assert len(list(read_documents(file))) == 2


def test_what_a_format_lacks_is_said(tmp_path: Path) -> None:
    texts = Format("verse", lambda lines: iter(()))
    labels = Format("psalm", lambda lines: iter(()), lambda lines: iter(()))
    (tmp_path / "file").write_text("Ada\n")
    with pytest.raises(DataError, match="verse text holds no labels"):
        read_examples(tmp_path / "file", texts)
    with pytest.raises(DataError, match="verse text cannot hold labels"):
        write_examples(tmp_path / "file", [ANNA], texts)
    with pytest.raises(DataError, match="psalm text is only read"):
        write_examples(tmp_path / "file", [ANNA], labels)
