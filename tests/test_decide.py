from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Candidate, Entity, Proposal, Span, Verdict, Vote
from el4ner.decide import (
    Decision,
    Out,
    Overlap,
    Rule,
    calibrated,
    decide,
    outcomes,
    resolve,
    settled,
    uncalibrated,
    winner,
)

TEXT = "Anna Berg of New York City sings in Rome ."
MEMBERS = ("a", "b", "c", "d")
RULES: tuple[Rule, ...] = ("majority", "weighted", "probability")
OVERLAPS: tuple[Overlap, ...] = ("flat", "nested", "all")


def votes(said: str) -> tuple[Vote, ...]:
    """Votes as "person location:0.5 none ?", one a member: none of these, and an abstention."""
    cast = []
    for member, word in zip(MEMBERS, said.split(), strict=False):
        label, _, probability = word.partition(":")
        if label == "?":
            cast.append(Vote(member, None, abstained="no answer"))
        else:
            cast.append(Vote(member, None if label == "none" else label, float(probability) if probability else None))
    return tuple(cast)


def verdicts(said: str) -> tuple[Verdict, ...]:
    """Verdicts as "+person -person:0.2 ?person", one a member."""
    given = []
    for member, word in zip(MEMBERS, said.split(), strict=False):
        label, _, probability = word[1:].partition(":")
        holds = {"+": True, "-": False, "?": None}[word[0]]
        given.append(Verdict(member, label, holds, float(probability) if probability else None))
    return tuple(given)


def ballot(said: str, verified: str = "", surface: str = "Rome", proposers: str = "a") -> Ballot:
    start = TEXT.index(surface)
    proposals = tuple(Proposal(member) for member in proposers)
    return Ballot(Candidate(Span(start, start + len(surface)), proposals), votes(said), verdicts(verified))


def elected(said: str, verified: str = "", **how: Any) -> tuple[str, float] | None:
    entities = decide(TEXT, [ballot(said, verified)], Decision(**how))
    return (entities[0].label, round(entities[0].score, 6)) if entities else None


@pytest.mark.parametrize(
    ("said", "label", "share"),
    [
        ("person", "person", 1),
        ("person person location", "person", 2 / 3),
        ("location person person", "person", 2 / 3),
        ("person:0.1 person:0.1 location:1", "person", 0.2 / 3),
        ("person none none", None, 2 / 3),
        ("none person person", "person", 2 / 3),
        ("person location", "person", 1 / 2),  # recipe order
        ("person:0.4 location:0.5", "location", 0.25),  # the higher score
        ("person:0.4 location", "location", 0.5),  # no probability counts as 1
        ("person none", "person", 1 / 2),
        ("none person", None, 1 / 2),
        ("location person person location", "location", 2 / 4),
        ("? person ?", "person", 1),
        ("? person:0.5 none:0.25 ?", "person", 0.25),
        ("? ?", None, 0),
        ("", None, 0),
    ],
)
def test_the_majority_wins(said: str, label: str | None, share: float) -> None:
    assert winner(votes(said), Decision()) == (label, pytest.approx(share))


def test_weights_count_where_the_rule_says_so() -> None:
    weights = {"a": 3.0, "b": 1.0, "c": 1.0}
    said = "person location location"
    assert elected(said, weights=weights) == ("location", round(2 / 3, 6))
    assert elected(said, rule="weighted", weights=weights) == ("person", 0.6)
    assert elected(said, rule="weighted") == ("location", round(2 / 3, 6))  # a member without a weight weighs 1


def test_probabilities_count_where_the_rule_says_so() -> None:
    said = "person:0.9 location:0.3 location:0.4"
    assert elected(said) == ("location", round(0.7 / 3, 6))
    assert elected(said, rule="weighted") == ("location", round(0.7 / 3, 6))
    assert elected(said, rule="probability") == ("person", 0.3)
    assert elected(said, rule="probability", weights={"a": 0.5}) == ("location", round(0.7 / 2.5, 6))


@pytest.mark.parametrize(
    ("verified", "expected", "flag"),
    [
        ("", ("person", 1), None),
        ("+person", ("person", 1), True),
        ("+person:0.75", ("person", 0.75), True),
        ("-person", None, None),
        ("-person:0.4", None, None),
        ("?person", ("person", 1), None),
        ("+person:0.8 -person:0.2", ("person", 0.5), True),  # as many false as true do not drop it
        ("+person -person -person", None, None),
        ("+person -person ?person", ("person", 0.5), True),
        ("-location", ("person", 1), None),  # the verdict is on another type
    ],
)
def test_more_false_than_true_verdicts_drop_it(
    verified: str, expected: tuple[str, float] | None, flag: bool | None
) -> None:
    assert elected("person", verified) == expected
    for entity in decide(TEXT, [ballot("person", verified)], Decision()):
        assert entity.verified is flag


