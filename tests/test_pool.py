"""The labelled pool: what it holds, what it refuses, what identifies it."""

import json
from pathlib import Path

import pytest

from el4ner.data import Example, Label, Span
from el4ner.errors import DataError
from el4ner.pool.check import Severity, check
from el4ner.pool.demo import demo_pool, demo_texts
from el4ner.pool.pool import Pool

ADA = Example("1", "Ada met Bob in Oslo", (Span(0, 3, "PER"), Span(8, 11, "PER"), Span(15, 19, "LOC")))
NONE = Example("2", "it rained")


def save(path: Path, *examples: Example) -> Path:
    rows = [
        {
            "id": e.id,
            "text": e.text,
            "entities": [{"start": s.start, "end": s.end, "label": s.label} for s in e.entities],
        }
        for e in examples
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_labels_default_to_those_that_occur() -> None:
    more = Example("3", "x y z", (Span(0, 1, "ORG"), Span(2, 3, "LOC"), Span(4, 5, "PER")))
    assert [label.name for label in Pool.of([ADA, NONE, more]).labels] == ["PER", "LOC", "ORG"]
    tied = Example("3", "x y", (Span(0, 1, "ORG"), Span(2, 3, "LOC")))
    assert [label.name for label in Pool.of([tied]).labels] == ["LOC", "ORG"]


def test_entities_are_sorted_and_stand_once() -> None:
    spans = (Span(8, 12, "LOC"), Span(0, 4, "ORG"), Span(0, 12, "ORG"), Span(8, 12, "LOC"), Span(0, 12, "FAC"))
    (example,) = Pool.of([Example("1", "Bank of Oslo", spans)]).examples
    assert example.entities == (Span(0, 12, "FAC"), Span(0, 12, "ORG"), Span(0, 4, "ORG"), Span(8, 12, "LOC"))


@pytest.mark.parametrize(
    ("span", "says"),
    [
        (Span(0, 10, "P"), "'9': an entity ends at 10 but the text has 3 characters"),
        (Span(-1, 2, "P"), "starts at -1"),
        (Span(1, 1, "P"), "is empty"),
        (Span(0, 1), "has no label"),
    ],
)
def test_impossible_entities_are_refused(span: Span, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Pool.of([ADA, Example("9", "Ada", (span,))])


@pytest.mark.parametrize("examples", [[], [NONE]])
def test_a_pool_without_entities_and_types_is_refused(examples: list[Example]) -> None:
    with pytest.raises(DataError, match="holds no labelled entity, and no types are named"):
        Pool.of(examples)


def test_a_pool_may_be_empty_where_types_are_named() -> None:
    assert Pool.of([], [Label("PER")]).examples == ()


def test_a_label_that_the_labels_lack_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"example '1' has the label 'PER'.* did you mean 'PERS'"):
        Pool.of([ADA], [Label("PERS"), Label("LOC")])
    with pytest.raises(DataError, match="which the labels lack; known are misc, place"):
        Pool.of([ADA], [Label("place"), Label("misc")])
    with pytest.raises(DataError, match="known are none"):
        Pool.of([ADA], [])


def test_labels_are_given_once() -> None:
    with pytest.raises(DataError, match="'PER' is given twice"):
        Pool.of([ADA], [Label("PER"), Label("PER", "people"), Label("LOC")])
    with pytest.raises(DataError, match="' ' is blank"):
        Pool.of([ADA], [Label("PER"), Label("LOC"), Label(" ")])


def test_a_label_without_examples_is_kept() -> None:
    labels = (Label("PER"), Label("LOC"), Label("ORG", "companies"))
    pool = Pool.of([ADA], labels)
    assert pool.labels == labels
    assert any("'ORG'" in finding.message for finding in check(pool).of(Severity.NOTE))


def test_read_with_labels(tmp_path: Path) -> None:
    path = save(tmp_path / "pool.jsonl", ADA, NONE)
    (tmp_path / "labels.toml").write_text('[labels]\nLOC = "places"\nPER = ""\n')
    labels = (Label("LOC", "places"), Label("PER"))
    assert Pool.read(path) == Pool.of([ADA, NONE])
    assert Pool.read(str(path), tmp_path / "labels.toml") == Pool((ADA, NONE), labels)
    assert Pool.read(path, labels) == Pool((ADA, NONE), labels)


def test_read_a_folder(tmp_path: Path) -> None:
    save(tmp_path / "train.jsonl", ADA)
    assert Pool.read(tmp_path) == Pool.of([ADA])
    (tmp_path / "meta.json").write_text('{"labels": {"LOC": "places", "PER": "people"}}')
    assert Pool.read(tmp_path).labels == (Label("LOC", "places"), Label("PER", "people"))
    assert Pool.read(tmp_path, [Label("PER"), Label("LOC")]).labels == (Label("PER"), Label("LOC"))
    (tmp_path / "meta.json").write_text('{"name": "mine", "license": "MIT"}')
    assert Pool.read(tmp_path) == Pool.of([ADA])


def test_read_errors_name_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "pool.jsonl", NONE)
    with pytest.raises(DataError, match=r"pool\.jsonl: the pool holds no labelled entity"):
        Pool.read(path)
    with pytest.raises(DataError, match=r"train\.jsonl: there is no such file"):
        Pool.read(tmp_path)


def test_without_leaves_out_verbatim_texts() -> None:
    pool = Pool.of([ADA, NONE, Example("3", "it rained.")])
    rest = pool.without(iter(["it rained", "Ada"]))
    assert [example.id for example in rest.examples] == ["1", "3"]
    assert rest.labels == pool.labels


def test_digest_follows_the_content() -> None:
    pool = Pool.of([ADA, NONE])
    assert pool.digest == Pool.of([ADA, NONE]).digest
    assert pool.digest is pool.digest
    shuffled = Example(ADA.id, ADA.text, ADA.entities[::-1])
    assert pool.digest == Pool.of([shuffled, NONE]).digest
    others = [
        Pool.of([NONE, ADA]),
        Pool.of([ADA]),
        Pool.of([ADA, NONE], [Label("PER", "people"), Label("LOC")]),
        Pool.of([Example("1", ADA.text, ADA.entities[1:]), NONE]),
        Pool.of([ADA, Example("2", "it rained\ud800")]),
    ]
    assert len({pool.digest, *(other.digest for other in others)}) == 6


def test_the_demo() -> None:
    pool = demo_pool()
    assert len(pool.examples) >= 150
    assert len(pool.labels) >= 12
    assert all(label.description for label in pool.labels)
    assert check(pool).of(Severity.ERROR) == check(pool).of(Severity.WARNING) == ()
    texts = demo_texts()
    assert len(texts) == 12
    assert not {document.text for document in texts} & {example.text for example in pool.examples}
