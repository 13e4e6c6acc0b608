"""Stage 4: verifiers are asked whether each elected type holds; false drops it. The union of stage 2 brings noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from el4ner.data import Ballot, Label, Verdict
from el4ner.decide import Decision, elect
from el4ner.ensemble.dispatch import Desk
from el4ner.ensemble.member import Brief, Member
from el4ner.models.base import Outcome, Reply, Request
from el4ner.prompts.replies import read_choice
from el4ner.text.passage import Passage

STAGE = "verify"


def verify(
    passages: Sequence[Passage],
    ballots: Sequence[Sequence[Ballot]],
    briefs: dict[str, list[Brief]],
    verifiers: Sequence[Member],
    labels: Sequence[Label],
    decision: Decision,
    desk: Desk,
) -> list[list[Ballot]]:
    """Ask every verifier of each candidate's elected type whether the span is of that type in the text (PAPER stage 4).

    Candidates that are out already are not asked about: dropped by the vote, or below the threshold or the number of
    proposers. To have all verdicts, set both aside in the recipe, and use `Annotation.decide`.
    """
    wanted = [
        (i, j, label)
        for i, group in enumerate(ballots)
        for j, ballot in enumerate(group)
        if (label := _in_doubt(ballot, decision)) is not None
    ]
    result = [list(group) for group in ballots]
    asked = [
        (verifier, _questions(passages, ballots, briefs[verifier.name], verifier, labels, wanted))
        for verifier in verifiers
    ]
    for verifier, replies in zip(verifiers, desk.ask(STAGE, asked), strict=True):
        for (i, j, label), reply in zip(wanted, replies, strict=True):
            verdict = _verdict(verifier, label, reply)
            result[i][j] = replace(result[i][j], verdicts=(*result[i][j].verdicts, verdict))
    return result


def _in_doubt(ballot: Ballot, decision: Decision) -> str | None:
    """The elected type, if a verdict can still matter: verdicts lower a score, they never raise it."""
    outcome = elect(ballot, decision)
    return outcome.label if outcome.out is None else None


def _questions(
    passages: Sequence[Passage],
    ballots: Sequence[Sequence[Ballot]],
    briefs: Sequence[Brief],
    verifier: Member,
    labels: Sequence[Label],
    wanted: Sequence[tuple[int, int, str]],
) -> list[Request]:
    shown = verifier.labels(labels)
    requests = []
    for i, j, label in wanted:
        span = ballots[i][j].candidate.span
        surface = passages[i].shown[span.start : span.end]
        requests.append(verifier.style.verify(briefs[i].prefix, shown, surface, label))
    return requests


def _verdict(verifier: Member, label: str, reply: Reply) -> Verdict:
    """The probability of "true" is at least one half where the answer is true, at most one half where it is false.

    The engine tells the probability of the answer given, not of the other one, so that it may be small for both.
    """
    answer, probability = (None, None) if reply.outcome is Outcome.FAILED else read_choice(reply, ("true", "false"))
    if answer is None:
        return Verdict(verifier.name, label, None)
    holds = answer == "true"
    if probability is not None:
        probability = max(probability, 0.5) if holds else min(1.0 - probability, 0.5)
    return Verdict(verifier.name, label, holds, probability)