def test_verdicts_can_be_left_out_of_account() -> None:
    (entity,) = decide(TEXT, [ballot("person", "-person")], Decision(verify=False))
    assert (entity.label, entity.score, entity.verified) == ("person", 1, False)


def test_as_many_members_as_asked_for_must_have_proposed_the_span() -> None:
    ballots = [ballot("person", proposers="ab"), ballot("person", surface="Anna Berg", proposers="aa")]
    found = [[e.text for e in decide(TEXT, ballots, Decision(proposers=n))] for n in (1, 2, 3)]
    assert found == [["Anna Berg", "Rome"], ["Rome"], []]


def test_an_entity_says_who_voted_what() -> None:
    (entity,) = decide(TEXT, [ballot("person none ? person:0.5")], Decision())
    start = TEXT.index("Rome")
    assert entity == Entity(start, start + 4, "Rome", "person", 0.5, {"a": "person", "b": None, "d": "person"}, None)


def overlapping(**how: Any) -> list[str]:
    ballots = [
        ballot("location:0.9", surface="New York City"),
        ballot("location:0.5", surface="York"),
        ballot("location:0.8", surface="of New York"),
        ballot("person:0.7", surface="Anna Berg"),
        ballot("person:0.3", surface="Anna Berg of New York City"),
    ]
    return [entity.text for entity in decide(TEXT, ballots, Decision(**how))]


def test_overlaps() -> None:
    assert overlapping() == ["Anna Berg", "New York City"]
    assert overlapping(overlap="nested") == ["Anna Berg of New York City", "Anna Berg", "New York City", "York"]
    everything = ["Anna Berg of New York City", "Anna Berg", "of New York", "New York City", "York"]
    assert overlapping(overlap="all") == everything


def test_of_equally_good_overlapping_entities_the_longer_stays_then_the_earlier() -> None:
    ballots = [ballot("location", surface=s) for s in ("York City", "New York", "York", "Berg of", "Anna Berg")]
    assert [e.text for e in decide(TEXT, ballots, Decision())] == ["Anna Berg", "York City"]
    assert [e.text for e in decide(TEXT, [ballots[1], ballots[3]], Decision())] == ["Berg of", "New York"]
    assert [e.text for e in decide(TEXT, [*ballots[3:], ballot("person", surface="of New")], Decision())] == [
        "Anna Berg",
        "of New",
    ]


labels = st.sampled_from(["person", "location", "group"])
chances = st.none() | st.floats(0, 1)


@st.composite
def any_ballots(draw: st.DrawFn) -> list[Ballot]:
    bounds = st.tuples(st.integers(0, len(TEXT)), st.integers(0, len(TEXT))).filter(lambda pair: pair[0] < pair[1])
    ballots = []
    for start, end in draw(st.lists(bounds, max_size=8, unique=True)):
        proposals = tuple(map(Proposal, draw(st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=3))))
        cast = tuple(
            Vote(member, None, abstained="no answer")
            if draw(st.integers(0, 4)) == 0
            else Vote(member, draw(st.none() | labels), draw(chances))
            for member in MEMBERS
        )
        said = st.builds(Verdict, st.sampled_from(MEMBERS), labels, st.sampled_from([True, False, None]), chances)
        candidate = Candidate(Span(start, end), proposals)
        ballots.append(Ballot(candidate, cast, tuple(draw(st.lists(said, max_size=3)))))
    return ballots


decisions = st.builds(
    Decision,
    rule=st.sampled_from(RULES),
    verify=st.booleans(),
    proposers=st.integers(1, 3),
    threshold=st.sampled_from([0.0, 0.1, 0.5]),
    overlap=st.sampled_from(OVERLAPS),
    weights=st.dictionaries(st.sampled_from(MEMBERS), st.floats(0.01, 100), max_size=4),
)


def alone(ballots: list[Ballot], decision: Decision) -> list[Entity]:
    """What each ballot elects where the others are not heard."""
    return [entity for ballot in ballots for entity in decide(TEXT, [ballot], decision)]


def places(entities: Iterable[Entity]) -> list[tuple[int, int, str]]:
    return [(e.start, e.end, e.label) for e in entities]


@given(any_ballots(), decisions)
def test_entities_are_in_order_stand_in_the_text_and_score_between_0_and_1(
    ballots: list[Ballot], decision: Decision
) -> None:
    entities = decide(TEXT, ballots, decision)
    assert all(0 <= e.score <= 1 and e.score >= decision.threshold for e in entities)
    assert all(TEXT[e.start : e.end] == e.text for e in entities)
    assert [(e.start, -e.end) for e in entities] == sorted((e.start, -e.end) for e in entities)


