"""What comes back for a text: its entities, and all the evidence that they were decided by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from el4ner.data import Ballot, Entity, Span, Trace
from el4ner.decide import BallotOutcome, Decision, Overlap, Rule, decide, outcomes
from el4ner.errors import DataError
from el4ner.text.drawn import drawn
from el4ner.text.printable import one_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text with its entities, in order of place, and the evidence. Offsets are into `text` as it was given.

    `meta` is the document's own.
    """

    id: str
    text: str
    entities: tuple[Entity, ...]
    ballots: tuple[Ballot, ...]
    traces: tuple[Trace, ...]
    decision: Decision
    meta: Mapping[str, object] = field(default_factory=dict, hash=False)

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

    def without(self, *members: str) -> Annotation:
        """The same as if these members (or "crf") had taken no part: what they alone proposed is gone.

        What the others said is what they said: demonstrations and questions stay as they were.
        """
        ballots = tuple(left for ballot in self.ballots if (left := _without(ballot, members)).candidate.proposals)
        traces = tuple(trace.without(members) for trace in self.traces)
        return replace(self, ballots=ballots, traces=traces, entities=decide(self.text, ballots, self.decision))

    @property
    def doubt(self) -> float:
        """How unsure the least sure ballot is: 0 where all scores are 0 or 1, and 1 where one is one half."""
        return max((1 - abs(2 * outcome.score - 1) for outcome in self.outcomes), default=0.0)

    @property
    def failed(self) -> Mapping[str, str]:
        """The members that did not answer a question about this text, each with the first reason."""
        reasons = [pair for trace in self.traces for pair in trace.failed.items()]
        for ballot in self.ballots:
            reasons += [(vote.member, vote.abstained) for vote in ballot.votes if vote.failed]
            reasons += [(v.member, v.abstained or "no answer") for v in ballot.verdicts if v.holds is None]
        first: dict[str, str] = {}
        for member, reason in reasons:
            first.setdefault(member, reason)
        return first

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was cut, dropped or not answered about this text, each in a few words; none where all is well."""
        said = [warning for trace in self.traces for warning in trace.warnings]
        for ballot in self.ballots:
            said += [f"classify {vote.member}: {vote.abstained}" for vote in ballot.votes if vote.failed]
            said += [f"verify {v.member}: {v.abstained or 'no answer'}" for v in ballot.verdicts if v.holds is None]
        return tuple(dict.fromkeys(map(one_line, said)))

    @property
    def outcomes(self) -> list[BallotOutcome]:
        """What became of each ballot, in their order: an entity, or why not."""
        return outcomes(self.text, self.ballots, self.decision)

    def ballot_of(self, entity: Span | Entity) -> Ballot | None:
        """The ballot on the place of an entity, if there is one."""
        place = entity.start, entity.end
        return next((b for b in self.ballots if (b.candidate.span.start, b.candidate.span.end) == place), None)

    def record(self, evidence: bool = False) -> dict[str, Any]:
        """A plain record, `{"id", "text", "entities"}`, as `el4ner annotate` writes it on a line; ready for JSON.

        Scores have four digits. `"meta"` is there if the text had any. `"warnings"` are as above. Where members did not
        answer, `"failed"` has them, each with the reason. With `evidence`, all that was said stands there, too
        (`EvidenceRecord`): enough for `from_record`. docs/annotation.schema.json describes both.
        """
        plain: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            **({"meta": dict(self.meta)} if self.meta else {}),
            "entities": [_record(entity) for entity in self.entities],
            "warnings": list(self.warnings),
        }
        if failed := {member: one_line(reason) for member, reason in self.failed.items()}:
            plain |= {"failed": failed}
        if not evidence:
            return plain
        kept: dict[str, Any] = _EVIDENCE.dump_python(
            EvidenceRecord(1, self.decision, self.ballots, self.traces), mode="json"
        )
        return plain | kept

    def _repr_html_(self) -> str:
        """For notebooks: the text with its entities on the colours of their types, which stand behind them."""
        return drawn(self.text, self.entities)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Annotation:
        """The annotation that a record with evidence was made of, equal to it. Its entities are decided again.

        Raises `DataError` where it is none, in a few words without the place.
        """
        if "el4ner" not in record:
            raise DataError("no evidence; write it with `el4ner annotate --evidence`")
        if record["el4ner"] != 1:
            raise DataError("the evidence is of another version of el4ner; annotate again")
        id_, text, meta = record.get("id"), record.get("text"), record.get("meta", {})
        if not isinstance(id_, str) or not isinstance(text, str) or not isinstance(meta, dict):
            raise DataError('"id" and "text" must be strings, "meta" an object')
        try:
            kept = _EVIDENCE.validate_python(dict(record))
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            raise DataError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
        said = [kept.decision.threshold, *kept.decision.weights.values(), *(kept.decision.calibration or ())]
        if not all(map(isfinite, said)):
            raise DataError("decision: a threshold, weight or calibration that is no number")
        for fault in _faults(text, kept.ballots):
            raise DataError(fault)
        entities = decide(text, kept.ballots, kept.decision)
        return cls(id_, text, entities, kept.ballots, kept.traces, kept.decision, meta)


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """What a record holds besides text and entities: enough to decide anew, and to see why."""

    el4ner: Literal[1]
    decision: Decision
    ballots: tuple[Ballot, ...]
    traces: tuple[Trace, ...]


_EVIDENCE = TypeAdapter(EvidenceRecord)


def _faults(text: str, ballots: Sequence[Ballot]) -> Iterator[str]:
    """What types do not tell: places outside the text, and probabilities that are none."""
    for number, ballot in enumerate(ballots):
        span = ballot.candidate.span
        if not 0 <= span.start < span.end <= len(text):
            yield f"ballots.{number}: {span.start} to {span.end} is no place in a text of {len(text)} characters"
        sure = [vote.probability for vote in ballot.votes] + [verdict.probability for verdict in ballot.verdicts]
        sure += [
            p for proposal in ballot.candidate.proposals for p in (proposal.probability, proposal.label_probability)
        ]
        if not all(probability is None or 0 <= probability <= 1 for probability in sure):
            yield f"ballots.{number}: a probability that is not between 0 and 1"


def _without(ballot: Ballot, members: Collection[str]) -> Ballot:
    proposals = tuple(proposal for proposal in ballot.candidate.proposals if proposal.member not in members)
    return Ballot(
        replace(ballot.candidate, proposals=proposals),
        tuple(vote for vote in ballot.votes if vote.member not in members),
        tuple(verdict for verdict in ballot.verdicts if verdict.member not in members),
    )


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
