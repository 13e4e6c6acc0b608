"""Which found entity is held against which gold one, and what kind of mistake that makes.

Every gold and every found entity of a text is in exactly one pair: right, or a mistake of one kind. They are paired one
to one, in four rounds, each over what the rounds before left: the same offsets and type; the same offsets; the same
type, largest overlap first; any overlap, largest first. Ties go to the pair that stands first in the text. What stays
alone is missed or spurious. The time is that of sorting, and linear in the number of pairs that overlap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from el4ner.data import Span

if TYPE_CHECKING:
    from el4ner.evaluate.score import Mention

_Key = tuple[int, int, str]
_Left = dict[_Key, "Mention"]


class Kind(StrEnum):
    """Kinds of mistakes.

    `missed`: gold that overlaps nothing found, or nothing that was not paired. `spurious`: the same of what was found.
    `type`: the same offsets, another type. `boundary`: the same type, offsets that overlap. `both`: neither is the
    same, but they overlap.
    """

    MISSED = "missed"
    SPURIOUS = "spurious"
    TYPE = "type"
    BOUNDARY = "boundary"
    BOTH = "both"

    @property
    def words(self) -> str:
        """What readers are told."""
        return {"type": "wrong type", "boundary": "wrong boundary", "both": "wrong boundary and type"}.get(self, self)


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold entity and the found one that is held against it; one of them may be missing."""

    gold: Mention | None
    found: Mention | None

    @property
    def kind(self) -> Kind | None:
        """Which mistake this is; None if it is right."""
        if self.found is None:
            return Kind.MISSED
        if self.gold is None:
            return Kind.SPURIOUS
        if place(self.gold) == place(self.found):
            return None if self.gold.label == self.found.label else Kind.TYPE
        return Kind.BOUNDARY if self.gold.label == self.found.label else Kind.BOTH

    @property
    def label(self) -> str:
        """The type that the case counts for: gold's, or that of what is spurious."""
        return (self.gold or self.found or Span(0, 0)).label or ""


def match(gold: Iterable[Mention], found: Iterable[Mention]) -> tuple[Pair, ...]:
    """Pair gold with what was found, as the module says; an entity that stands there twice counts once."""
    golden, given = _distinct(gold), _distinct(found)
    pairs: list[Pair] = []
    for same in (_key, place):
        pairs += _equal(golden, given, same)
    for typed in (True, False):
        pairs += _nearest(golden, given, typed)
    pairs += [Pair(mention, None) for mention in golden.values()] + [Pair(None, mention) for mention in given.values()]
    return tuple(sorted(pairs, key=_order))


def _equal(gold: _Left, found: _Left, same: Callable[[Mention], object]) -> Iterator[Pair]:
    """Take out of what is left the pairs that have the same key."""
    waiting = defaultdict[object, list[_Key]](list)
    for key, mention in reversed(found.items()):
        waiting[same(mention)].append(key)
    for key, mention in list(gold.items()):
        if waiting[same(mention)]:
            yield Pair(gold.pop(key), found.pop(waiting[same(mention)].pop()))


def _nearest(gold: _Left, found: _Left, typed: bool) -> Iterator[Pair]:
    """Take out of what is left the pairs that overlap, the largest overlap first; `typed` ones of the same type."""
    near = [(one, other) for one, other in _overlapping(gold, found) if not typed or one[2] == other[2]]
    for one, other in sorted(near, key=lambda pair: (-_shared(*pair), pair)):
        if one in gold and other in found:
            yield Pair(gold.pop(one), found.pop(other))


def _overlapping(gold: Iterable[_Key], found: Iterable[_Key]) -> Iterator[tuple[_Key, _Key]]:
    """Every gold and found key that share a character: one sweep from left to right."""
    open_: tuple[list[_Key], list[_Key]] = [], []
    for key, side in sorted([*((key, 0) for key in gold), *((key, 1) for key in found)]):
        others = open_[1 - side]
        others[:] = [other for other in others if other[1] > key[0]]
        for other in others:
            yield (other, key) if side else (key, other)
        open_[side].append(key)


def _shared(one: _Key, other: _Key) -> int:
    return min(one[1], other[1]) - max(one[0], other[0])


def _distinct(mentions: Iterable[Mention]) -> _Left:
    return {_key(mention): mention for mention in sorted(mentions, key=_key)}


def _key(mention: Mention) -> _Key:
    return mention.start, mention.end, mention.label or ""


def place(mention: Mention) -> tuple[int, int]:
    """Its offsets."""
    return mention.start, mention.end


def _order(pair: Pair) -> tuple[int, int, bool, str]:
    mention = pair.gold or pair.found or Span(0, 0)
    return mention.start, mention.end, pair.gold is None, mention.label or ""
