"""Stage 3: every member gives every candidate a type, or none of these. The vote itself is `el4ner.decide`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from el4ner.crf.voter import proposed, voted
from el4ner.data import EMPTY, NOT_ASKED, UNTYPED, Ballot, Candidate, Proposal, Vote
from el4ner.decide import enough, settled
from el4ner.ensemble.dispatch import Amiss, Questions
from el4ner.ensemble.member import Member
from el4ner.models.base import Outcome, Reply, Request
from el4ner.prompts.choice import choice_amiss, read_choice
from el4ner.stages.label_tree import Fork, label_tree
from el4ner.stages.state import CLASSIFY, PassageState, Task

Place = tuple[int, Fork]  # a candidate, by its number, and the choice that a member has before it


def classify(states: Sequence[PassageState], task: Task) -> list[PassageState]:
    """Prompt every member with demonstrations, text and candidate, and collect the votes (EL4NER, stage 3).

    One question a candidate, member and level of the label tree, behind the passage's shared prefix. Mentions of the
    same string ask the same question, which is put once. Who is asked is `recipe.classify.ask`. The random field, where
    it votes, proposes candidates of its own before, and votes after the members.
    """
    if task.field is not None:
        names = {label.name for label in task.labels}
        states = [replace(s, candidates=proposed(s.candidates, task.field.guess(s.shown, names))) for s in states]
    places = [(i, candidate) for i, state in enumerate(states) for candidate in state.candidates]
    votes = _votes(states, places, task)
    ballots: list[list[Ballot]] = [[] for _ in states]
    for number, (i, candidate) in enumerate(places):
        ballot = Ballot(candidate, tuple(cast[number] for cast in votes))
        ballots[i].append(ballot if task.field is None else voted(ballot))
    return [replace(state, ballots=tuple(own)) for state, own in zip(states, ballots, strict=True)]


def _votes(states: Sequence[PassageState], places: Sequence[tuple[int, Candidate]], task: Task) -> list[list[Vote]]:
    """Each member's votes, in the order of the candidates: out of lists, of answers, or of both."""
    ask, none = task.recipe.classify.ask, task.recipe.classify.none
    if ask == "nobody":
        return [[_listed(c, member.name, states[i], none) for i, c in places] for member in task.members]
    answers = _answers(states, places, task)
    if ask != "both":
        return answers
    lists = [[_listed(c, member.name, states[i], none=False) for i, c in places] for member in task.members]
    return [list(map(_believed, *pair)) for pair in zip(lists, answers, strict=True)]


def _answers(states: Sequence[PassageState], places: Sequence[tuple[int, Candidate]], task: Task) -> list[list[Vote]]:
    """What members answer who are asked; those whose turn it is are asked level by level."""
    members, settings = task.members, task.recipe.classify
    own, matters, root = settings.ask in ("others", "undecided"), _matters(states, task), label_tree(states, task)
    votes = [[_own_vote(candidate, member.name) if own else None for _, candidate in places] for member in members]
    turns = [[m] for m in range(len(members))] if settings.ask == "undecided" else [range(len(members))]
    for turn in turns:
        open_ = [n for n, cast in enumerate(zip(*votes, strict=True)) if matters(n, cast)]
        levels = [[(n, root) for n in open_ if votes[m][n] is None] for m in turn]
        none = settings.none
        while any(levels):
            asked = [
                (members[m], [_request(states, places[n], fork, members[m], none) for n, fork in level])
                for m, level in zip(turn, levels, strict=True)
            ]
            replies = task.dispatch.ask(CLASSIFY, asked, unread(asked))
            levels = [
                _cast(members[m], votes[m], level, given, none)
                for m, level, given in zip(turn, levels, replies, strict=True)
            ]
            none = False  # below the root, a group was chosen already
    return [
        [vote or Vote(member.name, None, abstained=NOT_ASKED) for vote in cast]
        for member, cast in zip(members, votes, strict=True)
    ]


def _matters(states: Sequence[PassageState], task: Task) -> Callable[[int, Sequence[Vote | None]], bool]:
    """Whether the votes that a candidate, by its number, still lacks can matter."""
    decision = task.decision
    if task.recipe.classify.ask != "undecided":
        return lambda number, cast: True
    candidates = [candidate for state in states for candidate in state.candidates]
    rivals = [rival for state in states for rival in _rivals(state.candidates)]

    def matters(number: int, cast: Sequence[Vote | None]) -> bool:
        if not enough(candidates[number], decision):
            return False
        # Of two that overlap the higher score stays, so that every vote counts.
        contested = rivals[number] and decision.overlap != "all"
        waiting = [member.name for member, vote in zip(task.members, cast, strict=True) if vote is None]
        return contested or not settled([vote for vote in cast if vote], waiting, decision)

    return matters


