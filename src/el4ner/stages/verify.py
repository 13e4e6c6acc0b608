"""Stage 4: verifiers are asked whether each elected type holds; false drops it. The union of stage 2 brings noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from el4ner.data import Ballot, Verdict
from el4ner.decide import Decision, elect
from el4ner.ensemble.member import Member
from el4ner.models.base import Outcome, Reply, Request
from el4ner.prompts.choice import read_choice
from el4ner.stages.classify import unread
from el4ner.stages.state import VERIFY, PassageState, Task


def verify(states: Sequence[PassageState], task: Task) -> list[PassageState]:
    """Ask every verifier of each candidate's elected type whether the span is of that type (EL4NER, stage 4).

    Candidates that are out already are not asked about: dropped by the vote, or below the threshold or the number of
    proposers. To have all verdicts, set both aside in the recipe, and use `Annotation.decide`.
    """
    wanted = [
        (i, j, label)
        for i, state in enumerate(states)
        for j, ballot in enumerate(state.ballots)
        if (label := _in_doubt(ballot, task.decision)) is not None
    ]
    ballots = [list(state.ballots) for state in states]
    verifiers = [member for member in task.members if member.name in task.recipe.verify.members]
    asked = [(verifier, _questions(states, wanted, verifier, task)) for verifier in verifiers]
    for verifier, replies in zip(verifiers, task.dispatch.ask(VERIFY, asked, unread(asked)), strict=True):
        for (i, j, label), reply in zip(wanted, replies, strict=True):
            verdict = _verdict(verifier, label, reply)
            ballots[i][j] = replace(ballots[i][j], verdicts=(*ballots[i][j].verdicts, verdict))
    return [replace(state, ballots=tuple(own)) for state, own in zip(states, ballots, strict=True)]


def _in_doubt(ballot: Ballot, decision: Decision) -> str | None:
    """The elected type, if a verdict can still matter: verdicts lower a score, they never raise it."""
    outcome = elect(ballot, decision)
    return outcome.label if outcome.out is None else None


def _questions(
    states: Sequence[PassageState], wanted: Sequence[tuple[int, int, str]], verifier: Member, task: Task
) -> list[Request]:
    shown = verifier.labels(task.labels)
    requests = []
    for i, j, label in wanted:
        span = states[i].ballots[j].candidate.span
        surface = states[i].shown[span.start : span.end]
        requests.append(verifier.style.verify(states[i].briefs[verifier.name].prefix, shown, surface, label))
    return requests


def _verdict(verifier: Member, label: str, reply: Reply) -> Verdict:
    """The probability of "true" is at least one half where the answer is true, at most one half where it is false.

    The engine tells the probability of the answer given, not of the other one, so that it may be small for both.
    """
    answer, probability = (None, None) if reply.outcome is Outcome.FAILED else read_choice(reply, ("true", "false"))
    if answer is None:
        return Verdict(verifier.name, label, None, abstained=reply.error)
    holds = answer == "true"
    if probability is not None:
        probability = max(probability, 0.5) if holds else min(1.0 - probability, 0.5)
    return Verdict(verifier.name, label, holds, probability)
