"""Stage 2: every member lists the entities of the text; the union of what they list goes on. Recall first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from el4ner.annotation import Ungrounded
from el4ner.data import Candidate, Example, Label, Proposal, Span
from el4ner.ensemble.dispatch import Desk
from el4ner.ensemble.member import Brief, Member
from el4ner.models.base import Outcome, Reply, Request
from el4ner.prompts.form import Form
from el4ner.prompts.replies import Item
from el4ner.recipes.settings import ExtractSettings
from el4ner.stages.retrieve import Retrieved
from el4ner.text.ground import ground
from el4ner.text.passage import Passage
from el4ner.text.words import splits_word

STAGE = "extract"
_LEAD = re.compile(r"\s*(?:entities\s*:|\d{1,3}[.)])\s+", re.IGNORECASE)
Answer = tuple[str | None, Reply]  # the type that was asked about, where it was asked about alone


@dataclass(frozen=True, slots=True)
class Extracted:
    """The candidates of a passage (spans into what was shown), what has no place, who failed and why, who was cut.

    A member that failed in one of several questions is among those that failed. `answered`: whether anyone did.
    """

    candidates: tuple[Candidate, ...]
    ungrounded: tuple[Ungrounded, ...]
    failed: Mapping[str, str]
    cut: tuple[str, ...]
    answered: bool


def extract(
    passages: Sequence[Passage],
    found: Sequence[Retrieved],
    briefs: dict[str, list[Brief]],
    members: Sequence[Member],
    labels: Sequence[Label],
    settings: ExtractSettings,
    desk: Desk,
) -> list[Extracted]:
    """Prompt every member with its demonstrations and the text, and take the union of the spans (PAPER, stage 2).

    Every mention of a listed string is a candidate; a marked one is where it is marked. What an answer holds that does
    not stand in the text, or bears an unknown type, is reported; one that the token limit cut gives its complete
    entries.
    """
    answers: list[dict[str, list[Answer]]] = [{m.name: [] for m in members} for _ in passages]
    asked = [questions(passages, found, briefs[member.name], member, labels, settings) for member in members]
    replies = desk.ask(STAGE, [(m, [q.request for q in own]) for m, own in zip(members, asked, strict=True)])
    for member, own, given in zip(members, asked, replies, strict=True):
        for question, reply in zip(own, given, strict=True):
            answers[question.passage][member.name].append((question.label, reply))
    form = form_of(settings)
    return [_union(passage.shown, given, labels, form) for passage, given in zip(passages, answers, strict=True)]


def _entries(items: Sequence[Item], shown: str) -> Iterator[Item]:
    """Entries as they stand in the text: without a number or heading of the list before them; and one that joins
    several strings of the text ("a; b (person)", for want of a type after a) is taken apart."""
    for item in items:
        if (lead := _LEAD.match(item.text)) and not ground(shown, item.text):
            item = replace(item, text=item.text[lead.end() :])
        parts = [part.strip() for part in re.split("[;\n]", item.text)]
        if len(parts) == 1 or ground(shown, item.text):
            yield item
        else:
            yield from (Item(part) for part in parts[:-1] if part)
            yield replace(item, text=parts[-1])


def _union(shown: str, answers: Mapping[str, Sequence[Answer]], labels: Sequence[Label], form: Form) -> Extracted:
    names = {label.name for label in labels}
    found: dict[Span, dict[str, Proposal]] = {}
    ungrounded: list[Ungrounded] = []
    for member, given in answers.items():
        for label, reply in given:
            proposed, lost = _read(shown, member, reply, form, names if label is None else {label}, label)
            ungrounded += lost
            for span, proposal in proposed.items():
                by = found.setdefault(span, {})
                by[member] = max(by.get(member, proposal), proposal, key=_sureness)  # the first of equals
    ordered = sorted(found, key=lambda span: (span.start, -span.end))
    candidates = tuple(Candidate(span, tuple(found[span].values())) for span in ordered)
    replies = [(member, reply) for member, given in answers.items() for _, reply in given]
    failed: dict[str, str] = {}
    for member, reply in replies:
        if reply.outcome is Outcome.FAILED:
            failed.setdefault(member, reply.error)
    cut = tuple(dict.fromkeys(m for m, r in replies if r.outcome is Outcome.CUT))
    answered = any(r.outcome is not Outcome.FAILED for _, r in replies)
    return Extracted(candidates, tuple(dict.fromkeys(ungrounded)), failed, cut, answered)


def _read(
    shown: str, member: str, reply: Reply, form: Form, names: Collection[str], asked: str | None
) -> tuple[dict[Span, Proposal], list[Ungrounded]]:
    """What one reply proposes. Where one type was asked about (`asked`), an entry without a type is of that type."""
    proposed: dict[Span, Proposal] = {}
    lost = []
    for item in _entries(form.read(reply, shown, names), shown):
        label = asked if item.label is None else item.label
        known = label if label in names else None
        places = ground(shown, item.text) if item.at is None else _whole(shown, item.at)
        if not places or (label is not None and known is None):
            lost.append(Ungrounded(STAGE, member, item.text, label))
        proposal = Proposal(member, known, item.probability, item.label_probability if known else None)
        for start, end in places:
            proposed.setdefault(Span(start, end), proposal)
    return proposed, lost


def _whole(shown: str, place: tuple[int, int]) -> list[tuple[int, int]]:
    return [] if any(splits_word(shown, at) for at in place) else [place]


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
    passages: Sequence[Passage],
    found: Sequence[Retrieved],
    briefs: Sequence[Brief],
    member: Member,
    labels: Sequence[Label],
    settings: ExtractSettings,
) -> list[Question]:
    """All questions to a member, those that share a prefix next to each other.

    A list of all types follows the shared prefix (`briefs`); other questions have prefixes of their own.
    """
    form, apart = form_of(settings), settings.types == "apart"
    asked = []
    for group in [[label] for label in labels] if apart else [labels]:
        mine = list(briefs)
        if apart or form is not Form.LIST:
            shots = [member.choose(_holding(r.examples, group), r.entity_free) for r in found]
            mine = member.brief(group, passages, shots, form)
        shown = member.labels(group)
        for i, (passage, brief) in enumerate(zip(passages, mine, strict=True)):
            request = member.style.extract(brief.prefix, shown, passage.shown, settings.constrain, brief.limit, form)
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
