"""What kinds of mistakes a run makes, and in which stage each arose."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from el4ner.data import Ballot
from el4ner.decide import BallotOutcome, Out, winner
from el4ner.evaluate.mistakes.match import Kind, Pair, match, place
from el4ner.evaluate.stages import Judged

Origin = Literal["extraction", "classification", "verification", "decision"]
_Place = tuple[int, int]
ORIGINS: tuple[Origin, ...] = ("extraction", "classification", "verification", "decision")


@dataclass(frozen=True, slots=True)
class Case:
    """A pair, and what the evidence says of it.

    `origin` is None if the pair is right. For gold that was not found as it is, it is the stage that lost it:
    "extraction" (never a candidate), "classification" (the vote elected another type, or none), "verification"
    (refused), "decision" (too few proposers, below the threshold, or lost to an overlap). What is spurious came in by
    extraction, or by classification if there is gold at its offsets.
    `split` is true if members voted differently on the found entity, or on gold where nothing was found.
    """

    pair: Pair
    origin: Origin | None
    split: bool


@dataclass(frozen=True, slots=True)
class Dissent:
    """How often a member's vote was not elected, over candidates on which members differed, and how often it was right.

    A vote is right if there is gold of its type at the candidate's offsets; "none of these" if there is no gold there.
    """

    differed: int = 0
    outvoted: int = 0
    rightly: int = 0


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The mistakes of a run; right entities are counted under None.

    `kinds`: all of them; `types`: by type (gold's, or that of what is spurious); `origins`: by stage; `split`: those on
    which members voted differently. `dissent` is by member, in the order of their votes.
    """

    kinds: Mapping[Kind | None, int]
    types: Mapping[str, Mapping[Kind | None, int]]
    origins: Mapping[Origin, Mapping[Kind | None, int]]
    split: Mapping[Kind | None, int]
    dissent: Mapping[str, Dissent]


def mistakes(texts: Iterable[Judged]) -> Mistakes:
    """Count the mistakes of all texts."""
    kinds, split = Counter[Kind | None](), Counter[Kind | None]()
    types = defaultdict[str, Counter[Kind | None]](Counter)
    origins: dict[Origin, Counter[Kind | None]] = {origin: Counter() for origin in ORIGINS}
    dissent: dict[str, Dissent] = {}
    for text in texts:
        for case in examine(text):
            kind = case.pair.kind
            kinds[kind] += 1
            types[case.pair.label][kind] += 1
            split[kind] += case.split
            if case.origin is not None:
                origins[case.origin][kind] += 1
        _dissent(text, dissent)
    return Mistakes(kinds, dict(sorted(types.items())), origins, split, dissent)


def worst(texts: Iterable[Judged], kind: Kind | None = None) -> list[tuple[Judged, tuple[Case, ...]]]:
    """The texts that hold mistakes (of that kind) with all their cases: most mistakes first, then by id."""
    ranked = []
    for text in texts:
        cases = examine(text)
        count = sum(case.pair.kind is not None if kind is None else case.pair.kind is kind for case in cases)
        if count:
            ranked.append((-count, text.annotation.id, (text, cases)))
    return [found for _, _, found in sorted(ranked, key=lambda one: one[:2])]


def examine(text: Judged) -> tuple[Case, ...]:
    """All cases of a text, right ones included, in order of place."""
    annotation = text.annotation
    ballots = {place(ballot.candidate.span): ballot for ballot in annotation.ballots}
    outcomes = dict(zip(ballots, annotation.outcomes, strict=True))
    golden = {place(span) for span in text.gold}
    return tuple(_case(pair, ballots, outcomes, golden) for pair in match(text.gold, annotation.entities))


def _case(
    pair: Pair, ballots: Mapping[_Place, Ballot], outcomes: Mapping[_Place, BallotOutcome], gold: set[_Place]
) -> Case:
    there = [mention for mention in (pair.found, pair.gold) if mention is not None]
    ballot = ballots.get(place(there[0]))
    split = ballot is not None and len({vote.label for vote in ballot.votes if not vote.abstained}) > 1
    if pair.kind is None:
        return Case(pair, None, split)
    if pair.gold is None:
        return Case(pair, "classification" if place(there[0]) in gold else "extraction", split)
    return Case(pair, _lost(outcomes.get(place(pair.gold)), pair.gold.label), split)


def _lost(outcome: BallotOutcome | None, label: str | None) -> Origin:
    """The stage that lost gold of type `label`; `outcome` is that on its offsets, None where nobody proposed them."""
    if outcome is None:
        return "extraction"
    if outcome.label != label and outcome.out is not Out.FEW:
        return "classification"
    return "verification" if outcome.out is Out.REFUSED else "decision"


def _dissent(text: Judged, into: dict[str, Dissent]) -> None:
    types = defaultdict[_Place, set[str | None]](set)
    for span in text.gold:
        types[place(span)].add(span.label)
    for ballot in text.annotation.ballots:
        votes = [vote for vote in ballot.votes if not vote.abstained]
        if len({vote.label for vote in votes}) < 2:
            continue
        elected, _ = winner(ballot.votes, text.annotation.decision)
        true = types.get(place(ballot.candidate.span), {None})
        for vote in votes:
            old, lost = into.get(vote.member, Dissent()), vote.label != elected
            right = lost and vote.label in true
            into[vote.member] = Dissent(old.differed + 1, old.outvoted + lost, old.rightly + right)
