"""Data sets from folders and files; samples of them; leaks into the pool."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from el4ner.cli import commands
from el4ner.data import Example, Label, Span
from el4ner.errors import ConfigError, DataError
from el4ner.evaluate.sets import dataset as datasets
from el4ner.evaluate.sets.dataset import Dataset, leaked, open_dataset, sample
from el4ner.evaluate.sets.fetch import fetch
from el4ner.evaluate.sets.known import KnownSet, KnownSplit, known_sets
from el4ner.formats import write_examples

ADA = Example("1", "Ada slept .", (Span(0, 3, "person"),))
OSLO = Example("2", "Oslo saw Ada .", (Span(0, 4, "place"), Span(9, 12, "person")))


def folder(path: Path, meta: object = None, **splits: list[Example]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, examples in splits.items():
        write_examples(path / f"{name}.jsonl", examples)
    if meta is not None:
        (path / "meta.json").write_text(meta if isinstance(meta, str) else json.dumps(meta))
    return path


def numbered(count: int) -> list[Example]:
    return [Example(str(n), f"text {n}") for n in range(count)]


def test_a_folder_with_its_meta(tmp_path: Path) -> None:
    meta = {"name": "toy", "labels": {"place": "where", "person": "who"}, "license": "CC0", "notes": "small"}
    path = folder(tmp_path / "x", meta, train=[ADA], dev=[OSLO], test=[OSLO, ADA])
    expected = {"train": (ADA,), "dev": (OSLO,), "test": (OSLO, ADA)}
    labels = (Label("place", "where"), Label("person", "who"))
    assert open_dataset(path) == Dataset("toy", labels, expected, str(path))
    assert open_dataset(str(path)) == open_dataset(path)


def test_a_folder_without_meta_has_the_labels_that_occur(tmp_path: Path) -> None:
    data = open_dataset(folder(tmp_path / "toy", train=[ADA], test=[OSLO]))
    assert (data.name, data.labels) == ("toy", (Label("person"), Label("place")))
    assert open_dataset(folder(tmp_path / "toy", {"name": "named"})).labels == data.labels


@pytest.mark.parametrize("dev", ["dev.conll", "valid.bio", "validation.txt", "Valid.tsv"])
def test_a_folder_of_conll_files(tmp_path: Path, dev: str) -> None:
    for file in ("train.conll", dev, "test.iob"):
        (tmp_path / file).write_text("Ada\tB-person\nslept\tO\n.\tO\n\nhi\tO\n\n")
    (tmp_path / "README.txt").write_text("not a split")
    data = open_dataset(tmp_path)
    assert list(data.splits) == ["train", "dev", "test"]
    assert data.split("dev") == (ADA, Example("2", "hi"))


def test_a_single_file_is_a_test_split(tmp_path: Path) -> None:
    write_examples(tmp_path / "mine.jsonl", [OSLO])
    data = open_dataset(tmp_path / "mine.jsonl")
    assert (data.name, data.splits) == ("mine", {"test": (OSLO,)})
    with pytest.raises(DataError, match="no split 'train'; there are test"):
        data.split("train")


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"labels": {"person": "who"}}, r"test.jsonl: example '2' has the label 'place', not in meta.json; add it"),
        ({"labels": {"person": "who", "places": ""}}, "did you mean 'places'"),
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ({"labels": []}, "no labels"),
        ("[" * 100_000, "too deeply nested"),
    ],
)
def test_bad_meta(tmp_path: Path, meta: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        open_dataset(folder(tmp_path, meta, train=[ADA], test=[OSLO]))
    assert "\n" not in str(error.value)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no train, dev or test"):
        open_dataset(folder(tmp_path / "a", {}, other=[ADA]))
    with pytest.raises(DataError, match="holds no examples"):
        open_dataset(folder(tmp_path / "b", train=[]))
    (folder(tmp_path / "c", dev=[ADA]) / "valid.conll").write_text("a\tO\n")
    with pytest.raises(DataError, match=r"dev.jsonl and valid.conll are both dev"):
        open_dataset(tmp_path / "c")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wnut", "nor a known data set; did you mean 'wnut17'"),
        ("no/such", "there is no such file or folder"),
        ("test.jsonl", "there is no such file or folder"),
        (Path("wnut17"), "there is no such file or folder"),
    ],
)
def test_what_is_not_there(name: str | Path, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        open_dataset(name)


def test_a_known_set_is_opened_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EL4NER_DATA", str(tmp_path))
    monkeypatch.chdir(folder(tmp_path / "elsewhere"))
    splits = {"test": KnownSplit((), 1, 2)}
    toy = KnownSet("toy", "https://here.invalid/", "CC0", "", "en", (Label("person"), Label("place")), splits)
    monkeypatch.setattr(datasets, "known_sets", lambda: {"toy": toy})
    monkeypatch.setattr(datasets, "known_set", lambda name: {"toy": toy}[name])
    (folder(tmp_path / "toy", test=[OSLO]) / "test.sha256").write_text(datasets_digest([OSLO]))
    data = open_dataset("toy")
    assert (data.labels, data.splits) == (toy.labels, {"test": (OSLO,)})
    assert fetch(toy, pytest.fail, pytest.fail) == tmp_path / "toy"


def datasets_digest(examples: list[Example]) -> str:
    from el4ner.evaluate.sets.raw import digest

    return digest(examples)


def test_a_sample_is_that_of_the_seed() -> None:
    examples = numbered(20)
    positions = list(range(20))
    random.Random(7).shuffle(positions)
    assert [e.id for e in sample(examples, 3, 7)] == [str(i) for i in sorted(positions[:3])]
    assert sample(examples, 3, 7) != sample(examples, 3, 8)
    assert sample(examples, None, 7) == sample(examples, 99, 7) == tuple(examples)
    with pytest.raises(ConfigError, match="limit: 0"):
        sample(examples, 0, 7)


@given(st.integers(0, 40), st.integers(1, 50), st.integers(1, 50), st.integers(0, 3))
def test_samples_nest_and_keep_the_order(count: int, one: int, other: int, seed: int) -> None:
    examples = numbered(count)
    small, large = sample(examples, min(one, other), seed), sample(examples, max(one, other), seed)
    assert set(small) <= set(large)
    assert len(small) == min(one, other, count)
    assert list(large) == [e for e in examples if e in set(large)]


def test_leaks_are_found_whatever_the_white_space() -> None:
    pool = [Example("a", "Ada  slept\u00a0. "), Example("b", "ada slept ."), Example("c", "Ada slept"), OSLO]
    assert leaked(pool, [ADA, OSLO]) == [pool[0], OSLO]
    assert leaked(pool, []) == []


def test_the_list_shows_every_known_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EL4NER_DATA", str(tmp_path))
    folder(tmp_path / "wnut17", train=[ADA], dev=[ADA])
    result = CliRunner().invoke(commands.app, ["data", "list"])
    assert result.exit_code == 0
    for name in known_sets():
        assert name in result.stdout
    assert "in part" in " ".join(result.stdout.split())


def test_fetching_an_unknown_set_names_the_nearest() -> None:
    result = CliRunner().invoke(commands.app, ["data", "fetch", "wnut71"])
    assert isinstance(result.exception, DataError)
    assert "did you mean 'wnut17'" in str(result.exception)