def _rivals(candidates: Sequence[Candidate]) -> list[bool]:
    """Whether each of the candidates, which are in order of their start, overlaps another."""
    spans = [candidate.span for candidate in candidates]
    reach = [0, *accumulate((span.end for span in spans), max)]
    before = [span.start < end for span, end in zip(spans, reach, strict=False)]
    after = [after.start < span.end for span, after in pairwise(spans)]
    return [one or other for one, other in zip(before, [*after, False], strict=False)]


def _cast(
    member: Member, votes: list[Vote | None], level: Sequence[Place], replies: Sequence[Reply], none: bool
) -> list[Place]:
    """Put a level's replies down as votes; what stands a level deeper for those who chose a group."""
    deeper = []
    for (n, fork), reply in zip(level, replies, strict=True):
        options = [label.name for label in fork.choices] + [EMPTY] * none
        vote = votes[n] = _on_top(votes[n], _vote(member, reply, options))
        if vote.label is not None and vote.label in fork.inside:
            deeper.append((n, fork.inside[vote.label]))
    return deeper


def _request(
    states: Sequence[PassageState], place: tuple[int, Candidate], fork: Fork, member: Member, none: bool
) -> Request:
    i, candidate = place
    surface = states[i].shown[candidate.span.start : candidate.span.end]
    return member.style.classify(fork.briefs[member.name][i].prefix, member.labels(fork.choices), surface, none)


def _on_top(group: Vote | None, vote: Vote) -> Vote:
    """A vote within a group that was voted for before: as probable as both together."""
    if group is None or group.probability is None or vote.probability is None:
        return vote
    return replace(vote, probability=group.probability * vote.probability)


def _own_vote(candidate: Candidate, member: str) -> Vote | None:
    proposal = _proposal(candidate, member)
    if proposal is None or proposal.label is None:
        return None
    return Vote(member, proposal.label, proposal.label_probability)


def _listed(candidate: Candidate, member: str, state: PassageState, none: bool) -> Vote:
    """The vote of a member that is not asked: what it wrote in stage 2, as probable as it found span and type together.

    Where it wrote nothing, it votes "none of these"; without that answer (`none`), it believes in no type at all.
    """
    proposal = _proposal(candidate, member)
    if proposal is None and member in state.failed:
        return Vote(member, None, abstained=state.failed[member])
    if proposal is None:
        return Vote(member, None, None if none else 0.0)
    if proposal.label is None:
        return Vote(member, None, abstained=UNTYPED)
    span, label = proposal.probability, proposal.label_probability
    return Vote(member, proposal.label, None if span is None or label is None else span * label)


def _believed(listed: Vote, answer: Vote) -> Vote:
    """One vote out of what a member listed and what it answered: the type that it believes in more, on the mean."""
    if answer.abstained or listed.abstained:
        return listed if answer.abstained else answer
    half = {listed.label: _belief(listed) / 2}
    half[answer.label] = half.get(answer.label, 0.0) + _belief(answer) / 2
    label = max(half, key=lambda label: half[label])
    return Vote(answer.member, label, half[label])


def _belief(vote: Vote) -> float:
    """In a type: 0 for none of these, 1 where the engine tells no probability."""
    if vote.label is None:
        return 0.0
    return 1.0 if vote.probability is None else vote.probability


def _proposal(candidate: Candidate, member: str) -> Proposal | None:
    return next((proposal for proposal in candidate.proposals if proposal.member == member), None)


def unread(asked: Sequence[Questions]) -> Amiss:
    """Which replies to these choices name none of the options."""

    def amiss(place: int, number: int, reply: Reply) -> str:
        return choice_amiss(asked[place][1][number], reply)

    return amiss


def _vote(member: Member, reply: Reply, options: Sequence[str]) -> Vote:
    if reply.outcome is Outcome.FAILED:
        return Vote(member.name, None, abstained=reply.error)
    answer, probability = read_choice(reply, options)
    if answer is None:
        return Vote(member.name, None, abstained=f"no type of the list: {reply.text.strip()[:60]!r}")
    return Vote(member.name, None if answer == EMPTY else answer, probability)
