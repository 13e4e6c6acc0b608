"""Stage 2: every member lists the entities of the text; the union of what they list goes on. Recall first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from el4ner.data import Candidate, Example, Label, Proposal, Span, Ungrounded
from el4ner.ensemble.member import Member
from el4ner.models.base import Outcome, Reply, Request
from el4ner.prompts.form import Form
from el4ner.prompts.item import Item
from el4ner.recipes.settings import ExtractSettings
from el4ner.stages.shorten import shortened
from el4ner.stages.state import EXTRACT, PassageState, Task
from el4ner.text.ground import ground
from el4ner.text.words import AFFIXING, inner_cuts, splits_word

_LEAD = re.compile(r"\s*(?:entities\s*:|\d{1,3}[.)])\s+", re.IGNORECASE)
_PHRASE = re.compile(r".*[:：]\s*(?=\S)", re.DOTALL)
Answer = tuple[str | None, Reply]  # the type that was asked about, where it was asked about alone


def extract(states: Sequence[PassageState], task: Task) -> list[PassageState]:
    """Prompt every member with its demonstrations and the text, and take the union of the spans (EL4NER, stage 2).

    Every mention of a listed string is a candidate; a marked one is where it is marked. What an answer holds that does
    not stand in the text, or bears an unknown type, is reported; one that the token limit cut gives its complete
    entries. A member that failed in one of several questions is among those that failed.
    """
    answers: list[dict[str, list[Answer]]] = [{m.name: [] for m in task.members} for _ in states]
    states, left = list(states), {member.name: set(range(len(states))) for member in task.members}
    while any(left.values()):
        asking = [member for member in task.members if left[member.name]]
        asked = [questions(states, member, task, sorted(left[member.name])) for member in asking]
        for member, own, given in zip(asking, asked, _replies(states, asking, asked, task), strict=True):
            for i in left[member.name]:
                answers[i][member.name] = []
            for question, reply in zip(own, given, strict=True):
                answers[question.passage][member.name].append((question.label, reply))
            long = {question.passage for question, reply in zip(own, given, strict=True) if reply.too_long}
            shorter = shortened(states, member, long, task) if long and _read_briefs(task) else None
            states, left[member.name] = shorter or states, long if shorter else set()
    return [_union(state, given, task) for state, given in zip(states, answers, strict=True)]


def _replies(
    states: Sequence[PassageState], members: Sequence[Member], asked: Sequence[Sequence[Question]], task: Task
) -> list[list[Reply]]:
    form, names = form_of(task.recipe.extract), {label.name for label in task.labels}

    def amiss(place: int, number: int, reply: Reply) -> str:
        shown = states[asked[place][number].passage].shown
        return form.amiss(reply, shown, names, members[place].style.chat)

    requests = [(m, [q.request for q in own]) for m, own in zip(members, asked, strict=True)]
    return task.dispatch.ask(EXTRACT, requests, amiss)


def _read_briefs(task: Task) -> bool:
    """Whether the questions begin with the members' briefs, and not with prefixes of their own."""
    return task.recipe.extract.types != "apart" and form_of(task.recipe.extract) is Form.LIST


def _entries(items: Sequence[Item], shown: str) -> Iterator[Item]:
    """Entries as they stand in the text: without a number, or a heading or phrase with a colon, before them; and one
    that joins several strings of the text ("a; b (person)", for want of a type after a) is taken apart."""
    for item in items:
        if (lead := _LEAD.match(item.text)) and not ground(shown, item.text):
            item = replace(item, text=item.text[lead.end() :])
        if (phrase := _PHRASE.match(item.text)) and not ground(shown, item.text):
            rest = item.text[phrase.end() :]
            item = replace(item, text=rest) if ground(shown, rest) else item
        parts = [part.strip() for part in re.split("[;\n]", item.text)]
        if len(parts) == 1 or ground(shown, item.text):
            yield item
        else:
            yield from (Item(part) for part in parts[:-1] if part)
            yield replace(item, text=parts[-1])


def _union(state: PassageState, answers: Mapping[str, Sequence[Answer]], task: Task) -> PassageState:
    form, names = form_of(task.recipe.extract), {label.name for label in task.labels}
    found: dict[Span, dict[str, Proposal]] = {}
    ungrounded: list[Ungrounded] = []
    for member, given in answers.items():
        for label, reply in given:
            wanted = names if label is None else {label}
            proposed, lost = _read(state.shown, member, reply, form, wanted, label, AFFIXING | task.cut)
            ungrounded += lost
            for span, proposal in proposed.items():
                by = found.setdefault(span, {})
                by[member] = max(by.get(member, proposal), proposal, key=_sureness)  # the first of equals
    ordered = sorted(found, key=lambda span: (span.start, -span.end))
    replies = [(member, reply) for member, given in answers.items() for _, reply in given]
    failed: dict[str, str] = {}
    for member, reply in replies:
        if reply.outcome is Outcome.FAILED:
            failed.setdefault(member, reply.error)
    return replace(
        state,
        candidates=tuple(Candidate(span, tuple(found[span].values())) for span in ordered),
        ungrounded=tuple(dict.fromkeys(ungrounded)),
        failed=failed,
        cut=tuple(dict.fromkeys(m for m, r in replies if r.outcome is Outcome.CUT)),
        answered=any(r.outcome is not Outcome.FAILED for _, r in replies),
    )


