"""Stage 2: every member lists the entities of the text; the union of what they list goes on. Recall first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from el4ner.annotation import Ungrounded
from el4ner.config import ExtractSettings
from el4ner.data import Candidate, Label, Proposal, Span
from el4ner.desk import Desk
from el4ner.ground import ground
from el4ner.member import Brief, Member
from el4ner.models.base import Outcome, Reply
from el4ner.passage import Passage
from el4ner.prompts.replies import Item, read_listing

STAGE = "extract"


@dataclass(frozen=True, slots=True)
class Extracted:
    """The candidates of a passage (spans into what was shown), what has no place, who failed and why, who was cut."""

    candidates: tuple[Candidate, ...]
    ungrounded: tuple[Ungrounded, ...]
    failed: Mapping[str, str]
    cut: tuple[str, ...]


def extract(
    passages: Sequence[Passage],
    briefs: dict[str, list[Brief]],
    members: Sequence[Member],
    labels: Sequence[Label],
    settings: ExtractSettings,
    desk: Desk,
) -> list[Extracted]:
    """Prompt every member with its demonstrations and the text, and take the union of the spans (PAPER, stage 2).

    Every mention of a listed string is a candidate. What a listing holds that does not stand in the text, or bears
    an unknown type, is reported; a listing that the token limit cut gives its complete entries.
    """
    replies = {member.name: _ask(passages, briefs[member.name], member, labels, settings, desk) for member in members}
    return [
        _union(passage, {name: given[i] for name, given in replies.items()}, labels)
        for i, passage in enumerate(passages)
    ]


def _ask(
    passages: Sequence[Passage],
    briefs: Sequence[Brief],
    member: Member,
    labels: Sequence[Label],
    settings: ExtractSettings,
    desk: Desk,
) -> list[Reply]:
    how, labels = member.settings, member.labels(labels)
    requests = [
        member.style.extract(b.prefix, labels, p.shown, settings.constrain, b.limit, how.temperature, how.seed)
        for p, b in zip(passages, briefs, strict=True)
    ]
    return desk.ask(STAGE, member, requests)


def _entries(items: Sequence[Item], shown: str) -> Iterator[Item]:
    """An entry that joins several strings of the text ("a; b (person)", for want of a type after a) is taken apart."""
    for item in items:
        parts = [part.strip() for part in re.split("[;\n]", item.text)]
        if len(parts) == 1 or ground(shown, item.text):
            yield item
        else:
            yield from (Item(part) for part in parts[:-1] if part)
            yield replace(item, text=parts[-1])


def _union(passage: Passage, replies: dict[str, Reply], labels: Sequence[Label]) -> Extracted:
    names = {label.name for label in labels}
    found: dict[Span, dict[str, Proposal]] = {}
    ungrounded = []
    for member, reply in replies.items():
        for item in _entries(read_listing(reply, names), passage.shown):
            known = item.label if item.label in names else None
            places = ground(passage.shown, item.text)
            if not places or (item.label is not None and known is None):
                ungrounded.append(Ungrounded(STAGE, member, item.text, item.label))
            proposal = Proposal(member, known, item.probability, item.label_probability if known else None)
            for start, end in places:
                found.setdefault(Span(start, end), {}).setdefault(member, proposal)
    ordered = sorted(found, key=lambda span: (span.start, -span.end))
    candidates = tuple(Candidate(span, tuple(found[span].values())) for span in ordered)
    failed = {m: r.error for m, r in replies.items() if r.outcome is Outcome.FAILED}
    cut = tuple(m for m, r in replies.items() if r.outcome is Outcome.CUT)
    return Extracted(candidates, tuple(ungrounded), failed, cut)
