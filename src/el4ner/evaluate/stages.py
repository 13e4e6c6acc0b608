"""What each stage got right: where the gold was found, and where it was lost again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Entity, Span
from el4ner.decide import BallotOutcome, Out
from el4ner.ensemble.costs import Tally
from el4ner.evaluate.score import Score

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """A text's annotation and what is true of it."""

    gold: tuple[Span, ...]
    annotation: Annotation


@dataclass(frozen=True, slots=True)
class Share:
    """`right` out of `asked`."""

    right: int = 0
    asked: int = 0

    @property
    def value(self) -> float:
        """The quotient; 0 of nothing."""
        return self.right / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was thrown out: `rightly`, because it was no gold entity, or `wrongly`."""

    rightly: int = 0
    wrongly: int = 0


@dataclass(frozen=True, slots=True)
class Stages:
    """The pipeline's stages against gold.

    `candidates`: the union of stage 2, as spans without types; its recall is the ceiling of all that follows.
    `extraction`: the same for each member's own proposals.
    `classification`: how often the elected type is one of the gold types, over the candidates that are gold spans.
    `votes`: the same for each member's own votes (an abstention is not asked).
    `verified`: what the verifiers threw out. `decided`: what the threshold and the settling of overlaps threw out
    of what was left.
    `abstained`: answers of no use; `cut`: listings that the token limit broke off; `ungrounded`: listed strings
    without a place in the text.
    """

    candidates: Score
    extraction: Mapping[str, Score]
    classification: Share
    votes: Mapping[str, Share]
    verified: Dropped
    decided: Dropped
    abstained: int
    cut: int
    ungrounded: int


def stages(texts: Iterable[Judged]) -> Stages:
    """Go through the evidence of all texts."""
    counts = _Counts()
    tally, cut = Tally(), 0
    for text in texts:
        tally.add(text.annotation)
        cut += sum(len(trace.cut) for trace in text.annotation.traces)
        _extraction(text, counts)
        for ballot, outcome in zip(text.annotation.ballots, text.annotation.outcomes, strict=True):
            _classification(text, ballot, outcome, counts)
            _dropping(text, ballot, outcome, counts)
    union = counts.proposed.pop("")
    gold = counts.gold
    members = list(counts.cast | counts.proposed)  # who voted, in the recipe's order; who only proposed
    return Stages(
        Score(union[True], union.total(), gold),
        {member: Score(counts.proposed[member][True], counts.proposed[member].total(), gold) for member in members},
        _share(counts.elected),
        {member: _share(cast) for member, cast in counts.cast.items()},
        Dropped(counts.verified[False], counts.verified[True]),
        Dropped(counts.decided[False], counts.decided[True]),
        tally.abstained,
        cut,
        tally.ungrounded,
    )


class _Counts:
    """Counters of right (True) and wrong (False)."""

    def __init__(self) -> None:
        self.gold = 0
        self.proposed: defaultdict[str, Counter[bool]] = defaultdict(Counter, {"": Counter()})  # "" is the union
        self.elected: Counter[bool] = Counter()
        self.cast: defaultdict[str, Counter[bool]] = defaultdict(Counter)
        self.verified: Counter[bool] = Counter()
        self.decided: Counter[bool] = Counter()


def _extraction(text: Judged, into: _Counts) -> None:
    places = {_place(span) for span in text.gold}
    into.gold += len(places)
    for ballot in text.annotation.ballots:
        right = _place(ballot.candidate.span) in places
        into.proposed[""][right] += 1
        for member in {proposal.member for proposal in ballot.candidate.proposals}:
            into.proposed[member][right] += 1


def _classification(text: Judged, ballot: Ballot, outcome: BallotOutcome, into: _Counts) -> None:
    types = {span.label for span in text.gold if _place(span) == _place(ballot.candidate.span)}
    if not types:
        return
    into.elected[outcome.label in types] += 1
    for vote in ballot.votes:
        if not vote.abstained:
            into.cast[vote.member][vote.label in types] += 1


def _dropping(text: Judged, ballot: Ballot, outcome: BallotOutcome, into: _Counts) -> None:
    """Of the candidates with an elected type: who threw them out, and whether that type was true."""
    if outcome.label is None or outcome.out is None:
        return
    span = ballot.candidate.span
    true = any(_place(gold) == _place(span) and gold.label == outcome.label for gold in text.gold)
    (into.verified if outcome.out is Out.REFUSED else into.decided)[true] += 1


def _place(span: Span | Entity) -> Place:
    return span.start, span.end


def _share(counts: Counter[bool]) -> Share:
    return Share(counts[True], counts.total())
