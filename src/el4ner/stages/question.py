"""What a member is asked about a passage in stage 2: one question, or one a type, each once or in several samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from el4ner.config import ExtractSettings
from el4ner.data import Example, Label
from el4ner.member import Brief, Member
from el4ner.models.base import Request
from el4ner.prompts.form import Form
from el4ner.stages.retrieve import Retrieved
from el4ner.text.passage import Passage


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
