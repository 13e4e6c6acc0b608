"""Entities as a tag for each token, and back.

One decoder reads every scheme, since what their tags mean never conflicts:

    O             outside
    B-X           starts an entity
    I-X, M-X      continues an open X; otherwise it starts one (IOB1, and the repair of BIO that lacks a B-)
    E-X, L-X      continues an open X and ends it; otherwise it is an entity of its own
    S-X, U-X      is an entity of its own
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from el4ner.data import Span

OUTSIDE = "O"


def encode(starts: Sequence[int], entities: Iterable[Span]) -> list[str]:
    """BIO tags of the tokens that start at these offsets, in order.

    A token is in an entity where it starts in it. Of entities that share a token, the first and longest is told.
    """
    tags = [OUTSIDE] * len(starts)
    for entity in sorted(entities, key=lambda e: (e.start, -e.end)):
        first, after = bisect_left(starts, entity.start), bisect_left(starts, entity.end)
        if first < after and tags[first:after] == [OUTSIDE] * (after - first):
            tags[first:after] = [f"B-{entity.label}"] + [f"I-{entity.label}"] * (after - first - 1)
    return tags


def decode(tags: Iterable[str]) -> list[Span]:
    """The entities of a row of tags, in offsets of tokens."""
    spans: list[Span] = []
    is_open = False
    for i, tag in enumerate(tags):
        prefix, label = tag[0], tag[2:]
        if is_open and prefix in "IMEL" and spans[-1].label == label:
            spans[-1] = Span(spans[-1].start, i + 1, label)
        elif prefix != OUTSIDE:
            spans.append(Span(i, i + 1, label))
        is_open = prefix in "BIM"
    return spans
