"""From passages back to texts: the evidence of a text's passages becomes its annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from el4ner.annotation import Annotation, Shown, Trace
from el4ner.data import Ballot, Candidate, Document, Span
from el4ner.decide import Decision, decide
from el4ner.ensemble.member import Brief
from el4ner.stages.extract import STAGE as EXTRACT
from el4ner.stages.extract import Extracted
from el4ner.stages.retrieve import Retrieved
from el4ner.text.passage import Passage


def assemble(
    number: int,
    document: Document,
    passages: Sequence[Passage],
    ballots: Sequence[Sequence[Ballot]],
    traces: Sequence[Trace],
    decision: Decision,
) -> Annotation:
    """The annotation of document `number` of a window; ballots hold places in what was shown of the passages."""
    mine = [i for i, p in enumerate(passages) if p.document == number]
    own = tuple(_placed(ballot, passages[i]) for i in mine for ballot in ballots[i])
    entities = decide(document.text, own, decision)
    return Annotation(document.id, document.text, entities, own, tuple(traces[i] for i in mine), decision)


def _placed(ballot: Ballot, where: Passage) -> Ballot:
    span = ballot.candidate.span
    candidate = Candidate(where.span(span.start, span.end), ballot.candidate.proposals)
    return Ballot(candidate, ballot.votes, ballot.verdicts)


def trace(
    where: Passage,
    spans: Mapping[str, tuple[Span, ...]],
    found: Retrieved,
    briefs: Mapping[str, Brief],
    extracted: Extracted,
    silent: Sequence[str],
) -> Trace:
    """How a passage was read."""
    return Trace(
        {name: tuple(where.span(s.start, s.end) for s in group) for name, group in spans.items()},
        found.weights,
        tuple(Shown(e.id, s) for e, s in zip(found.examples, found.similarities, strict=True)),
        {name: brief.demonstrations for name, brief in briefs.items()},
        extracted.ungrounded,
        (*silent, *(f"{EXTRACT} {member}: {reason}" for member, reason in extracted.failed.items())),
        extracted.cut,
    )
