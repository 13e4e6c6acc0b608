"""Annotations as the run page's scripts take them: names as numbers, so that thousands of texts stay small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Label, Span
from el4ner.decide import Decision
from el4ner.text.printable import one_line, printable

NONE = -1  # in a label's place: none of these


def packed(
    annotations: Sequence[Annotation],
    labels: Sequence[Label],
    members: Sequence[str],
    gold: Sequence[Sequence[Span]] | None = None,
) -> dict[str, Any]:
    """All that the page shows, ready for JSON. `gold` is each text's own entities, where they are known.

    The decision is that of the first annotation. Types and members that only ballots name are added to the lists.
    """
    names, voices = _Numbers(label.name for label in labels), _Numbers(members)
    texts = [_text(annotation, names, voices) for annotation in annotations]
    for text, spans in zip(texts, gold or (), strict=bool(gold)):
        text["gold"] = [[span.start, span.end, names[span.label or ""]] for span in spans]
    descriptions = {label.name: label.description for label in labels}
    decision = annotations[0].decision if annotations else Decision()
    order = {name: place for place, name in enumerate(sorted(names))}
    return {
        "labels": [[printable(name), printable(descriptions.get(name, ""))] for name in names],
        "rank": [order[name] for name in names],
        "members": list(map(printable, voices)),
        "decision": _decision(decision, list(voices)),
        "texts": texts,
    }


class _Numbers(dict[str, int]):
    """A number for each name, in the order in which they are first met."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        for name in names:
            self[name]

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


def _decision(decision: Decision, members: Sequence[str]) -> dict[str, Any]:
    return {
        "rule": decision.rule,
        "verify": decision.verify,
        "proposers": decision.proposers,
        "threshold": decision.threshold,
        "overlap": decision.overlap,
        "weights": [decision.weights.get(member, 1.0) for member in members],
        "calibration": decision.calibration,
        "without": [],
    }


def _text(annotation: Annotation, names: _Numbers, voices: _Numbers) -> dict[str, Any]:
    """`printable` keeps offsets as they are."""
    ballots = [_ballot(ballot, names, voices) for ballot in annotation.ballots]
    text: dict[str, Any] = {"id": printable(annotation.id), "text": printable(annotation.text), "ballots": ballots}
    failed = [one_line(f"{member} failed: {reason}") for member, reason in annotation.failed.items()]
    return text | {"failed": failed} if failed else text


def _ballot(ballot: Ballot, names: _Numbers, voices: _Numbers) -> dict[str, Any]:
    span = ballot.candidate.span
    return {
        "start": span.start,
        "end": span.end,
        "proposers": list(dict.fromkeys(voices[proposal.member] for proposal in ballot.candidate.proposals)),
        "votes": [
            [voices[vote.member], NONE if vote.label is None else names[vote.label], vote.probability]
            for vote in ballot.votes
            if not vote.abstained
        ],
        "silent": [[voices[vote.member], printable(vote.abstained)] for vote in ballot.votes if vote.abstained],
        "verdicts": [
            [voices[verdict.member], names[verdict.label], verdict.holds, verdict.probability]
            for verdict in ballot.verdicts
            if verdict.holds is not None
        ],
    }
