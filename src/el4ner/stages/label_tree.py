"""What a candidate's type is asked by: all types at once, or first a group of them and then the type within it.

The tree is made from the types that are asked for (CascadeNER, arXiv 2409.11022, has one written by hand). A question
for a group follows demonstrations that bear the groups' names; one for a type follows the prefix that all share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Example, Label
from el4ner.ensemble.member import Brief, Member
from el4ner.retrieval.encoder import Encoder
from el4ner.stages.state import PassageState, Task

_NEVER = -np.inf  # the likeness of a group to itself, and to one that is part of another


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
    groups: list[tuple[Label, list[Label]]] = []
    for group in grouped(labels, branches, task.encoder):
        groups.append((_apart(joined(group), [whole.name for whole, _ in groups]), group))
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
    sums = np.asarray(vectors @ vectors.T, dtype=np.float64)  # of the likeness of two groups' labels, by first labels
    means = sums.copy()
    np.fill_diagonal(means, _NEVER)
    parts, sizes = {i: [i] for i in range(len(labels))}, np.ones(len(labels))
    best = means.max(axis=1, initial=_NEVER)
    while len(parts) > max(1, groups):
        a, b = _most_alike(means, best)
        stale = (means[a] == best) | (means[b] == best)
        parts[a] += parts.pop(b)
        sizes[a] += sizes[b]
        sums[a] += sums[b]
        sums[:, a] = sums[a]
        gone = np.isneginf(means[a])
        means[a] = np.where(gone, _NEVER, sums[a] / (sizes[a] * sizes))
        means[:, a], means[b], means[:, b] = means[a], _NEVER, _NEVER
        means[a, b] = best[b] = _NEVER
        best[stale] = means[stale].max(axis=1)
        best = np.maximum(best, means[a])
        best[a] = means[a].max()
    return [[labels[i] for i in sorted(part)] for part in parts.values()]


def _most_alike(means: NDArray[np.float64], best: NDArray[np.float64]) -> tuple[int, int]:
    """The two groups with the largest mean, of equals the first two; `best` is the largest of each row."""
    for b in np.flatnonzero(best == best.max()).tolist():
        if (places := np.flatnonzero(means[b, :b] == best[b])).size:
            return int(places[0]), int(b)
    raise AssertionError("means are the same both ways")


def _apart(whole: Label, taken: Sequence[str]) -> Label:
    """A group's label, told apart from a type that is called so."""
    while whole.name in taken:
        whole = replace(whole, name=f"{whole.name}/")
    return whole


def joined(group: Sequence[Label]) -> Label:
    """A label for a group: the names joined, and likewise the descriptions."""
    return Label("/".join(label.name for label in group), ", or ".join(x.description for x in group if x.description))
