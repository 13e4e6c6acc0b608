"""Stage 3: who is asked for a span's type, and what counts as a vote."""

from __future__ import annotations

import math

import pytest
from fakes import (
    FakeModel,
    failing,
    scripted,
)
from knowing import TEXT, annotated, found

from el4ner.models.base import Outcome, Reply, Token


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
