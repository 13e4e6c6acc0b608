"""What a candidate's type is asked by: all types at once, or first a group of them and then the type within it.

The tree is made from the types that are asked for (CascadeNER, arXiv 2409.11022, has one written by hand). A question
for a group follows demonstrations that bear the groups' names; one for a type follows the prefix that all share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from el4ner.data import Example, Label
from el4ner.ensemble.member import Brief, Member
from el4ner.retrieval.encoder import Encoder
from el4ner.stages.state import PassageState, Task


@dataclass(frozen=True)
class Fork:
    """A question's choices, what comes after those that are groups, and every member's briefs for it."""

    choices: tuple[Label, ...]
    inside: Mapping[str, Fork]
    briefs: Mapping[str, Sequence[Brief]]


def label_tree(states: Sequence[PassageState], task: Task) -> Fork:
    """The first question for a window of passages."""
    briefs = {member.name: [state.briefs[member.name] for state in states] for member in task.members}
    return _fork(task.labels, briefs, states, task)


def _fork(
    labels: Sequence[Label], briefs: Mapping[str, Sequence[Brief]], states: Sequence[PassageState], task: Task
) -> Fork:
    """One question for all labels, or, of more than `branches`, as many groups of like ones, which fork in turn."""
    branches = task.recipe.classify.branches
    if branches is None or len(labels) <= branches:
        return Fork(tuple(labels), {}, briefs)
    groups = [(joined(group), group) for group in grouped(labels, branches, task.encoder)]
    choices = [whole for whole, _ in groups]
    names = {label.name: whole.name for whole, group in groups for label in group}
    own = {member.name: _briefs(member, choices, names, states) for member in task.members}
    inside = {whole.name: _fork(group, briefs, states, task) for whole, group in groups if len(group) > 1}
    return Fork(tuple(choices), inside, own)


def _briefs(
    member: Member, choices: Sequence[Label], names: Mapping[str, str], states: Sequence[PassageState]
) -> list[Brief]:
    shots = [
        [_renamed(example, names) for example in member.choose(s.retrieved.examples, s.retrieved.entity_free)]
        for s in states
    ]
    return member.brief(choices, [state.passage for state in states], shots)


def _renamed(example: Example, names: Mapping[str, str]) -> Example:
    kept = (replace(e, label=names[e.label]) for e in example.entities if e.label is not None and e.label in names)
    return replace(example, entities=tuple(kept))


def grouped(labels: Sequence[Label], groups: int, encoder: Encoder) -> list[list[Label]]:
    """The labels in so many groups, each in the order given, as the groups' first labels are.

    The two groups that are most alike are put together until so many are left; likeness is the mean cosine of their
    labels' names and descriptions (average linkage). Of equals, the first two.
    """
    vectors = encoder.encode([f"{label.name}: {label.description}" for label in labels])
    likeness = np.asarray(vectors @ vectors.T, dtype=np.float64)
    parts = [[i] for i in range(len(labels))]
    while len(parts) > max(1, groups):
        pairs = [(a, b) for b in range(len(parts)) for a in range(b)]
        a, b = max(pairs, key=lambda pair: likeness[np.ix_(parts[pair[0]], parts[pair[1]])].mean())
        parts[a] = sorted(parts[a] + parts.pop(b))
    return [[labels[i] for i in part] for part in sorted(parts)]


def joined(group: Sequence[Label]) -> Label:
    """A label for a group: the names joined, and likewise the descriptions."""
    return Label("/".join(label.name for label in group), ", or ".join(x.description for x in group if x.description))
