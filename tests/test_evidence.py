"""Annotations as records with all their evidence, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from runpy import run_path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from test_run_page import random_annotation

from el4ner.annotation import Annotation
from el4ner.data import NOT_ASKED, Ballot, Candidate, Shown, Span, Trace, Ungrounded, Verdict, Vote
from el4ner.errors import DataError
from el4ner.formats import read_documents, read_examples
from el4ner.formats.annotations import read_annotations
from el4ner.formats.jsonl import dumps

SCHEMA = Path(__file__).parent.parent / "docs" / "annotation.schema.json"
TRACE = Trace(
    {"a": (Span(0, 4),), "b": ()},
    "pos",
    (Shown("7", 0.25),),
    {"a": 1, "b": 0},
    (Ungrounded("extract", "b", "Bergen", "person"),),
    ("extract c: HTTP 500",),
    ("a",),
)


def _annotation(seed: int) -> Annotation:
    return replace(random_annotation(Random(seed), f"text {seed}"), traces=(TRACE,) * (seed % 3))


@pytest.mark.parametrize("seed", range(40))
def test_a_record_with_evidence_reads_back_equal(seed: int) -> None:
    annotation = _annotation(seed)
    record = json.loads(dumps(annotation.record(evidence=True)))
    assert Annotation.from_record(record) == annotation
    assert {key: record[key] for key in annotation.record()} == annotation.record()


def test_the_schema_is_that_of_the_code() -> None:
    told = run_path(str(SCHEMA.parent.parent / "scripts" / "write_schema.py"))["schema"]()
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(json.dumps(told))


def test_the_schema_describes_every_record() -> None:
    check = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    for seed in range(40):
        for evidence in (True, False):
            check.validate(json.loads(dumps(_annotation(seed).record(evidence))))
    broken = _annotation(2).record(evidence=True)
    assert not check.is_valid(broken | {"decision": {"rule": "loudest"}})
    assert not check.is_valid({key: value for key, value in broken.items() if key != "text"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"el4ner": 2}, "of another version of el4ner; annotate again"),
        ({"text": None}, '"id" and "text" must be strings'),
        ({"text": "short"}, "is no place in a text of 5 characters"),
        ({"ballots": "none"}, "ballots: Input should be a valid tuple"),
        ({"decision": {"threshold": "high"}}, "decision.threshold: Input should be a valid number"),
        ({"decision": {"threshold": 10**400}}, "decision.threshold"),
        ({"traces": [{"weights": "pos"}]}, "traces.0.preextracted: Field required"),
    ],
)
def test_what_is_no_evidence_is_named(change: dict[str, Any], said: str) -> None:
    record = json.loads(dumps(random_annotation(Random(3), "x", least=2).record(evidence=True)))
    with pytest.raises(DataError, match=said):
        Annotation.from_record(record | change)


def test_a_probability_that_is_none_is_named() -> None:
    record = json.loads(dumps(random_annotation(Random(3), "x", least=2).record(evidence=True)))
    for odd in (1.5, -0.1, float("nan"), float("inf")):
        record["ballots"][0]["votes"][0]["probability"] = odd
        with pytest.raises(DataError, match=r"ballots\.0: a probability that is not between 0 and 1"):
            Annotation.from_record(record)


@pytest.mark.parametrize(
    "decision", [{"weights": {"a": "NaN"}}, {"threshold": "9" * 5000}, {"calibration": [1, "inf"]}]
)
def test_a_decision_of_no_numbers_is_refused(decision: dict[str, Any]) -> None:
    record = json.loads(dumps(random_annotation(Random(3), "x", least=2).record(evidence=True)))
    with pytest.raises(DataError, match="decision"):
        Annotation.from_record(record | {"decision": record["decision"] | decision})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["decision", "ballots", "traces", "id", "text", "el4ner"]), _JSON)
def test_any_json_in_place_of_evidence_is_data_or_an_error(key: str, value: object) -> None:
    record = json.loads(dumps(random_annotation(Random(1), "x", least=1).record(evidence=True)))
    try:
        read = Annotation.from_record(record | {key: value})
    except DataError:
        return
    assert all(read.text[e.start : e.end] == e.text for e in read.entities)


def test_files_are_read_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    made = [_annotation(seed) for seed in range(3)]
    plain = made[0].record() | {"id": "plain"}
    file.write_text("\n".join([*(dumps(a.record(evidence=True)) for a in made), dumps(plain), ""]), "utf-8")
    read = list(read_annotations(file))
    assert read[:3] == made
    assert [(e.start, e.label) for e in read[3].entities] == [(e.start, e.label) for e in made[0].entities]
    with pytest.raises(DataError, match=r"out\.jsonl, line 4: no evidence; write it with `el4ner annotate --evidence`"):
        list(read_annotations(file, evidence=True))
    file.write_text(dumps(plain | {"entities": [{"start": 0}]}), "utf-8")
    with pytest.raises(DataError, match=r"out\.jsonl, line 1: entities\.0\.end: Field required"):
        list(read_annotations(file))
    file.write_text('{"id": "1", "text": "Porto", "entities": [{"start": 0, "end": 5, "label": "place"}]}', "utf-8")
    with pytest.raises(DataError) as raised:  # a pool's line
        list(read_annotations(file))
    assert str(raised.value).endswith(
        "out.jsonl, line 1: entities.0.text: Field required; is this what `el4ner annotate` wrote?"
    )


def test_lines_with_evidence_are_texts_and_examples_too(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    annotation = _annotation(4)
    file.write_text(dumps(annotation.record(evidence=True)) + "\n", "utf-8")
    assert [(d.id, d.text) for d in read_documents(file)] == [(annotation.id, annotation.text)]
    spans = [(s.start, s.end, s.label) for s in read_examples(file)[0].entities]
    assert spans == [(e.start, e.end, e.label) for e in annotation.entities]


def test_leaving_members_out_leaves_their_word_out() -> None:
    annotation = next(a for a in map(_annotation, range(99)) if len(a.ballots) > 5)
    left = annotation.without("a", "crf")
    named = {vote.member for ballot in left.ballots for vote in ballot.votes}
    assert named == {"b", "c"}
    assert annotation.without() == annotation
    assert left.without("b", "c").ballots == ()


def test_a_notebook_shows_the_text_and_escapes_it() -> None:
    class Words(HTMLParser):
        words = ""

        def handle_data(self, data: str) -> None:
            self.words += data

    annotation = _annotation(9)
    reader = Words()
    reader.feed(annotation._repr_html_())
    for entity in annotation.entities:
        assert entity.label in reader.words
    hostile = replace(annotation, text="<img src=x>\x1b", entities=(), ballots=())
    assert "<img" not in hostile._repr_html_()
    assert "\x1b" not in hostile._repr_html_()


def test_what_was_cut_dropped_or_not_answered_is_on_the_line() -> None:
    bare = replace(random_annotation(Random(1), "7"), ballots=())
    assert bare.record()["warnings"] == []
    assert replace(bare, traces=(replace(TRACE, left_out={"b": 3}),)).record()["warnings"] == [
        "extract b: 3 of 3 demonstrations had no room",
        "extract a: the token limit cut its list; complete entries count",
        "extract b: 'Bergen' (person) is not in the text, or its type was not asked for",
        "extract c: HTTP 500",
    ]
    vote, spared = Vote("a", None, abstained="HTTP\n503"), Vote("b", None, abstained=NOT_ASKED)
    ballot = Ballot(Candidate(Span(0, 4), ()), (vote, spared), (Verdict("v", "person", None, abstained="no word"),))
    assert replace(bare, ballots=(ballot, ballot)).warnings == ("classify a: HTTP␤503", "verify v: no word")


def test_without_a_member_its_failures_are_gone_too() -> None:
    bare = replace(random_annotation(Random(1), "7"), ballots=(), traces=(replace(TRACE, failed={"c": "HTTP 500"}),))
    assert bare.failed == {"c": "HTTP 500"}
    left = bare.without("c", "a")
    assert left.failed == {}
    assert left.warnings == ("extract b: 'Bergen' (person) is not in the text, or its type was not asked for",)
    assert set(left.traces[0].shown) == {"b"}
