"""What types may be called, wherever their names come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from el4ner.data import Example, Label, Span
from el4ner.errors import DataError
from el4ner.formats import read_examples, read_labels, write_examples
from el4ner.formats.label_names import tidy
from el4ner.pool.labels import asked_labels
from el4ner.pool.pool import Pool

ADA = Example("1", "Ada ran", (Span(0, 3, "person"),))
VARIANTS = (
    "person ", " person", "\tperson", "person\n", "person\u00a0", "\ufeffperson", "person\u200b", "\u200fperson",
)  # fmt: skip


def save(path: Path, *labels: str) -> Path:
    rows = [{"text": "Ada ran", "entities": [{"start": 0, "end": 3, "label": label}]} for label in labels]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("label", VARIANTS)
def test_white_space_around_a_label_is_nothing(tmp_path: Path, label: str) -> None:
    assert read_examples(save(tmp_path / "a.jsonl", label)) == [ADA]
    (tmp_path / "list.json").write_text(json.dumps([label]))
    (tmp_path / "table.json").write_text(json.dumps({label: "a human being"}))
    assert read_labels(tmp_path / "list.json") == (Label("person"),)
    assert read_labels(tmp_path / "table.json") == (Label("person", "a human being"),)
    pool = Pool.of([Example("1", "Ada ran", (Span(0, 3, label),))])
    assert pool == Pool.of([ADA])
    assert Pool.of([Example("1", "Ada ran", (Span(0, 3, label),)), ADA], [Label(label)]).labels == (Label("person"),)
    assert asked_labels([label], pool) == (Label("person"),)


def test_entities_and_lists_of_labels_meet(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"person": "a human being"}')
    pool = Pool.read(save(tmp_path / "a.jsonl", "person ", "person", " person"), tmp_path / "labels.json")
    assert [span.label for example in pool.examples for span in example.entities] == ["person"] * 3


def test_blanks_within_a_label_are_one() -> None:
    assert tidy("cell \u00a0 line") == "cell line"


def test_conll_labels_are_tidy_too(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Ada\tB-person\u00a0\nran\tO\n")
    assert read_examples(tmp_path / "a.conll") == [ADA]


def test_labels_that_differ_in_white_space_alone_are_named(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"person": "a", "person ": "b"}')
    with pytest.raises(DataError, match=r"labels.json: the label 'person' and 'person ' differ in white space alone"):
        read_labels(tmp_path / "labels.json")
    with pytest.raises(DataError, match=r"'person' and ' person' differ in white space alone"):
        Pool.of([ADA], [Label("person"), Label(" person")])


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("labels.json", '{"person": "a", "place": "b", "person": "c"}', 'the key "person" stands twice'),
        ("labels.json", '{"labels": {"a": ""}, "labels": {"b": ""}}', 'the key "labels" stands twice'),
        ("labels.json", '["person", "place", "person"]', "the label 'person' is given twice"),
        ("labels.toml", 'labels = ["person", "person"]', "the label 'person' is given twice"),
        ("labels.toml", '[labels]\na = "x"\na = "y"', "not valid TOML"),
        ("labels.json", '["person", 3]', "'3' is no label with a description"),
    ],
)
def test_a_label_that_is_given_twice_or_is_none_is_named(tmp_path: Path, file: str, content: str, says: str) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(DataError, match=f"{file}.*{says}"):
        read_labels(tmp_path / file)


BAD = {
    "a\nb": "holds a control character",
    "a\tb": "holds a control character",
    "a\0": "holds a control character",
    "a\x1b[31m": "holds a control character",
    "a\u2028b": "holds a line break",
    "a\ud800": "holds half a character",
    "\u200b": "is blank",
    "x" * 201: "is 201 characters long",
    "x" * 100_000: "is 100,000 characters long",
}


@pytest.mark.parametrize("label", BAD, ids=range(len(BAD)))
def test_what_is_no_name_is_refused_with_its_line(tmp_path: Path, label: str) -> None:
    with pytest.raises(DataError, match=rf"a.jsonl, line 3: the label .* {BAD[label]}") as caught:
        read_examples(save(tmp_path / "a.jsonl", "person", "place", label, "person"))
    assert len(str(caught.value)) < 300
    (tmp_path / "labels.json").write_text(json.dumps({"person": "", label: ""}))
    with pytest.raises(DataError, match=f"labels.json: .* {BAD[label] if label != chr(0x200B) else 'blank'}"):
        read_labels(tmp_path / "labels.json")
    with pytest.raises(DataError, match=BAD[label]):
        Pool.of([Example("1", "Ada ran", (Span(0, 3, label),))])


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"example 'x': the label .* holds a control character"):
        write_examples(tmp_path / "a.jsonl", [Example("x", "Ada ran", (Span(0, 3, "a\nb"),))])
    write_examples(tmp_path / "a.jsonl", [Example("1", "Ada ran", (Span(0, 3, "person "),))])
    assert read_examples(tmp_path / "a.jsonl") == [ADA]