def _read(
    shown: str, member: str, reply: Reply, form: Form, names: Collection[str], asked: str | None, cut: Collection[str]
) -> tuple[dict[Span, Proposal], list[Ungrounded]]:
    """What one reply proposes. Where one type was asked about (`asked`), an entry without a type is of that type.

    A string that is listed with several types, as often as it stands in the text, has them in the order of its places.
    """
    proposed: dict[Span, Proposal] = {}
    lost: list[Ungrounded] = []
    if reply.outcome is Outcome.FAILED:
        return proposed, lost
    items = list(_entries(form.read(reply, shown, names), shown))
    types: dict[str, set[str | None]] = {}
    for item in items:
        types.setdefault(item.text, set()).add(item.label)
    listed = Counter(item.text for item in items)
    turn = Counter[str]()
    for item in items:
        label = asked if item.label is None else item.label
        known = label if label in names else None
        places = ground(shown, item.text, cut) if item.at is None else _whole(shown, item.at)
        if item.at is None and len(types[item.text]) > 1 and len(places) == listed[item.text]:
            turn[item.text] += 1
            places = places[turn[item.text] - 1 :][:1]
        if not places or (label is not None and known is None):
            lost.append(Ungrounded(EXTRACT, member, item.text, label))
        proposal = Proposal(member, known, item.probability, item.label_probability if known else None)
        for start, end in places:
            proposed.setdefault(Span(start, end), proposal)
    return proposed, lost


def _whole(shown: str, place: tuple[int, int]) -> list[tuple[int, int]]:
    there = 0 <= place[0] < place[1] <= len(shown)
    return [place] if there and not any(splits_word(shown, at) for at in place) else []


def _sureness(proposal: Proposal) -> float:
    """By this, the best of several proposals of one member is taken: one with a type before one without."""
    if proposal.label is None:
        return -1.0
    return 0.0 if proposal.label_probability is None else proposal.label_probability


@dataclass(frozen=True, slots=True)
class Question:
    """A request about the passage of this number. `label` is the type asked about, where it is asked about alone."""

    passage: int
    label: str | None
    request: Request


def form_of(settings: ExtractSettings) -> Form:
    """The form of the answers."""
    if settings.answer == "list":
        return Form.NAMES if settings.types == "none" else Form.LIST
    return Form.MARKS if settings.answer == "marks" else Form.REASONS


def questions(
    states: Sequence[PassageState], member: Member, task: Task, places: Sequence[int] | None = None
) -> list[Question]:
    """All questions to a member about the passages at `places`, or all, those that share a prefix next to each other.

    A list of all types follows the prefix that all its questions share (its brief); others have prefixes of their own.
    """
    settings = task.recipe.extract
    form, apart = form_of(settings), settings.types == "apart"
    places = range(len(states)) if places is None else places
    states = [states[i] for i in places]
    asked = []
    for group in [[label] for label in task.labels] if apart else [task.labels]:
        if apart or form is not Form.LIST:
            shots = [member.choose(_holding(s.retrieved.examples, group), s.retrieved.entity_free) for s in states]
            briefs = member.brief(group, [s.passage for s in states], shots, form)
        else:
            briefs = [state.briefs[member.name] for state in states]
        shown = member.labels(group)
        for i, state, brief in zip(places, states, briefs, strict=True):
            cuts = inner_cuts(state.shown, task.cut)
            request = member.style.extract(
                brief.prefix, shown, state.shown, settings.constrain, brief.limit, form, cuts
            )
            requests = _samples(request, member, settings.samples)
            asked += [Question(i, group[0].name if apart else None, request) for request in requests]
    return asked


def _holding(examples: Sequence[Example], labels: Sequence[Label]) -> list[Example]:
    """Those that hold an entity of these types first; otherwise in the order given."""
    names = {label.name for label in labels}
    return sorted(examples, key=lambda example: not any(e.label in names for e in example.entities))


def _samples(request: Request, member: Member, count: int) -> list[Request]:
    how = member.settings
    return [replace(request, temperature=how.temperature, seed=how.seed + n) for n in range(count)]
