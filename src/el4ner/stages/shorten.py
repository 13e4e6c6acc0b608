"""Once more, with fewer demonstrations: for questions that a server refuses since they are too long for it.

Tokens are an estimate where the server has no tokenizer to ask, and its context may be smaller than it is thought to
be. What a refusal tells of it, the engine has taken to heart (`Model.context`); where it tells nothing, half of the
demonstrations are left out, and half of these, until the question fits or none is left.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace

from el4ner.ensemble.member import Member
from el4ner.errors import ContextError
from el4ner.stages.state import PassageState, Task


def shortened(
    states: Sequence[PassageState], member: Member, places: Collection[int], task: Task
) -> list[PassageState] | None:
    """The states with shorter briefs of a member for the passages at `places`; None where nothing can be left out."""
    held = {i: states[i].briefs[member.name].demonstrations for i in places}
    fewer = [i for i in sorted(places) if held[i]]
    if not fewer:
        return None
    shots = []
    for i in fewer:
        chosen = member.choose(states[i].retrieved.examples, states[i].retrieved.entity_free)
        shots.append(chosen[len(chosen) - held[i] // 2 :])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is said below
            briefs = member.brief(task.labels, [states[i].passage for i in fewer], shots)
    except ContextError:
        return None
    warnings.warn(
        f"member {member.name}: the server refused {len(fewer)} of {len(states)} passages as too long; they are asked"
        f" again with {min(len(s) for s in shots)} to {max(len(s) for s in shots)} demonstrations: give its context in"
        " the recipe",
        stacklevel=2,
    )
    made = list(states)
    for i, brief in zip(fewer, briefs, strict=True):
        lost = states[i].briefs[member.name].left_out + held[i] - brief.demonstrations
        brief = replace(brief, left_out=lost)
        made[i] = replace(states[i], briefs={**states[i].briefs, member.name: brief})
    return made