@given(any_ballots(), decisions, st.randoms(use_true_random=False))
def test_the_order_of_the_ballots_does_not_matter(ballots: list[Ballot], decision: Decision, random: Random) -> None:
    shuffled = list(ballots)
    random.shuffle(shuffled)
    assert decide(TEXT, shuffled, decision) == decide(TEXT, ballots, decision)


@given(any_ballots(), decisions)
def test_flat_entities_never_overlap(ballots: list[Ballot], decision: Decision) -> None:
    entities = decide(TEXT, ballots, replace(decision, overlap="flat"))
    assert all(one.end <= other.start for one, other in pairwise(entities))
    everything = decide(TEXT, ballots, replace(decision, overlap="all"))
    assert set(places(entities)) <= set(places(everything))
    for e in everything:  # nothing is dropped without a better one in its place
        rivals = [k for k in entities if k.start < e.end and e.start < k.end and k.score >= e.score]
        assert rivals


@given(any_ballots(), decisions)
def test_nested_entities_never_cross(ballots: list[Ballot], decision: Decision) -> None:
    entities = decide(TEXT, ballots, replace(decision, overlap="nested"))
    for one in entities:
        for other in entities:
            assert not one.start < other.start < one.end < other.end
    everything = decide(TEXT, ballots, replace(decision, overlap="all"))
    assert set(places(entities)) <= set(places(everything))


@given(any_ballots(), decisions)
def test_all_keeps_all(ballots: list[Ballot], decision: Decision) -> None:
    decision = replace(decision, overlap="all")
    assert sorted(places(decide(TEXT, ballots, decision))) == sorted(places(alone(ballots, decision)))


@given(any_ballots(), decisions, st.floats(0, 1))
def test_a_threshold_takes_away_what_is_below_it_and_adds_nothing(
    ballots: list[Ballot], decision: Decision, threshold: float
) -> None:
    # Holds with overlaps settled too, because the better of two is settled first and its score does not change.
    lower = decide(TEXT, ballots, replace(decision, threshold=0.0))
    higher = decide(TEXT, ballots, replace(decision, threshold=threshold))
    assert higher == tuple(entity for entity in lower if entity.score >= threshold)


@given(any_ballots(), decisions)
def test_asking_for_more_proposers_adds_nothing_but_where_a_rival_fell(
    ballots: list[Ballot], decision: Decision
) -> None:
    # Not so with "flat" or "nested": what overlapped a span of too few proposers may take its place.
    decision = replace(decision, overlap="all")
    counts = [set(places(decide(TEXT, ballots, replace(decision, proposers=n)))) for n in (1, 2, 3, 4)]
    assert all(more <= fewer for fewer, more in pairwise(counts))


@given(any_ballots(), decisions)
def test_members_that_abstain_count_for_nothing(ballots: list[Ballot], decision: Decision) -> None:
    heard = [replace(b, votes=tuple(v for v in b.votes if not v.abstained)) for b in ballots]
    answered = [replace(b, verdicts=tuple(v for v in b.verdicts if v.holds is not None)) for b in heard]
    assert decide(TEXT, answered, decision) == decide(TEXT, ballots, decision)


@given(any_ballots(), decisions)
def test_only_the_relation_of_weights_matters(ballots: list[Ballot], decision: Decision) -> None:
    weights = {member: decision.weights.get(member, 1.0) for member in MEMBERS}
    doubled = {member: 2 * weight for member, weight in weights.items()}
    one = decide(TEXT, ballots, replace(decision, weights=weights))
    assert decide(TEXT, ballots, replace(decision, weights=doubled)) == one


@given(any_ballots(), decisions, decisions)
def test_deciding_again_is_deciding_afresh(ballots: list[Ballot], first: Decision, second: Decision) -> None:
    annotation = Annotation("1", TEXT, decide(TEXT, ballots, first), tuple(ballots), (), first)
    assert annotation.decide() == annotation
    again = annotation.decide(
        rule=second.rule,
        verify=second.verify,
        proposers=second.proposers,
        threshold=second.threshold,
        overlap=second.overlap,
        weights=second.weights,
    )
    assert again.decision == second
    assert again.entities == decide(TEXT, ballots, second)
    assert again.ballots == annotation.ballots
    assert again.decide(threshold=0.0).decide(threshold=second.threshold) == again


def test_settling_overlaps_in_a_long_text_takes_linear_time() -> None:
    def seconds(count: int) -> float:
        entities = [Entity(i * 7, i * 7 + 11, "x", "person", (i * 37 % 101) / 101, {}) for i in range(count)]
        began = time.process_time()  # other work on the machine does not count
        resolve(entities, "nested")
        return time.process_time() - began

    seconds(100)
    ratios = [seconds(16_000) / seconds(1_000) for _ in range(3)]
    assert min(ratios) < 64  # 16 if linear, 256 if every entity were compared with every other


