"""Entities as a tag for each token, and back.

One decoder reads every scheme with prefixes, since what their tags mean never conflicts:

    O             outside; also 0 and _
    B-X           starts an entity
    I-X, M-X      continues an open X; otherwise it starts one (IOB1, and the repair of BIO that lacks a B-)
    E-X, L-X      continues an open X and ends it; otherwise it is an entity of its own
    S-X, U-X, W-X is an entity of its own

So IOB1, IOB2 (BIO), BIOES, BILOU, BMES and BMEWO are recognised by themselves, in small letters too, and with `_`, `:`
or another hyphen in place of `-`. Tags without prefixes (IO) are told apart from a mistake only by whoever knows:
there, X starts an entity or continues one of the same type.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from el4ner.data import Span

OUTSIDE = "O"
Tag = tuple[str, str]  # the prefix, in capitals, and the type; outside is ("O", "")
_OUT: Tag = (OUTSIDE, "")
_OUTSIDE = frozenset(["O", "o", "0", "_"])
_TAG = re.compile(r"([BIMELSUW])[-_:\u2010\u2011\u2013](\S.*)", re.IGNORECASE)


def parse(tag: str) -> Tag | None:
    """A tag with a prefix, or outside; None for what is no tag."""
    if tag in _OUTSIDE:
        return _OUT
    found = _TAG.fullmatch(tag)
    return (found[1].upper(), found[2]) if found else None


def parse_io(tag: str) -> Tag | None:
    """A tag without a prefix; None for what is none, or has one."""
    if tag in _OUTSIDE:
        return _OUT
    return ("I", tag) if tag and not re.match("[BI]-", tag) else None


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


def decode(tags: Iterable[Tag]) -> list[Span]:
    """The entities of a row of tags, in offsets of tokens."""
    spans: list[Span] = []
    is_open = False
    for i, (prefix, label) in enumerate(tags):
        if is_open and prefix in "IMEL" and spans[-1].label == label:
            spans[-1] = Span(spans[-1].start, i + 1, label)
        elif prefix != OUTSIDE:
            spans.append(Span(i, i + 1, label))
        is_open = prefix in "BIM"
    return spans


def signs(tags: Sequence[Tag]) -> Iterator[tuple[str, int]]:
    """What a row of tags shows of its scheme, and at which token: see `contradiction`."""
    for i, (prefix, label) in enumerate(tags):
        before = tags[i - 1] if i else _OUT
        after = tags[i + 1] if i + 1 < len(tags) else _OUT
        continues = before[0] in "BIM" and before[1] == label
        if prefix == "B" and not continues:
            yield "begun", i
        elif prefix in "IM" and not continues:
            yield "not begun", i
        elif prefix in "EL":
            yield ("ended" if continues else "end alone"), i
        if prefix in "BIM" and not (after[0] in "IMEL" and after[1] == label):
            yield "not ended", i


def contradiction(seen: Iterable[str]) -> str:
    """Which of the signs in a file has no place beside the others, and so was a mistake; "" if all agree."""
    shown = set(seen)
    if "end alone" in shown:
        return "end alone"
    if "begun" in shown and "not begun" in shown:
        return "not begun"  # IOB1 writes B- only behind an entity of the same type, the others always
    return "not ended" if {"ended", "not ended"} <= shown else ""
