"""What a candidate's type is asked by: all types at once, or first a group of them and then the type within it.

The tree is made from the types that are asked for (CascadeNER, arXiv 2409.11022, has one written by hand). A question
for a group follows demonstrations that bear the groups' names; one for a type follows the prefix that all share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from el4ner.data import Example, Label
from el4ner.member import Brief, Member
from el4ner.retrieval.encoder import Encoder
from el4ner.retrieval.likeness import grouped, joined
from el4ner.stages.retrieve import Retrieved
from el4ner.text.passage import Passage


@dataclass(frozen=True)
class Fork:
    """A question's choices, what comes after those that are groups, and every member's briefs for it."""

    choices: tuple[Label, ...]
    inside: Mapping[str, Fork]
    briefs: Mapping[str, Sequence[Brief]]


@dataclass(frozen=True)
class Setting:
    """What forks are made from, for a window of passages: `briefs` are those that all questions share."""

    passages: Sequence[Passage]
    found: Sequence[Retrieved]
    members: Sequence[Member]
    briefs: Mapping[str, Sequence[Brief]]


def fork(labels: Sequence[Label], branches: int | None, encoder: Encoder, setting: Setting) -> Fork:
    """One question for all labels, or, of more than `branches`, as many groups of like ones, which fork in turn."""
    if branches is None or len(labels) <= branches:
        return Fork(tuple(labels), {}, setting.briefs)
    groups = [(joined(group), group) for group in grouped(labels, branches, encoder)]
    choices = [whole for whole, _ in groups]
    names = {label.name: whole.name for whole, group in groups for label in group}
    briefs = {member.name: _briefs(member, choices, names, setting) for member in setting.members}
    inside = {whole.name: fork(group, branches, encoder, setting) for whole, group in groups if len(group) > 1}
    return Fork(tuple(choices), inside, briefs)


def _briefs(member: Member, choices: Sequence[Label], names: Mapping[str, str], setting: Setting) -> list[Brief]:
    shots = [[_renamed(example, names) for example in member.choose(r.examples, r.entity_free)] for r in setting.found]
    return member.brief(choices, setting.passages, shots)


def _renamed(example: Example, names: Mapping[str, str]) -> Example:
    kept = (replace(e, label=names[e.label]) for e in example.entities if e.label is not None and e.label in names)
    return replace(example, entities=tuple(kept))
