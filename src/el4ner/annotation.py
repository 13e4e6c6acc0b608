"""What comes back for a text: its entities, and all the evidence that they were decided by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from el4ner.data import Ballot, Entity, Span
from el4ner.decide import BallotOutcome, Decision, Overlap, Rule, decide, outcomes
from el4ner.text.printable import one_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration that was retrieved for a text, and its similarity (SpanSim, or what the recipe retrieves by)."""

    id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Ungrounded:
    """Something a member listed in `stage` that does not stand in the text, or has a type that nobody asked for."""

    stage: str
    member: str
    text: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """How a text was read.

    `preextracted`: the spans that each member listed without demonstrations (stage 1). `weights`: how these were
    weighed, "pos" or "uniform". `demonstrations`: the retrieved ones, best first, and `shown` how many each member's
    prompts held.
    `ungrounded`: what could not be placed. `abstained`: members without a usable answer, as "stage member: reason".
    `cut`: members whose list the token limit cut off in stage 2; its complete entries count.
    `failed`: members that failed in stages 1 and 2, with the reason.
    """

    preextracted: Mapping[str, tuple[Span, ...]]
    weights: str
    demonstrations: tuple[Shown, ...]
    shown: Mapping[str, int]
    ungrounded: tuple[Ungrounded, ...]
    abstained: tuple[str, ...]
    cut: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text with its entities, in order of place, and the evidence. Offsets are into `text` as it was given."""

    id: str
    text: str
    entities: tuple[Entity, ...]
    ballots: tuple[Ballot, ...]
    traces: tuple[Trace, ...]
    decision: Decision

    def decide(
        self,
        decision: Decision | None = None,
        *,
        rule: Rule | None = None,
        verify: bool | None = None,
        proposers: int | None = None,
        threshold: float | None = None,
        overlap: Overlap | None = None,
        weights: Mapping[str, float] | None = None,
        calibration: tuple[float, float] | None = None,
    ) -> Annotation:
        """The same evidence under another decision, or under the one that it has with other fields. No model is asked.

        A field that is None stays as it was: to take a calibration off, give a whole `Decision`. With `overlap="all"`
        two entities may share a stretch. A label that wins only under the new rule was never verified: its `verified`
        is None.
        """
        old = decision or self.decision
        new = Decision(
            _given(rule, old.rule),
            _given(verify, old.verify),
            _given(proposers, old.proposers),
            _given(threshold, old.threshold),
            _given(overlap, old.overlap),
            _given(weights, old.weights),
            _given(calibration, old.calibration),
        )
        return replace(self, entities=decide(self.text, self.ballots, new), decision=new)

    @property
    def failed(self) -> Mapping[str, str]:
        """The members that did not answer a question about this text, each with the first reason."""
        reasons = [pair for trace in self.traces for pair in trace.failed.items()]
        for ballot in self.ballots:
            reasons += [(vote.member, vote.abstained) for vote in ballot.votes if vote.failed]
            reasons += [(v.member, v.abstained or "no answer") for v in ballot.verdicts if v.holds is None]
        return dict(reversed(reasons))

    @property
    def outcomes(self) -> list[BallotOutcome]:
        """What became of each ballot, in their order: an entity, or why not."""
        return outcomes(self.text, self.ballots, self.decision)

    def ballot_of(self, entity: Span | Entity) -> Ballot | None:
        """The ballot on the place of an entity, if there is one."""
        place = entity.start, entity.end
        return next((b for b in self.ballots if (b.candidate.span.start, b.candidate.span.end) == place), None)

    def record(self) -> dict[str, Any]:
        """A plain record, `{"id", "text", "entities"}`, as `el4ner annotate` writes it on a line; ready for JSON.

        Scores have four digits. Where members did not answer, `"failed"` has them, each with the reason.
        """
        plain = {"id": self.id, "text": self.text, "entities": [_record(entity) for entity in self.entities]}
        failed = {member: one_line(reason) for member, reason in self.failed.items()}
        return plain | ({"failed": failed} if failed else {})


def _record(entity: Entity) -> dict[str, Any]:
    return {
        "start": entity.start,
        "end": entity.end,
        "text": entity.text,
        "label": entity.label,
        "score": round(entity.score, 4),
        "votes": dict(entity.votes),
        "verified": entity.verified,
    }


def _given(new: T | None, old: T) -> T:
    return old if new is None else new
