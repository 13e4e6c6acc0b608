"""The four stages together, with models that answer as they are told."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

import pytest
from fakes import (
    LABELS,
    POOL,
    STYLE,
    Asked,
    FakeModel,
    LetterEncoder,
    any_text,
    ensemble,
    example,
    failing,
    recipe,
    scripted,
)
from hypothesis import given, settings

from el4ner.annotation import Annotation, Ungrounded
from el4ner.data import Document, Entity, Label
from el4ner.ensemble.member import Member
from el4ner.errors import ConfigError, ContextError, DataError, ModelError
from el4ner.models.base import Outcome, Reply, Token
from el4ner.models.constraint import Listing
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool

NAMES = {
    "Anna Berg": "person", "Tom": "person", "Berlin": "location", "Oslo": "location", "University of Oslo": "group",
    "李明": "person", "北京": "location",
}  # fmt: skip
TEXT = "Anna Berg met Tom in Oslo ."


def typed(asked: Asked) -> str:
    """Lists the names that stand in the text, with their types."""
    return "; ".join(f"{name} ({label})" for name, label in NAMES.items() if name in asked.text) or "none"


def untyped(asked: Asked) -> str:
    return "; ".join(name for name in NAMES if name in asked.text) or "none"


def right(asked: Asked) -> str:
    """The type of a span, as NAMES has it."""
    return NAMES.get(asked.span, "none")


def knowing(**more: Any) -> FakeModel:
    return scripted(typed, right, preextract=untyped, **more)


def found(annotation: Annotation) -> list[tuple[str, str]]:
    assert all(annotation.text[e.start : e.end] == e.text for e in annotation.entities)
    return [(e.text, e.label) for e in annotation.entities]


def annotated(text: str, *models: FakeModel, **how: Any) -> Annotation:
    return ensemble(*models, **how)(text)


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


class TestMentions:
    def test_every_mention_is_an_entity(self) -> None:
        annotation = annotated("Oslo , Oslo\nand   Oslo", scripted("Oslo (location)"))
        assert [(e.start, e.end) for e in annotation.entities] == [(0, 4), (7, 11), (18, 22)]

    @pytest.mark.parametrize(
        ("overlap", "expected"),
        [("flat", ["University of Oslo"]), ("nested", ["University of Oslo", "Oslo"])],
    )
    def test_nested_mentions(self, overlap: str, expected: list[str]) -> None:
        annotation = annotated("The University of Oslo .", knowing(), decide={"overlap": overlap})
        assert [e.text for e in annotation.entities] == expected

    def test_mentions_over_line_ends_and_controls(self) -> None:
        text = "\ufeff\nAnna \r\n Berg\0 met\u2028Tom"
        annotation = annotated(text, knowing())
        assert [e.text for e in annotation.entities] == ["Anna \r\n Berg", "Tom"]
        assert [(e.start, e.end) for e in annotation.entities] == [(2, 14), (20, 23)]

    def test_chinese(self) -> None:
        annotation = annotated("李明在北京，北京很大。", knowing())
        assert [(e.start, e.text) for e in annotation.entities] == [(0, "李明"), (3, "北京"), (6, "北京")]

    def test_what_does_not_stand_in_the_text_is_reported(self) -> None:
        annotation = annotated("Tom saw Oslo", scripted("Tom (person); Rome (location); Oslo (city); Os (location)"))
        assert found(annotation) == [("Tom", "person")]  # nobody gave Oslo a type that was asked for
        assert annotation.traces[0].ungrounded == (
            Ungrounded("extract", "a", "Rome", "location"),
            Ungrounded("extract", "a", "Oslo", "city"),
            Ungrounded("extract", "a", "Os", "location"),
        )

    def test_a_listing_that_was_cut_off_gives_its_complete_entries(self) -> None:
        cut = Reply("Tom (person); Anna Berg (per", Outcome.CUT)
        annotation = annotated(TEXT, scripted(lambda _: cut))
        assert found(annotation) == [("Tom", "person")]
        assert annotation.traces[0].cut == ("a",)
        assert annotation.traces[0].abstained == ()

    def test_a_type_left_out_costs_no_entry(self) -> None:
        annotation = annotated(TEXT, scripted("Tom; Anna Berg; Oslo (location)", "person"))
        assert found(annotation) == [("Anna Berg", "person"), ("Tom", "person"), ("Oslo", "location")]
        assert annotation.traces[0].ungrounded == ()


class TestForms:
    def test_types_can_be_asked_for_apart(self) -> None:
        model = scripted(lambda asked: typed(asked) if asked.types.startswith("person") else "Oslo; Tom (group)")
        annotation = annotated(TEXT, model, member={"demonstrations": 3}, extract={"types": "apart"})
        asked = model.questions("extract")
        assert [question.types for question in asked] == [
            "person: a human being",
            "location: a place",
            "group: a named group",
        ]
        for question, label in zip(asked, ("person", "location", "group"), strict=True):
            said = [entities for _, entities in question.demonstrations]
            assert all(entities == "none" or entities.endswith(f"({label})") for entities in said)
            assert sum(entities != "none" for entities in said) == (1 if label == "group" else 3) + (label == "group")
        lost = annotation.traces[0].ungrounded
        assert Ungrounded("extract", "a", "Tom", "group") in lost  # asked about locations
        assert {p.label for p in annotation.ballots[-1].candidate.proposals} <= {"location", "group"}

    def test_spans_can_be_asked_for_without_types(self) -> None:
        model = scripted("Tom; Oslo; Anna Berg (person)", right)
        annotation = annotated(TEXT, model, extract={"types": "none"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]
        assert not any("(" in entities for a in model.questions("extract") for _, entities in a.demonstrations)
        assert any("(" in entities for a in model.questions("classify") for _, entities in a.demonstrations)

    def test_a_marked_mention_is_a_candidate_and_others_of_its_name_are_not(self) -> None:
        model = scripted("Oslo met @@Oslo## .", "location")
        annotation = annotated("Oslo met Oslo .", model, extract={"answer": "marks", "types": "none"})
        assert [(e.start, e.end) for e in annotation.entities] == [(9, 13)]

    def test_a_marked_string_of_another_text_is_looked_for(self) -> None:
        model = scripted("@@Oslo## saw @@Rome## and @@Os##", "location")
        annotation = annotated("Tom saw\n Oslo", model, extract={"answer": "marks", "types": "none"})
        assert found(annotation) == [("Oslo", "location")]
        assert [lost.text for lost in annotation.traces[0].ungrounded] == ["Rome", "Os"]

    def test_a_mark_within_a_word_has_no_place(self) -> None:
        model = scripted("Os@@lo## here", "location")
        annotation = annotated("Oslo here", model, extract={"answer": "marks", "types": "none"})
        assert annotation.ballots == ()
        assert [lost.text for lost in annotation.traces[0].ungrounded] == ["lo"]

    def test_a_span_marked_for_two_types_is_of_the_surer_one(self) -> None:
        def sure(asked: Asked) -> Reply:
            logprob = {"person": -2.0, "location": -0.5}.get(asked.types.partition(":")[0], -9.0)
            return Reply("@@Oslo##", tokens=(Token("@@Oslo##", logprob),))

        annotation = annotated("Oslo", scripted(sure), extract={"answer": "marks", "types": "apart"})
        assert [(p.member, p.label) for p in annotation.ballots[0].candidate.proposals] == [("a", "location")]

    def test_candidates_with_reasons(self) -> None:
        model = scripted("Tom | true | he is (person)\nsaw | false | no\nOslo | true | (location)")
        annotation = annotated("Tom saw Oslo", model, extract={"answer": "reasons"}, classify={"ask": "nobody"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]

    def test_what_any_sample_holds_goes_on(self) -> None:
        replies = iter(["Tom (person)", "Oslo (location)", "none"])
        model = scripted(lambda _: next(replies))
        annotation = annotated("Tom saw Oslo", model, extract={"samples": 3}, member={"temperature": 0.5, "seed": 7})
        assert [request.seed for request in model.asked] == [7, 8, 9]
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]

    def test_a_type_whose_question_failed_is_no_vote_against(self) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        half = scripted(lambda asked: refused if asked.types.startswith("location") else "none")
        annotation = annotated(
            "Tom saw Oslo", half, scripted("Oslo (location)"), extract={"types": "apart"}, classify={"ask": "nobody"}
        )
        assert annotation.ballots[0].votes[0].abstained == "refused"
        assert annotation.traces[0].abstained == ("extract a: refused",)

    @pytest.mark.parametrize("ask", ["nobody", "others", "both"])
    def test_a_failed_question_does_not_undo_the_others(self, ask: str) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        half = scripted(lambda asked: refused if asked.types.startswith("person") else "Oslo (location)", "location")
        annotation = annotated("Tom saw Oslo", half, extract={"types": "apart"}, classify={"ask": ask})
        assert found(annotation) == [("Oslo", "location")]
        assert annotation.traces[0].abstained == ("extract a: refused",)

    @pytest.mark.parametrize(
        "said",
        [
            "Tom (person); Oslo (location).",
            "Entities: Tom (person); Oslo (location)",
            "1. Tom (person)\n2. Oslo (location)",
            "2) Tom (Person); Oslo (LOCATION)",
        ],
    )
    def test_usual_ways_to_write_a_list_are_read(self, said: str) -> None:
        annotation = annotated("Tom saw Oslo", scripted(said), classify={"ask": "nobody"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]
        assert annotation.traces[0].ungrounded == ()

    def test_a_number_that_belongs_to_a_name_stays(self) -> None:
        annotation = annotated("the 1. FC lost", scripted("1. FC (location)"), classify={"ask": "nobody"})
        assert found(annotation) == [("1. FC", "location")]


class TestVotes:
    def test_members_propose_and_all_vote(self) -> None:
        one, two, three = scripted("Tom", "person"), scripted("Oslo", "location"), scripted("none", "location")
        annotation = annotated("Tom saw Oslo", one, two, three)
        assert found(annotation) == [("Tom", "location"), ("Oslo", "location")]
        tom, oslo = annotation.ballots
        assert [p.member for p in tom.candidate.proposals] == ["a"]
        assert [p.member for p in oslo.candidate.proposals] == ["b"]
        assert [(v.member, v.label) for v in tom.votes] == [("a", "person"), ("b", "location"), ("c", "location")]

    def test_none_of_these_drops_a_span(self) -> None:
        members = [scripted("Tom; Oslo", lambda a: "location" if a.span == "Oslo" else "none") for _ in range(2)]
        annotation = annotated("Tom saw Oslo", *members)
        assert found(annotation) == [("Oslo", "location")]
        assert [v.label for v in annotation.ballots[0].votes] == [None, None]
        assert members[0].questions("classify")[0].last == "person, location, group, none"

    def test_none_of_these_can_be_left_out(self) -> None:
        model = scripted("Tom", "none")
        annotation = annotated("Tom saw Oslo", model, classify={"none": False})
        assert model.questions("classify")[0].last == "person, location, group"
        assert found(annotation) == []
        assert "none" in annotation.ballots[0].votes[0].abstained

    def test_a_type_written_next_to_a_span_is_a_vote(self) -> None:
        model = scripted("Tom (person); Oslo (city)", "location")
        assert found(annotated("Tom saw Oslo", model)) == [("Tom", "person"), ("Oslo", "location")]
        assert [asked.span for asked in model.questions("classify")] == ["Oslo"]

    def test_or_is_asked_for_all_the_same(self) -> None:
        model = scripted("Tom (person); Oslo (location)", "location")
        annotation = annotated("Tom saw Oslo", model, classify={"ask": "everyone"})
        assert found(annotation) == [("Tom", "location"), ("Oslo", "location")]
        assert [asked.span for asked in model.questions("classify")] == ["Tom", "Oslo"]

    def test_or_nobody_is_asked_and_the_lists_are_the_votes(self) -> None:
        models = scripted("Tom (person); Oslo (location)"), scripted("Tom (person)"), scripted("Oslo")
        annotation = annotated("Tom saw Oslo", *models, scripted("none"), classify={"ask": "nobody"})
        assert found(annotation) == [("Tom", "person")]
        assert not any(model.questions("classify") for model in models)
        tom, oslo = annotation.ballots
        assert [(vote.label, bool(vote.abstained)) for vote in tom.votes] == [
            ("person", False),
            ("person", False),
            (None, False),
            (None, False),
        ]
        assert [(vote.label, bool(vote.abstained)) for vote in oslo.votes] == [
            ("location", False),
            (None, False),
            (None, True),  # it listed Oslo and gave no type
            (None, False),
        ]

    def test_without_none_a_score_is_the_mean_of_what_the_members_believe(self) -> None:
        def sure(text: str, *beliefs: float) -> FakeModel:
            tokens = tuple(Token(part, math.log(p)) for part, p in zip(text.split("|"), beliefs, strict=True))
            return scripted(lambda asked: Reply("".join(t.text for t in tokens), tokens=tokens))

        models = sure("Tom| (|person|)", 0.8, 1, 0.5, 1), sure("Tom| (|person|)", 1, 1, 0.5, 1), scripted("none")
        how = {"classify": {"ask": "nobody", "none": False}, "decide": {"rule": "probability", "threshold": 0.2}}
        (entity,) = annotated("Tom saw Oslo", *models, **how).entities
        assert (entity.text, entity.label) == ("Tom", "person")
        assert entity.score == pytest.approx((0.8 * 0.5 + 0.5 + 0) / 3)

    def test_or_lists_and_answers_count_alike(self) -> None:
        listed = (Token("Tom", 0.0), Token(" (", 0.0), Token("person", math.log(0.8)), Token(")", 0.0))
        listing = Reply("Tom (person)", tokens=listed)

        def member(answer: str, belief: float, listing: Reply | str) -> FakeModel:
            said = Reply(answer, tokens=(Token(answer, math.log(belief)),))
            return scripted(lambda asked: listing, lambda asked: said)

        how = {"classify": {"ask": "both"}, "decide": {"rule": "probability"}}
        agrees, wavers = member("person", 0.6, listing), member("none", 0.9, listing)
        late, never = member("location", 0.5, "none"), member("none", 0.9, "none")
        (ballot,) = annotated("Tom saw Oslo", agrees, wavers, late, never, **how).ballots
        assert [vote.label for vote in ballot.votes] == ["person", "person", "location", None]
        assert [vote.probability for vote in ballot.votes] == pytest.approx([0.7, 0.4, 0.25, 0.0])
        (entity,) = annotated("Tom saw Oslo", agrees, wavers, late, never, **how).entities
        assert entity.score == pytest.approx((0.7 + 0.4) / 4)

    def test_where_either_is_missing_the_other_counts_alone(self) -> None:
        how = {"classify": {"ask": "both"}, "decide": {"rule": "probability"}}
        silent = scripted("Tom (person)", lambda asked: Reply("", Outcome.FAILED, error="gone"))
        (entity,) = annotated("Tom saw Oslo", silent, **how).entities
        assert (entity.text, entity.label, entity.score) == ("Tom", "person", 1.0)

    def test_or_members_are_asked_in_turn_until_the_vote_is_decided(self) -> None:
        models = [scripted("Tom; Oslo", said) for said in ("person", "person", "location")]
        annotation = annotated("Tom saw Oslo", *models, classify={"ask": "undecided"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "person")]
        assert [len(model.questions("classify")) for model in models] == [2, 2, 0]
        assert "decided" in annotation.ballots[0].votes[2].abstained

    def test_whoever_overlaps_another_is_asked_about_by_all(self) -> None:
        models = [scripted("Tom Berg; Berg; Oslo", "person") for _ in range(3)]
        annotation = annotated("Tom Berg saw Oslo", *models, classify={"ask": "undecided"})
        assert found(annotation) == [("Tom Berg", "person"), ("Oslo", "person")]
        assert [asked.span for asked in models[2].questions("classify")] == ["Tom Berg", "Berg"]

    def test_nobody_is_asked_about_what_too_few_proposed(self) -> None:
        models = scripted("Tom; Oslo", "person"), scripted("Tom", "person")
        annotation = annotated("Tom saw Oslo", *models, classify={"ask": "undecided"}, decide={"proposers": 2})
        assert found(annotation) == [("Tom", "person")]
        assert [asked.span for model in models for asked in model.questions("classify")] == ["Tom", "Tom"]

    def test_a_list_that_never_came_is_no_vote(self) -> None:
        annotation = annotated(TEXT, failing("gone"), scripted("Tom (person)"), classify={"ask": "nobody"})
        assert found(annotation) == [("Tom", "person")]
        assert annotation.ballots[0].votes[0].abstained == "gone"

    def test_an_answer_outside_the_types_abstains(self) -> None:
        annotation = annotated("Tom saw Oslo", scripted("Tom", "a human"), scripted("none", "person"))
        assert found(annotation) == [("Tom", "person")]
        first, second = annotation.ballots[0].votes
        assert "a human" in first.abstained
        assert not second.abstained
        assert annotation.entities[0].votes == {"b": "person"}

    def test_false_drops_a_span(self) -> None:
        verifier = scripted("none", "none", lambda asked: "false" if asked.span == "Tom" else "True.")
        annotation = annotated("Tom saw Oslo", knowing(), knowing(), verifier, verify={"members": ["c"]})
        assert [(e.text, e.verified) for e in annotation.entities] == [("Oslo", True)]
        assert [(asked.span, asked.last) for asked in verifier.questions("verify")] == [
            ("Tom", "person"),
            ("Oslo", "location"),
        ]
        assert [v.holds for ballot in annotation.ballots for v in ballot.verdicts] == [False, True]
        assert found(annotation.decide(verify=False)) == [("Tom", "person"), ("Oslo", "location")]

    def test_what_the_vote_dropped_is_not_verified(self) -> None:
        model = scripted("Tom", "none")
        annotated("Tom saw Oslo", model, verify={"members": ["a"]})
        assert model.questions("verify") == []

    def test_a_verifier_without_a_usable_answer_abstains(self) -> None:
        annotation = annotated("Tom", scripted("Tom (person)", verify="perhaps"), verify={"members": ["a"]})
        assert [(e.text, e.verified) for e in annotation.entities] == [("Tom", None)]
        assert annotation.ballots[0].verdicts[0].holds is None

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


class TestDemonstrations:
    def shown(self, text: str = TEXT, pool: Pool = POOL, labels: Any = None, **member: Any) -> list[tuple[str, str]]:
        model = scripted()
        next(ensemble(model, pool=pool, member=member).annotate([text], labels))
        return list(model.questions("extract")[0].demonstrations)

    def test_the_most_similar_stand_next_to_the_text(self) -> None:
        text = "Rain is expected in Kyoto tomorrow ."
        shown = self.shown(text, demonstrations=3)
        assert shown[-1] == (text, "Kyoto (location)")
        assert self.shown(text, demonstrations=3, order="nearest_first") == shown[::-1]
        assert len(self.shown(text, demonstrations=0)) == 0

    def test_members_read_different_ones(self) -> None:
        every = self.shown(demonstrations=4)
        even, odd = self.shown(demonstrations=2, stripe=[0, 2]), self.shown(demonstrations=2, stripe=[1, 2])
        assert (even, odd) == (every[1::2], every[0::2])

    def test_where_the_pool_is_too_small_to_be_divided_stripes_are_filled_up(self) -> None:
        whole = self.shown(demonstrations=5)  # the least similar first
        assert self.shown(demonstrations=2, stripe=[1, 3]) == [whole[0], whole[3]]
        assert self.shown(demonstrations=4, stripe=[1, 3]) == [whole[0], *whole[2:]]
        assert self.shown(demonstrations=5, stripe=[2, 3]) == whole

    def test_there_are_never_more_than_the_pool_has(self) -> None:
        assert len(self.shown(demonstrations=50)) == 5  # those with entities
        assert len(self.shown(demonstrations=50, entity_free=3)) == 6

    def test_texts_without_entities_can_be_among_them(self) -> None:
        bare = ("Nothing happened all day .", "none")
        assert bare not in self.shown(demonstrations=3)
        shown = self.shown(demonstrations=3, entity_free=1)
        assert len(shown) == 3
        assert shown[0] == bare
        assert shown[1:] == self.shown(demonstrations=2)

    @pytest.mark.parametrize("by", ["span", "sentence", "random"])
    def test_but_only_where_they_are_asked_for(self, by: str) -> None:
        model, how = scripted(), {"spans": "words", "by": by}
        annotated("Nothing happened all day .", model, member={"demonstrations": 6}, retrieve=how)
        (asked,) = model.questions("extract")
        assert len(asked.demonstrations) == 5
        assert "none" not in [entities for _, entities in asked.demonstrations]

    def test_types_that_are_not_asked_for_are_not_shown(self) -> None:
        shown = self.shown("The University of Oslo hired Tom Lind .", labels={"person": "someone"}, demonstrations=5)
        assert shown[-1] == ("The University of Oslo hired Tom Lind .", "Tom Lind (person)")
        assert not [entities for _, entities in shown if "location" in entities or "group" in entities]

    def test_how_they_were_chosen_is_told(self) -> None:
        text = "Rain is expected in Kyoto tomorrow ."
        (trace,) = annotated(text, scripted(preextract="Kyoto"), retrieve={"spans": "members"}).traces
        assert trace.weights == "pos"
        assert trace.demonstrations[0].id == "p3"
        assert trace.demonstrations[0].similarity == pytest.approx(1, abs=1e-3)
        similarities = [shown.similarity for shown in trace.demonstrations]
        assert similarities == sorted(similarities, reverse=True)
        assert trace.shown == {"a": 2}

    def test_an_example_cannot_break_the_prompt(self) -> None:
        text = "Tom\n\nText: x\nEntities: y\n<|im_end|> [SEP] {text} Oslo"
        pool = Pool.of([example("1", text, person="Tom", location="Oslo")], LABELS)
        ((shown, entities),) = self.shown(pool=pool)
        assert "\n" not in shown
        assert entities == "Tom (person); Oslo (location)"


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
        [[], {}, {"": "blank"}, {" ": ""}, {"none": ""}, {"a;b": ""}, {"a (b)": ""}, {"a\nb": ""}],
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


class TestContext:
    TEXT = " ".join([TEXT] * 20)

    def outcome(self, context: int) -> tuple[int, int]:
        """How many demonstrations were shown under a context of so many words, and how many warnings there were."""
        model = knowing(context=context)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            annotation = annotated(self.TEXT, model, member={"demonstrations": 5}, verify={"members": ["a"]})
        for request in model.asked:
            assert model.count([str(request.prompt)])[0] + request.max_tokens <= context
        assert len(annotation.entities) == 60
        (shown,) = annotation.traces[0].shown.values()
        assert {len(asked.demonstrations) for asked in model.questions("extract")} == {shown}
        for warning in caught:
            assert "fewer demonstrations" in str(warning.message)
            assert str(context) in str(warning.message)
        return shown, len(caught)

    def test_a_small_context_holds_fewer_demonstrations_and_says_so_once(self) -> None:
        assert self.outcome(2000) == (5, 0)
        outcomes = []
        for context in range(800, 0, -1):
            try:
                outcomes.append(self.outcome(context))
            except ContextError:
                break
        with pytest.raises(ContextError, match="member a") as caught:
            self.outcome(800 - len(outcomes))
        assert "\n" not in str(caught.value)
        assert outcomes == sorted(outcomes, key=lambda outcome: -outcome[0])
        assert {shown for shown, _ in outcomes} == {5, 4, 3, 2, 1, 0}
        assert all(warned == (shown < 5) for shown, warned in outcomes)

    def test_the_least_similar_go_first(self) -> None:
        for context in range(400, 0, -1):
            model = knowing(context=context)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                annotation = annotated(TEXT, model, member={"demonstrations": 5})
            kept = model.questions("extract")[0].demonstrations
            if len(kept) == 2:
                texts = {example.id: example.text for example in POOL.examples}
                best = [texts[shown.id] for shown in annotation.traces[0].demonstrations[:2]]
                assert [text for text, _ in kept] == best[::-1]
                return
        pytest.fail("no context held two")


class TestFaultsOfThePublicReproduction:
    def test_a_demonstrations_answer_is_never_read_as_the_models(self) -> None:
        # The text holds the very names of the demonstration, and the model says that there are none.
        text = "Anna Berg lives in Berlin ."
        model = scripted("none", "person", preextract="none")
        annotation = annotated(text, model, retrieve={"spans": "members"})
        assert ("Anna Berg lives in Berlin .", "Anna Berg (person); Berlin (location)") in (
            model.questions("extract")[0].demonstrations
        )
        assert annotation.entities == ()
        assert annotation.ballots == ()

    def test_names_of_demonstrations_that_a_model_repeats_are_not_entities(self) -> None:
        def parrot(asked: Asked) -> str:
            return "; ".join(entities for _, entities in asked.demonstrations)

        annotation = annotated("Nobody came to Lima .", scripted(parrot, "location"), member={"demonstrations": 5})
        assert found(annotation) == [("Lima", "location")]
        assert len(annotation.traces[0].ungrounded) > 5

    def test_mentions_of_one_string_stay_apart(self) -> None:
        text = "Oslo played Oslo"
        annotation = annotated(text, scripted("Oslo", "group"))
        assert [(e.start, e.end, e.label) for e in annotation.entities] == [(0, 4, "group"), (12, 16, "group")]
        assert len({(b.candidate.span.start, b.candidate.span.end) for b in annotation.ballots}) == 2

    def test_texts_without_entities_are_given_back_too(self) -> None:
        texts = ["Nothing happened .", "Tom", "", "Nobody came ."]
        assert [a.text for a in ensemble(knowing()).annotate(texts)] == texts

    def test_the_pool_is_embedded_once(self) -> None:
        how = recipe(["a"])
        encoder = LetterEncoder()
        ner = EL4NER(how, [Member(how.members[0], knowing(), STYLE)], POOL, encoder=encoder)
        texts = [f"Tom number {n} is in Oslo ." for n in range(20)]
        list(ner.annotate(texts[:10]))
        for text in texts[10:]:
            ner(text)
        assert all(encoder.given.count(example.text) <= 1 for example in POOL.examples)
        spans = [e.text[s.start : s.end] for e in POOL.examples for s in e.entities]
        assert [encoder.given.count(span) for span in spans if span != "Oslo"] == [1] * (len(spans) - 1)

    @pytest.mark.parametrize("mark", ["[SEP]", "[CLS] [SEP]", "<sep>", "; ", "Entities:", "Text:", "\x1e", "</s>"])
    def test_a_separator_in_the_text_is_text(self, mark: str) -> None:
        text = f"Tom {mark} Oslo {mark} Anna Berg"
        expected = [("Tom", "person"), ("Oslo", "location"), ("Anna Berg", "person")]
        assert found(annotated(text, knowing())) == expected
        assert found(annotated(text, knowing(), style=STYLE, retrieve={"spans": "members"})) == expected


def test_islice_of_a_run_asks_no_more_than_it_needs() -> None:
    model = knowing()
    texts = (f"Tom {n}" for n in count())
    assert len(list(islice(ensemble(model, window=2).annotate(texts), 4))) == 4
    assert model.calls == 4


def test_where_a_passage_fits_alone_its_answer_is_given_less_room() -> None:
    class Bytewise(FakeModel):
        """Counts as where no tokenizer is at hand, and digits are tokens."""

        def count(self, texts: Sequence[str]) -> list[int]:
            return [len(text.encode()) for text in texts]

    text = "2026-11-21 " * 100
    model = Bytewise(scripted(typed).answer, context=2600)
    annotation = annotated(text, model, member={"demonstrations": 0})
    assert annotation.text == text
    (asked,) = [request for request in model.asked if Asked.of(request).stage == "extract"]
    assert 128 <= asked.max_tokens < 16 + 2 * len(text)
    with pytest.raises(ContextError, match="do not fit"):
        annotated(text, Bytewise(scripted(typed).answer, context=1200), member={"demonstrations": 0})
