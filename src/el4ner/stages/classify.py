"""Stage 3: every member gives every candidate a type, or none of these. The vote itself is `el4ner.vote`."""

from __future__ import annotations

from collections.abc import Sequence

from el4ner.config import ClassifySettings
from el4ner.data import Ballot, Candidate, Label, Vote
from el4ner.desk import Desk
from el4ner.member import Brief, Member
from el4ner.models.base import Outcome, Reply
from el4ner.models.constraint import EMPTY
from el4ner.passage import Passage
from el4ner.prompts.replies import read_choice

STAGE = "classify"


def classify(
    passages: Sequence[Passage],
    candidates: Sequence[Sequence[Candidate]],
    briefs: dict[str, list[Brief]],
    members: Sequence[Member],
    labels: Sequence[Label],
    settings: ClassifySettings,
    desk: Desk,
) -> list[list[Ballot]]:
    """Prompt every member with demonstrations, text and candidate, and collect the votes (PAPER, stage 3).

    One question a candidate and member, all behind the passage's shared prefix. Mentions of the same string ask the
    same question, which is put once.
    """
    places = [(i, candidate) for i, group in enumerate(candidates) for candidate in group]
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
    own = [_own_vote(candidate, member) if settings.own_types else None for _, candidate in places]
    asked = [place for place, vote in zip(places, own, strict=True) if vote is None]
    requests = [
        member.style.classify(briefs[i].prefix, labels, passages[i].shown[c.span.start : c.span.end], settings.none)
        for i, c in asked
    ]
    options = [label.name for label in labels] + [EMPTY] * settings.none
    replies = iter(desk.ask(STAGE, member, requests))
    return [vote or _vote(member, next(replies), options) for vote in own]


def _own_vote(candidate: Candidate, member: Member) -> Vote | None:
    for proposal in candidate.proposals:
        if proposal.member == member.name and proposal.label is not None:
            return Vote(member.name, proposal.label, proposal.label_probability)
    return None


def _vote(member: Member, reply: Reply, options: Sequence[str]) -> Vote:
    if reply.outcome is Outcome.FAILED:
        return Vote(member.name, None, abstained=reply.error)
    answer, probability = read_choice(reply, options)
    if answer is None:
        return Vote(member.name, None, abstained=f"no type of the list: {reply.text.strip()[:60]!r}")
    return Vote(member.name, None if answer == EMPTY else answer, probability)
