"""From ballots to entities, without asking any model: the vote of stage 3 and the veto of stage 4, open to other rules.

The score of a label on a ballot is between 0 and 1:

    score = calibrated(share x verdict)

where `share` is the weight of the members that voted for the label, each times its own probability (1 where the
engine gives none), over the weight of all members that did not abstain; and `verdict` is the mean probability of
"true" over the verifiers that were asked about this label and answered (their 1 or 0 where the engine gives none; 1
where nobody was asked). `calibrated` does nothing unless the recipe says what the product has turned out to be worth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import exp, log
from typing import Literal

from el4ner.data import Ballot, Candidate, Entity, Verdict, Vote

Rule = Literal["majority", "weighted", "probability"]
Overlap = Literal["flat", "nested", "all"]
_Sums = defaultdict[str | None, float]
_ROUNDING = 1e-9
_DOUBT = 0.01  # shares are drawn in from 0 and 1 by this much: log-odds of 1 are infinite
_BLOCK = 64  # characters: entities are compared with those near them, so that long texts take linear time


@dataclass(frozen=True, slots=True)
class Decision:
    """How ballots become entities.

    `rule`: "majority" counts heads, "weighted" counts members' weights, "probability" adds up weights times
    probabilities. A tie goes to the label with the higher score, then to the one that the member named first in the
    recipe voted for. "None of these" is a label like the others: where it wins, the candidate is dropped.
    `verify`: whether verdicts count: the candidate is dropped where more verifiers say false than true.
    `proposers`: how many members must have proposed the span in stage 2 (1 is the paper's union).
    `threshold`: the least score of an entity.
    `calibration`: slope and shift of `calibrated`.
    `overlap`: "flat" keeps the better of two overlapping entities, "nested" also keeps one inside the other, "all"
    keeps all.
    """

    rule: Rule = "majority"
    verify: bool = True
    proposers: int = 1
    threshold: float = 0.0
    overlap: Overlap = "flat"
    weights: Mapping[str, float] = field(default_factory=dict)
    calibration: tuple[float, float] | None = None


class Out(StrEnum):
    """Why a ballot is no entity: the first of these that holds."""

    FEW = "too few members proposed it"
    UNVOTED = "nobody voted"
    NONE = "none of these"
    REFUSED = "refused by the verifier"
    BELOW = "below the threshold"
    OVERLAPPED = "overlaps a better one"


@dataclass(frozen=True, slots=True)
class BallotOutcome:
    """What became of a ballot.

    `label` is the elected type, None for "none of these" and where nobody voted; `score` is its score, between 0 and 1;
    `verified` is whether the verifiers let it stand, None where nobody answered about it. `out` is None for an entity.
    """

    label: str | None
    score: float
    verified: bool | None
    out: Out | None

    @property
    def why_not(self) -> str:
        """Why it is no entity, in a few words; empty for one."""
        if self.out in (Out.BELOW, Out.OVERLAPPED):
            return f"{self.label} {self.score:.2f}, {self.out}"
        return f"{self.label}, {self.out}" if self.out is Out.REFUSED else self.out or ""


def decide(text: str, ballots: Sequence[Ballot], decision: Decision) -> tuple[Entity, ...]:
    """The entities of a text in order of their place, each with what speaks for it."""
    alone = ((ballot, elect(ballot, decision)) for ballot in ballots)
    return resolve([_entity(text, *pair) for pair in alone if pair[1].out is None], decision.overlap)


def outcomes(text: str, ballots: Sequence[Ballot], decision: Decision) -> list[BallotOutcome]:
    """What became of each ballot of a text, in their order; those that are not out are the entities of `decide`."""
    alone = [elect(ballot, decision) for ballot in ballots]
    standing = {i: _entity(text, ballots[i], said) for i, said in enumerate(alone) if said.out is None}
    kept = set(map(id, resolve(list(standing.values()), decision.overlap)))
    lost = {i for i, entity in standing.items() if id(entity) not in kept}
    return [replace(said, out=Out.OVERLAPPED) if i in lost else said for i, said in enumerate(alone)]


def elect(ballot: Ballot, decision: Decision) -> BallotOutcome:
    """What becomes of a ballot by itself, whatever it overlaps."""
    label, share = winner(ballot.votes, decision)
    verdicts = [v for v in ballot.verdicts if v.label == label and v.holds is not None]
    verified = upheld(verdicts)
    score = calibrated(share * _belief(verdicts) if decision.verify else share, decision.calibration)
    reasons = {
        Out.FEW: not enough(ballot.candidate, decision),
        Out.UNVOTED: label is None and all(vote.abstained for vote in ballot.votes),
        Out.NONE: label is None,
        Out.REFUSED: decision.verify and verified is False,
        Out.BELOW: score < decision.threshold,
    }
    return BallotOutcome(label, score, verified, next((why for why, holds in reasons.items() if holds), None))


def enough(candidate: Candidate, decision: Decision) -> bool:
    """Whether as many members as the decision asks for have proposed a candidate."""
    return len({proposal.member for proposal in candidate.proposals}) >= decision.proposers


def _entity(text: str, ballot: Ballot, said: BallotOutcome) -> Entity:
    span = ballot.candidate.span
    votes = {vote.member: vote.label for vote in ballot.votes if not vote.abstained}
    return Entity(span.start, span.end, text[span.start : span.end], said.label or "", said.score, votes, said.verified)


def winner(votes: Sequence[Vote], decision: Decision) -> tuple[str | None, float]:
    """The elected label, or None for "none of these" or for no votes at all, and its share of the vote."""
    strength, score, total = _counted(votes, decision)
    if total <= 0:
        return None, 0.0
    best = max(strength, key=lambda label: (strength[label], score[label]))  # the first of equals: recipe order
    return best, min(1.0, score[best] / total)


def _counted(votes: Sequence[Vote], decision: Decision) -> tuple[_Sums, _Sums, float]:
    """What elects a label, what its score comes from, and the weight of all that voted."""
    strength: _Sums = defaultdict(float)
    score: _Sums = defaultdict(float)
    total = 0.0
    for vote in votes:
        if vote.abstained:
            continue
        weight = _weight(vote.member, decision)
        belief = weight * (1.0 if vote.probability is None else vote.probability)
        strength[vote.label] += belief if decision.rule == "probability" else weight
        score[vote.label] += belief
        total += weight
    return strength, score, total


def _weight(member: str, decision: Decision) -> float:
    return 1.0 if decision.rule == "majority" else decision.weights.get(member, 1.0)


def calibrated(share: float, calibration: tuple[float, float] | None) -> float:
    """The probability that a share of the vote stands for: its log-odds times a slope plus a shift (Platt 1999).

    The means of several voters' probabilities are more timid than the voters were, and voters are as sure as their
    training made them; what that comes to can be measured (`el4ner tune`). The order of scores stays as it is.
    """
    if calibration is None:
        return share
    slope, shift = calibration
    return _logistic(slope * log_odds(share) + shift)


def uncalibrated(score: float, calibration: tuple[float, float] | None) -> float:
    """The share of the vote that `calibrated` makes this score of, as near as there is one."""
    if calibration is None or not 0 < score < 1:
        return score
    slope, shift = calibration
    inner = _logistic((log(score / (1 - score)) - shift) / slope)
    return min(max((inner - _DOUBT) / (1 - 2 * _DOUBT), 0.0), 1.0)


def _logistic(odds: float) -> float:
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def log_odds(share: float) -> float:
    """Of a share, drawn in a little from 0 and 1."""
    inner = _DOUBT + (1 - 2 * _DOUBT) * share
    return log(inner / (1 - inner))


def settled(votes: Sequence[Vote], waiting: Sequence[str], decision: Decision) -> bool:
    """Whether the members still waiting to vote can change nothing: not the elected label, not if it is out.

    What they can change is its score, which the threshold is held against: it is in or out whatever they say. Where
    verdicts follow, `decision.threshold` must be 0.
    """
    if not waiting:
        return True
    strength, score, total = _counted(votes, decision)
    open_ = sum(_weight(member, decision) for member in waiting)
    best, *others = sorted(strength, key=lambda label: -strength[label]) or [None]
    highest = (max(score.values(), default=0.0) + open_) / (total + open_)
    if calibrated(highest, decision.calibration) < decision.threshold - _ROUNDING:
        return True
    if strength[best] <= max((strength[label] for label in others), default=0.0) + open_ + _ROUNDING:
        return False
    least = 0.0 if best is None else calibrated(score[best] / (total + open_), decision.calibration)
    return best is None or least >= decision.threshold + _ROUNDING * (decision.threshold > 0)


def upheld(verdicts: Sequence[Verdict]) -> bool | None:
    """Whether the verifiers that answered about a type let it stand: not if more say false; None if there are none."""
    if not verdicts:
        return None
    upheld = sum(v.holds is True for v in verdicts)
    return 2 * upheld >= len(verdicts)


def _belief(verdicts: Sequence[Verdict]) -> float:
    if not verdicts:
        return 1.0
    return sum(float(bool(v.holds)) if v.probability is None else v.probability for v in verdicts) / len(verdicts)


def resolve(entities: Sequence[Entity], overlap: Overlap) -> tuple[Entity, ...]:
    """Settle overlaps: the higher score stays, then the longer, then the earlier. In order of place, outer first."""
    kept: list[Entity] = []
    near: defaultdict[int, list[Entity]] = defaultdict(list)  # what was kept, by the blocks of text that it touches
    for entity in sorted(entities, key=lambda e: (-e.score, e.start - e.end, e.start, e.label)):
        blocks = range(entity.start // _BLOCK, max(entity.start, entity.end - 1) // _BLOCK + 1)
        if overlap == "all" or not any(_clash(entity, other, overlap) for at in blocks for other in near[at]):
            kept.append(entity)
            for at in blocks:
                near[at].append(entity)
    return tuple(sorted(kept, key=lambda e: (e.start, -e.end, e.label)))


def _clash(one: Entity, other: Entity, overlap: Overlap) -> bool:
    if one.end <= other.start or other.end <= one.start:
        return False
    inside = one.start >= other.start and one.end <= other.end
    around = one.start <= other.start and one.end >= other.end
    return overlap == "flat" or not (inside or around)
