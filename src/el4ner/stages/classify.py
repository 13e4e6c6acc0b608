"""Stage 3: every member gives every candidate a type, or none of these. The vote itself is `el4ner.vote`."""

from __future__ import annotations

from collections.abc import Sequence

from el4ner.config import ClassifySettings
from el4ner.data import Ballot, Candidate, Label, Proposal, Vote
from el4ner.desk import Desk
from el4ner.member import Brief, Member
from el4ner.models.base import Outcome, Reply
from el4ner.models.constraint import EMPTY
from el4ner.passage import Passage
from el4ner.prompts.replies import read_choice
from el4ner.stages.extract import Extracted

STAGE = "classify"


def classify(
    passages: Sequence[Passage],
    extracted: Sequence[Extracted],
    briefs: dict[str, list[Brief]],
    members: Sequence[Member],
    labels: Sequence[Label],
    settings: ClassifySettings,
    desk: Desk,
) -> list[list[Ballot]]:
    """Prompt every member with demonstrations, text and candidate, and collect the votes (PAPER, stage 3).

    One question a candidate and member, all behind the passage's shared prefix. Mentions of the same string ask the
    same question, which is put once. Who is asked is `settings.ask`.
    """
    places = [(i, candidate) for i, found in enumerate(extracted) for candidate in found.candidates]
    if settings.ask == "nobody":
        votes = [[_listed(candidate, member.name, extracted[i]) for i, candidate in places] for member in members]
    else:
        votes = [_votes(passages, places, briefs[m.name], m, labels, settings, desk) for m in members]
    ballots: list[list[Ballot]] = [[] for _ in passages]
    for (i, candidate), cast in zip(places, zip(*votes, strict=True), strict=True):
        ballots[i].append(Ballot(candidate, cast))
    return ballots


def _votes(
    passages: Sequence[Passage],
    places: Sequence[tuple[int, Candidate]],
    briefs: Sequence[Brief],
    member: Member,
    labels: Sequence[Label],
    settings: ClassifySettings,
    desk: Desk,
) -> list[Vote]:
    labels = member.labels(labels)
    own = [_own_vote(candidate, member.name) if settings.ask == "others" else None for _, candidate in places]
    asked = [place for place, vote in zip(places, own, strict=True) if vote is None]
    requests = [
        member.style.classify(briefs[i].prefix, labels, passages[i].shown[c.span.start : c.span.end], settings.none)
        for i, c in asked
    ]
    options = [label.name for label in labels] + [EMPTY] * settings.none
    replies = iter(desk.ask(STAGE, member, requests))
    return [vote or _vote(member, next(replies), options) for vote in own]


def _own_vote(candidate: Candidate, member: str) -> Vote | None:
    proposal = _proposal(candidate, member)
    if proposal is None or proposal.label is None:
        return None
    return Vote(member, proposal.label, proposal.label_probability)


def _listed(candidate: Candidate, member: str, extracted: Extracted) -> Vote:
    """The vote of a member that is not asked: what it wrote in stage 2, "none of these" where it wrote nothing."""
    if member in extracted.failed:
        return Vote(member, None, abstained=extracted.failed[member])
    if _proposal(candidate, member) is None:
        return Vote(member, None)
    return _own_vote(candidate, member) or Vote(member, None, abstained="listed without a type")


def _proposal(candidate: Candidate, member: str) -> Proposal | None:
    return next((proposal for proposal in candidate.proposals if proposal.member == member), None)


def _vote(member: Member, reply: Reply, options: Sequence[str]) -> Vote:
    if reply.outcome is Outcome.FAILED:
        return Vote(member.name, None, abstained=reply.error)
    answer, probability = read_choice(reply, options)
    if answer is None:
        return Vote(member.name, None, abstained=f"no type of the list: {reply.text.strip()[:60]!r}")
    return Vote(member.name, None if answer == EMPTY else answer, probability)
