"""What the page is told, as plain records. Offsets count characters (code points), as everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from el4ner.annotation import Annotation
from el4ner.data import Ballot
from el4ner.decide import BallotOutcome
from el4ner.review.agreement import agreement
from el4ner.review.history import accepted
from el4ner.review.judgement import rows
from el4ner.review.reader import Reader
from el4ner.review.readings import AHEAD
from el4ner.review.review import Review
from el4ner.text.printable import one_line, printable

Record = dict[str, Any]
_SURE = 0.6  # scores below are doubtful, as is whatever not all voters agree on


def state_record(review: Review, reader: Reader, shown: str | None = None) -> Record:
    """All that the page shows beside the text, the texts that come next, and the one that is `shown`."""
    with review.changed:
        readings, undoable = review.readings, review.history.undoable
        upcoming = review.upcoming(AHEAD)
        given = [shown] if shown in review.places and shown not in upcoming else []
        return {
            "labels": [[label.name, label.description] for label in review.labels],
            "digest": review.digest,
            "voters": list(reader.voters),
            "counts": {
                **readings.counts,
                "all": len(review.refs),
                "accepted": len(accepted(review.history.judgements)),
            },
            "sorting": readings.sorting,
            "touched": readings.just_touched,
            "undo": undoable.number if undoable else None,
            "problem": one_line(reader.problem),
            "trouble": one_line(review.trouble),
            "rest": {"asked": readings.everything, "written": reader.written, "file": printable(reader.rest.name)},
            "estimate": dict(reader.estimate.told),
            "texts": [text_record(review, ref) for ref in upcoming],
            "shown": text_record(review, given[0]) if given and given[0] is not None else None,
        }


def text_record(review: Review, ref: str) -> Record:
    """A text with what the ensemble found and threw out (`ballots`, None where it has not been read), and its worth.

    `before` is what was accepted of it, where that was taken back.
    """
    place, document = review.places[ref], review.texts[ref]
    annotation = review.readings.annotations.get(place)
    before = review.history.before.get(ref)
    return {
        "ref": ref,
        "id": printable(document.id),
        "text": printable(document.text),
        "open": bool(review.readings.open[place]),
        "ballots": None if annotation is None else _ballots(annotation),
        "failed": [one_line(f"{who}: {why}") for who, why in annotation.failed.items()] if annotation else [],
        "worth": review.readings.worth.factors(place),
        "before": None if before is None else rows(before),
    }


def why_record(review: Review, ref: str) -> Record:
    """The demonstrations that a text was read beside, best first, with their texts, and what could not be placed."""
    with review.changed:
        annotation = review.readings.annotations.get(review.places[ref])
        examples = review.file.pool.examples if review.file else ()
    if annotation is None:
        return {"demonstrations": [], "ungrounded": []}
    known = {example.id: example for example in reversed(examples)}
    shown = [one for trace in annotation.traces for one in trace.demonstrations]
    return {
        "demonstrations": [
            {
                "id": printable(one.id),
                "similarity": one.similarity,
                "text": printable(known[one.id].text) if one.id in known else None,
                "entities": rows(known[one.id].entities) if one.id in known else [],
            }
            for one in shown
        ],
        "ungrounded": [
            {"member": lost.member, "text": one_line(lost.text), "label": lost.label}
            for trace in annotation.traces
            for lost in trace.ungrounded
        ],
    }


def curve_record(review: Review) -> Record:
    """How well what was suggested agreed with what was accepted."""
    with review.changed:
        judgements = review.history.judgements
    return agreement(accepted(judgements))


def _ballots(annotation: Annotation) -> list[Record]:
    return [_ballot(*pair) for pair in zip(annotation.ballots, annotation.outcomes, strict=True)]


def _ballot(ballot: Ballot, outcome: BallotOutcome) -> Record:
    """`out` says why it is no entity, "" where it is one; `label` is then what came nearest, None for no type."""
    votes = [vote for vote in ballot.votes if not vote.abstained]
    return {
        "start": ballot.candidate.span.start,
        "end": ballot.candidate.span.end,
        "label": outcome.label or _most(votes_of(ballot)),
        "score": round(outcome.score, 4),
        "out": outcome.why_not,
        "doubtful": outcome.score < _SURE or any(vote.label != outcome.label for vote in votes),
        "proposers": [proposal.member for proposal in ballot.candidate.proposals],
        "votes": [[vote.member, vote.label, vote.probability] for vote in votes],
        "silent": [[vote.member, one_line(vote.abstained)] for vote in ballot.votes if vote.abstained],
        "verdicts": [[v.member, v.label, v.holds, v.probability] for v in ballot.verdicts],
    }


def votes_of(ballot: Ballot) -> list[str]:
    """The types that were named for a candidate, by voters and by those who proposed it."""
    named = [vote.label for vote in ballot.votes if vote.label]
    return named or [proposal.label for proposal in ballot.candidate.proposals if proposal.label]


def _most(names: Sequence[str]) -> str | None:
    return max(names, key=names.count, default=None)
