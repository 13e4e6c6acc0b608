"""What became of a candidate, and why."""

from __future__ import annotations

from dataclasses import replace

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Entity, Span
from el4ner.decide import decide, winner


def ballot_of(annotation: Annotation, entity: Span | Entity) -> Ballot | None:
    """The ballot that an entity was decided by."""
    spans = ((ballot.candidate.span, ballot) for ballot in annotation.ballots)
    return next((ballot for span, ballot in spans if (span.start, span.end) == (entity.start, entity.end)), None)


def entity_of(annotation: Annotation, ballot: Ballot) -> Entity | None:
    """The entity that a ballot became, if it became one."""
    span = ballot.candidate.span
    return next((e for e in annotation.entities if (e.start, e.end) == (span.start, span.end)), None)


def why_not(annotation: Annotation, ballot: Ballot) -> str:
    """Why a ballot did not become an entity, in a few words."""
    decision = annotation.decision
    if len({proposal.member for proposal in ballot.candidate.proposals}) < decision.proposers:
        return "too few members proposed it"
    label, _ = winner(ballot.votes, decision)
    if label is None:
        return "none of these" if any(not vote.abstained for vote in ballot.votes) else "nobody voted"
    alone = decide(annotation.text, [ballot], replace(decision, threshold=0.0, overlap="all"))
    if not alone:
        return f"{label}, refused by the verifier"
    if alone[0].score < decision.threshold:
        return f"{label} {alone[0].score:.2f}, below the threshold"
    return f"{label} {alone[0].score:.2f}, overlaps a better one"
