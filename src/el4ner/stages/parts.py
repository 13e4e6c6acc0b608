"""A window in parts that the engines can hold: what they have read of a passage serves all its questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from el4ner.concurrency import shares
from el4ner.ensemble.member import Member
from el4ner.stages.state import PassageState


def parts(states: Sequence[PassageState], members: Sequence[Member]) -> Iterator[range]:
    """Stretches of about the same size whose prefixes fit the engines' caches, all stages long."""
    full = [0.0] * len(states)  # how much of a cache the passage takes, of the cache that it takes most of
    for model in {id(member.model): member.model for member in members}.values():
        if model.cached:
            mine = [member.name for member in members if member.model is model]
            taken = [sum(s.briefs[name].tokens + s.briefs[name].limit for name in mine) for s in states]
            full = [max(one, tokens / model.cached) for one, tokens in zip(full, taken, strict=True)]
    weights = [ceil(1000 * share) for share in full]
    fewest = max(1, ceil(sum(weights) / 1000))
    return shares(weights, min(1000, ceil(sum(weights) / fewest) + max(weights)))
