"""The four stages together: windows, failures, costs, long texts, types given with a call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import pytest
from fakes import (
    LABELS,
    POOL,
    Asked,
    LetterEncoder,
    any_text,
    ensemble,
    example,
    failing,
    scripted,
)
from hypothesis import given, settings
from knowing import TEXT, annotated, found, knowing, right, typed

from el4ner.data import Document, Entity, Label
from el4ner.errors import ConfigError, DataError, ModelError
from el4ner.models.base import Outcome, Reply
from el4ner.models.constraint import Listing
from el4ner.pool.pool import Pool


def test_a_text_gets_its_entities() -> None:
    annotation = annotated(TEXT, knowing(), knowing())
    assert annotation.text == TEXT
    assert annotation.entities == (
        Entity(0, 9, "Anna Berg", "person", 1.0, {"a": "person", "b": "person"}, None),
        Entity(14, 17, "Tom", "person", 1.0, {"a": "person", "b": "person"}, None),
        Entity(21, 25, "Oslo", "location", 1.0, {"a": "location", "b": "location"}, None),
    )


def test_order_and_ids_are_kept() -> None:
    documents = [Document("x", "Oslo"), "Berlin", Document("", ""), Document("x", "Tom")]
    annotations = list(ensemble(knowing(), window=3).annotate(documents))
    assert [(a.id, a.text) for a in annotations] == [("x", "Oslo"), ("2", "Berlin"), ("", ""), ("x", "Tom")]
    assert [found(a) for a in annotations] == [
        [("Oslo", "location")],
        [("Berlin", "location")],
        [],
        [("Tom", "person")],
    ]


def test_texts_are_read_a_window_at_a_time() -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        for number in count():
            taken.append(number)
            yield f"Tom {number}"

    annotations = ensemble(knowing(), window=3).annotate(endless())
    assert not taken
    assert [(next(annotations).text, len(taken)) for _ in range(7)] == [
        (f"Tom {number}", read) for number, read in zip(range(7), (3, 3, 3, 6, 6, 6, 9), strict=True)
    ]


def test_a_stage_puts_the_questions_of_a_window_together() -> None:
    model = knowing()
    list(ensemble(model, window=4).annotate(f"Tom {number}" for number in range(10)))
    assert model.batches == [4, 4, 2]


def test_nothing_is_annotated_where_there_are_no_texts() -> None:
    model = knowing()
    assert list(ensemble(model).annotate([])) == []
    assert model.calls == 0


@pytest.mark.parametrize("text", ["", " ", "\n\0\t\u2028"])
def test_an_empty_text_has_no_entities_and_asks_nobody(text: str) -> None:
    model = knowing()
    annotation = annotated(text, model)
    assert (annotation.text, annotation.entities, annotation.ballots) == (text, (), ())
    assert model.calls == 0


def test_empty_texts_among_others() -> None:
    annotations = ensemble(knowing()).annotate(["", "Tom", " ", "Oslo", ""])
    assert [len(a.entities) for a in annotations] == [0, 1, 0, 1, 0]


def test_what_is_no_text_is_named() -> None:
    number: Any = 3
    with pytest.raises(DataError, match="7"):
        list(ensemble(knowing()).annotate([Document("7", number)]))


@given(any_text)
@settings(max_examples=60)
def test_any_text_goes_through_and_offsets_are_right(text: str) -> None:
    model = scripted(lambda asked: f"{asked.text} (person); {asked.text[:3]} (group)", "person")
    annotation = annotated(text, model, extract={"constrain": True}, decide={"overlap": "all"}, passage_bytes=64)
    found(annotation)
    assert len(annotation.entities) >= bool(annotation.traces)


def test_the_result_does_not_depend_on_the_window() -> None:
    texts = [TEXT, "Oslo", "", "北京 and Berlin", TEXT]
    one, many = (list(ensemble(knowing(), knowing(), window=n).annotate(texts)) for n in (1, 5))
    assert one == many


class TestDeciding:
    def test_deciding_again_asks_nobody(self) -> None:
        models = scripted("Tom; Oslo", "person"), scripted("Oslo", "location")
        ner = ensemble(*models, verify={"members": ["a"]})
        annotation = ner("Tom saw Oslo")
        asked = [model.calls for model in models]
        assert found(annotation.decide(proposers=2)) == [("Oslo", "person")]
        assert found(annotation.decide(rule="weighted", weights={"b": 3.0})) == [
            ("Tom", "location"),
            ("Oslo", "location"),
        ]
        assert found(annotation.decide(threshold=0.6)) == []
        assert annotation.decide(threshold=0.6).decide(threshold=0.0) == annotation
        assert [model.calls for model in models] == asked

    def test_the_recipe_says_how_to_decide(self) -> None:
        models = scripted("Tom; Oslo", "person"), scripted("Oslo", "location")
        ner = annotated("Tom saw Oslo", *models, decide={"rule": "weighted", "proposers": 2, "threshold": 0.5})
        assert found(ner) == [("Oslo", "person")]


class TestFailures:
    def test_a_member_that_fails_abstains_and_the_others_decide(self) -> None:
        annotation = annotated(TEXT, failing("timed out"), knowing(), verify={"members": ["a"]})
        assert found(annotation) == [("Anna Berg", "person"), ("Tom", "person"), ("Oslo", "location")]
        assert annotation.traces[0].abstained == ("extract a: timed out",)
        assert [vote.abstained for vote in annotation.ballots[0].votes] == ["timed out", ""]
        assert annotation.ballots[0].verdicts[0].holds is None
        assert annotation.entities[0].votes == {"b": "person"}
        assert annotation.entities[0].score == 1

    def test_a_member_that_dies_does_not_end_the_run(self) -> None:
        left = [3]

        def dying(asked: Asked) -> Reply | str:
            left[0] -= 1
            return typed(asked) if left[0] >= 0 else Reply("", Outcome.FAILED, error="gone")

        annotations = list(
            ensemble(scripted(dying, right), knowing(), window=2).annotate([TEXT + str(n) for n in range(7)])
        )
        assert [len(a.entities) for a in annotations] == [3] * 7
        assert [bool(a.traces[0].abstained) for a in annotations] == [False] * 3 + [True] * 4

    def test_one_failed_request_is_one_texts_matter(self) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        model = scripted(lambda asked: refused if "Oslo" in asked.text else typed(asked))
        annotations = list(ensemble(model).annotate(["Tom", "Oslo", "Berlin"]))
        assert [found(a) for a in annotations] == [[("Tom", "person")], [], [("Berlin", "location")]]
        assert [a.traces[0].abstained for a in annotations] == [(), ("extract a: refused",), ()]

    @pytest.mark.parametrize("window", [1, 2, 4])
    def test_a_text_that_everyone_refuses_is_no_end_wherever_it_falls(self, window: int) -> None:
        refused = Reply("", Outcome.FAILED, error="content filter")
        model = scripted(lambda asked: refused if "Oslo" in asked.text else typed(asked))
        annotations = list(ensemble(model, window=window).annotate(["Tom", "Berlin", "Oslo", "Tom"]))
        assert [len(a.entities) for a in annotations] == [1, 1, 0, 1]
        assert annotations[2].traces[0].abstained == ("extract a: content filter",)

    def test_models_that_fall_silent_end_the_run(self) -> None:
        refused = Reply("", Outcome.FAILED, error="connection refused")
        model = scripted(lambda asked: refused if "Oslo" in asked.text else typed(asked))
        running = ensemble(model, window=1).annotate(["Tom", *(f"Oslo {n}" for n in range(50))])
        done = []
        with pytest.raises(ModelError, match="connection refused"):
            done.extend(running)
        assert 1 <= len(done) < 8

    def test_where_nobody_answers_the_run_ends_and_says_why(self) -> None:
        with pytest.raises(ModelError, match="connection refused") as caught:
            annotated(TEXT, failing(), failing("no such model"))
        assert "\n" not in str(caught.value)

    def test_none_is_an_answer(self) -> None:
        assert annotated(TEXT, scripted("none")).entities == ()
        assert annotated(TEXT, scripted("")).entities == ()
        assert annotated(TEXT, failing(), scripted("none")).entities == ()

    def test_pre_extraction_that_fails_is_told(self) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        model = scripted(typed, preextract=lambda _: refused)
        annotation = annotated(TEXT, model, retrieve={"spans": "members"})
        assert annotation.traces[0].abstained == ("retrieve a: refused",)
        assert annotation.traces[0].weights == "sentence"  # by the text as a whole then
        assert len(annotation.entities) == 3


class TestQuestions:
    def test_identical_questions_are_asked_once(self) -> None:
        model = scripted("Tom; Oslo", right)
        ner = ensemble(model)
        annotations = list(ner.annotate(["Tom and Tom saw Oslo , Oslo"] * 3))
        assert [len(a.entities) for a in annotations] == [4, 4, 4]
        assert len(model.questions("extract")) == 1
        assert [asked.span for asked in model.questions("classify")] == ["Tom", "Oslo"]
        costs = {cost.stage: cost for cost in ner.costs}
        assert (costs["extract"].asked, costs["extract"].repeated, costs["extract"].calls) == (3, 2, 1)
        assert (costs["classify"].asked, costs["classify"].repeated, costs["classify"].calls) == (12, 10, 2)

    def test_costs_are_counted(self) -> None:
        ner = ensemble(knowing(), failing(), verify={"members": ["a"]})
        ner(TEXT)
        stages = [(cost.stage, cost.member, cost.calls, cost.failed, cost.generated) for cost in ner.costs]
        assert stages == [
            ("extract", "a", 1, 0, 1),
            ("extract", "b", 1, 1, 0),
            ("classify", "a", 0, 0, 0),
            ("classify", "b", 3, 3, 0),
            ("verify", "a", 3, 0, 3),
        ]

    def test_every_member_pre_extracts_and_the_union_goes_on(self) -> None:
        one, two = scripted(preextract="Tom; Rome"), scripted(preextract="Oslo; Tom")
        annotation = annotated("Tom saw Oslo", one, two, retrieve={"spans": "members"})
        spans = annotation.traces[0].preextracted
        assert {name: [annotation.text[s.start : s.end] for s in group] for name, group in spans.items()} == {
            "a": ["Tom"],
            "b": ["Oslo", "Tom"],
        }
        assert all(asked.demonstrations == () for asked in one.questions("preextract"))

    def test_the_pool_is_pre_extracted_once(self) -> None:
        model = knowing()
        ner = ensemble(model, retrieve={"spans": "members", "pool_spans": "members"})
        list(ner.annotate(["Tom", "Oslo"]))
        list(ner.annotate(["Berlin"]))
        asked = [question.text for question in model.questions("preextract")]
        named = [example.text for example in POOL.examples if example.entities]
        assert sorted(asked) == sorted([*named, "Tom", "Oslo", "Berlin"])

    def test_replies_can_be_held_to_the_text(self) -> None:
        model = knowing()
        annotated("Tom saw\n Oslo", model, extract={"constrain": True})
        constraint = model.asked[0].constraint
        assert isinstance(constraint, Listing)
        assert constraint.text == "Tom saw Oslo"
        assert constraint.labels == tuple(label.name for label in LABELS)

    def test_sampling_is_as_the_recipe_says(self) -> None:
        model = knowing()
        annotated(TEXT, model, member={"temperature": 0.7, "seed": 5})
        assert {(request.temperature, request.seed) for request in model.asked} == {(0.7, 5)}


class TestLabels:
    def test_labels_can_be_given_with_a_call(self) -> None:
        model = scripted("Tom (hero); Oslo (location)", "hero")
        labels = [Label("hero", "someone brave"), Label("place")]
        annotation = ensemble(model)("Tom saw Oslo", labels)
        assert found(annotation) == [("Tom", "hero"), ("Oslo", "hero")]
        assert [asked.last for asked in model.questions("classify")] == ["hero, place, none"]
        assert "hero: someone brave" in str(model.asked[0].prompt)
        assert ensemble(model)("Tom saw Oslo", {"hero": "someone brave", "place": ""}).entities == annotation.entities

    def test_a_call_does_not_change_the_next(self) -> None:
        model = knowing()
        ner = ensemble(model)
        before = ner(TEXT)
        ner(TEXT, {"person": ""})
        assert ner(TEXT) == before

    def test_descriptions_can_be_left_out(self) -> None:
        model = knowing()
        annotated(TEXT, model, member={"descriptions": False})
        assert "a human being" not in str(model.asked[0].prompt)

    @pytest.mark.parametrize(
        "labels",
        [[], {}, {"": "blank"}, {" ": ""}, {"a\nb": ""}, {"a\0": ""}, {"x" * 201: ""}, ["person", "person "]],
        ids=str,
    )
    def test_labels_that_cannot_be_asked_for_are_refused_before_anyone_is_asked(self, labels: Any) -> None:
        model = knowing()
        with pytest.raises(ConfigError, match="label"):
            ensemble(model)(TEXT, labels)
        assert model.calls == 0


class TestLongTexts:
    SENTENCES = tuple(f"Tom number {n} went to Oslo and back to Berlin ." for n in range(40))

    def test_a_long_text_is_read_in_pieces_and_put_together(self) -> None:
        text = "  " + "\n".join(self.SENTENCES)
        model = knowing()
        annotation = annotated(text, model, passage_bytes=200)
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location"), ("Berlin", "location")] * 40
        pieces = [asked.text for asked in model.questions("extract")]
        assert len(pieces) > 5
        assert all(len(piece.encode()) <= 200 for piece in pieces)
        assert " ".join(pieces) == " ".join(text.split())
        assert len(annotation.traces) == len(pieces)

    def test_pieces_belong_to_their_texts(self) -> None:
        texts = ["Tom", " ".join(self.SENTENCES[:5]), "", "Oslo"]
        annotations = list(ensemble(knowing(), passage_bytes=64).annotate(texts))
        assert [len(a.entities) for a in annotations] == [1, 15, 0, 1]
        for annotation in annotations:
            found(annotation)

    def test_a_long_line_without_spaces(self) -> None:
        text = "北京" * 3000
        annotation = annotated(text, knowing(), passage_bytes=300)
        assert [(e.start, e.text) for e in annotation.entities] == [(at, "北京") for at in range(0, 6000, 2)]

    def test_one_piece_that_fails_leaves_the_others(self) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        model = scripted(lambda asked: refused if "number 2 " in asked.text else typed(asked))
        annotation = annotated(" ".join(self.SENTENCES[:5]), model, passage_bytes=64)
        assert len(annotation.entities) == 12
        assert sum(bool(trace.abstained) for trace in annotation.traces) == 1


def test_a_text_of_ten_thousand_words_takes_linear_time() -> None:
    def listing(asked: Asked) -> str:
        return "; ".join(f"{word} (person)" for word in dict.fromkeys(asked.text.split()) if word.istitle())

    def seconds(words: int) -> float:
        text = " ".join(f"Tom met Ana {number} in Oslo ." for number in range(words // 7))
        began = time.process_time()
        found(annotated(text, *[scripted(listing) for _ in range(3)]))
        return time.process_time() - began

    seconds(100)
    ratios = [seconds(10_000) / seconds(1_000) for _ in range(3)]
    assert min(ratios) < 40  # 10 if linear, 100 if quadratic; all that is done outside the engines


def test_islice_of_a_run_asks_no_more_than_it_needs() -> None:
    model = knowing()
    texts = (f"Tom {n}" for n in count())
    assert len(list(islice(ensemble(model, window=2).annotate(texts), 4))) == 4
    assert model.calls == 4


def test_another_pool_is_read_on_the_same_models_and_what_is_embedded_stays() -> None:
    encoder, text = LetterEncoder(), "Anna Berg is in Oslo"
    ner = ensemble(knowing(), encoder=encoder)
    first = ner(text)
    later = ner.on_pool(
        Pool((*POOL.examples, example("new", f"{text} .", person="Anna Berg", location="Oslo")), LABELS)
    )
    assert later(text).traces[0].demonstrations[0].id == "new"
    assert ner(text) == first
    assert encoder.given.count("Kyoto") == 1


def test_without_examples_texts_are_read_without_demonstrations() -> None:
    model = knowing()
    annotation = ensemble(model, pool=Pool((), LABELS))(TEXT)
    assert found(annotation) == found(annotated(TEXT, knowing(), knowing()))
    assert annotation.traces[0].demonstrations == ()
    assert {asked.demonstrations for asked in model.questions("extract")} == {()}