@given(any_ballots(), decisions, st.floats(0.2, 4), st.floats(-2, 2))
def test_calibration_keeps_the_order_of_scores(
    ballots: list[Ballot], decision: Decision, slope: float, shift: float
) -> None:
    open_ = replace(decision, threshold=0.0, overlap="all")
    was = decide(TEXT, ballots, open_)
    now = decide(TEXT, ballots, replace(open_, calibration=(slope, shift)))
    assert places(now) == places(was)
    assert [e.score for e in now] == [calibrated(e.score, (slope, shift)) for e in was]
    rising = [new.score for _, new in sorted(zip(was, now, strict=True), key=lambda pair: pair[0].score)]
    assert rising == sorted(rising)


@given(st.floats(0.01, 0.99), st.floats(0.2, 4), st.floats(-2, 2))
def test_a_calibrated_score_is_traced_back(share: float, slope: float, shift: float) -> None:
    assert uncalibrated(calibrated(share, (slope, shift)), (slope, shift)) == pytest.approx(share, abs=1e-6)
    assert uncalibrated(calibrated(share, None), None) == share


class TestSettled:
    @pytest.mark.parametrize(
        ("said", "waiting", "how", "expected"),
        [
            ("", "", {}, True),
            ("", "a", {}, False),
            ("person", "bc", {}, False),
            ("person person", "c", {}, True),
            ("person location", "c", {}, False),
            ("person person", "cd", {}, False),
            ("none none", "c", {}, True),
            ("person ?", "c", {}, False),
            ("person:0.5 person:0.5", "c", {"threshold": 0.5}, False),
            ("person:0.9 person:0.9", "c", {"threshold": 0.5}, True),
            ("person:0.1 location:0.1", "c", {"threshold": 0.5}, True),
            ("person person", "c", {"rule": "weighted", "weights": {"c": 3.0}}, False),
            ("person:0.4 person:0.4", "c", {"rule": "probability"}, False),
            ("person:0.9 person:0.9", "c", {"rule": "probability"}, True),
        ],
    )
    def test_by_example(self, said: str, waiting: str, how: dict[str, Any], expected: bool) -> None:
        assert settled(votes(said), tuple(waiting), Decision(**how)) is expected

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["person", "location", None, "?"]),
                st.none() | st.integers(0, 20).map(lambda n: n / 20),
            ),
            min_size=1,
            max_size=5,
        ),
        st.data(),
        st.sampled_from(RULES),
        st.sampled_from([0.0, 0.2, 0.5, 0.75]),
        st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=5, max_size=5),
        st.sampled_from([None, (2.0, 0.5), (0.6, -0.7)]),
    )
    def test_later_votes_change_nothing_but_the_score(
        self,
        cast: list[tuple[str | None, float | None]],
        data: st.DataObject,
        rule: Rule,
        threshold: float,
        weights: list[float],
        calibration: tuple[float, float] | None,
    ) -> None:
        names = [str(number) for number in range(len(cast))]
        all_votes = [
            Vote(name, None, abstained="no answer") if label == "?" else Vote(name, label, probability)
            for name, (label, probability) in zip(names, cast, strict=True)
        ]
        weighed = dict(zip(names, weights, strict=False))
        decision = Decision(rule, threshold=threshold, weights=weighed, calibration=calibration)
        at = data.draw(st.integers(0, len(cast)))
        if settled(all_votes[:at], names[at:], decision):
            assert outcome(all_votes[:at], decision) == outcome(all_votes, decision)


def outcome(cast: list[Vote], decision: Decision) -> list[str]:
    candidate = Candidate(Span(0, 4), (Proposal("a"),))
    return [entity.label for entity in decide(TEXT, [Ballot(candidate, tuple(cast))], decision)]


@given(any_ballots(), decisions)
def test_what_is_not_out_is_an_entity_and_the_rest_has_its_reason(ballots: list[Ballot], decision: Decision) -> None:
    said = outcomes(TEXT, ballots, decision)
    pairs = list(zip(ballots, said, strict=True))
    kept = [(b.candidate.span.start, b.candidate.span.end, o.label, o.score) for b, o in pairs if o.out is None]
    assert sorted(kept, key=str) == sorted(
        ((e.start, e.end, e.label, e.score) for e in decide(TEXT, ballots, decision)), key=str
    )
    for one, outcome in pairs:
        alone = decide(TEXT, [one], replace(decision, overlap="all"))
        assert bool(alone) == (outcome.out in (None, Out.OVERLAPPED))
        assert bool(outcome.why_not) == (outcome.out is not None)
        lowered = decide(TEXT, [one], replace(decision, threshold=0.0))
        assert (outcome.out is Out.BELOW) == (bool(lowered) and not alone)
        assert (outcome.out is Out.REFUSED) <= bool(decide(TEXT, [one], replace(decision, verify=False, threshold=0.0)))
