"""Entities marked within the sentence, as GPT-NER has it: `@@Anna Berg## lives in @@Berlin##`, and the way back.

A text that holds two or more of these signs in a row is shown with their full-width twins, which look alike and are as
long, so that in an answer they can only be marks. Of a longer run the outer two are the mark: `@@@user##` is `@user`,
`@@C###` is `C#`. Nested entities cannot be said: the outermost are marked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from el4ner.data import Example
from el4ner.models.base import Reply
from el4ner.prompts.item import Item, probability_of
from el4ner.text.passage import passage

_OPEN, _CLOSE = "@@", "##"
_RUN = re.compile("@@+|##+")
_MARKED = re.compile("@@((?:(?!@@).)+?)##(?!#)", re.DOTALL)
_TWINS = str.maketrans("@#", "＠＃")


def markable(line: str) -> str:
    """The line as it is shown where marks are asked for: as long, and without anything that could be a mark."""
    return _RUN.sub(lambda run: run[0].translate(_TWINS), line)


def marked(example: Example) -> str:
    """An example's line with its outermost entities marked; of two that cross, the first."""
    seen = passage(example.text)
    places = ((bisect_left(seen.origin, e.start), bisect_left(seen.origin, e.end)) for e in example.entities)
    return mark(markable(seen.shown), places)


def mark(line: str, places: Iterable[tuple[int, int]]) -> str:
    """Mark places of a line from `markable`. Signs that touch a mark from outside give way to their twins."""
    pieces: list[str] = []
    at = 0
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if at <= start < end:
            pieces += [_open_ended(line[at:start], bool(pieces)), _OPEN, line[start:end], _CLOSE]
            at = end
    gap = _open_ended(line[at:] + " ", bool(pieces))[:-1]
    return "".join([*pieces, gap])


def _open_ended(gap: str, after: bool) -> str:
    """The stretch between two marks, so written that it cannot be read as part of them."""
    if after and gap.startswith("#"):
        gap = gap[0].translate(_TWINS) + gap[1:]
    return gap[:-1] + gap[-1].translate(_TWINS) if gap.endswith("@") else gap


def read_marks(reply: Reply, shown: str) -> list[Item]:
    """What a reply marks, in order. As far as the reply copies the text, each has its place; from there on, none.

    A mark that is not closed counts for nothing. `probability` is that of the marked string with its marks.
    """
    plain, found, at = "", [], 0
    for match in _MARKED.finditer(reply.text):
        plain += _unmarked(reply.text[at : match.start()])
        found.append((match, len(plain)))
        plain += match[1]
        at = match.end()
    plain += _unmarked(reply.text[at:])
    lead = len(plain) - len(plain.lstrip())
    copied = _alike(plain[lead:].translate(_TWINS), shown.translate(_TWINS))
    items = []
    for match, start in found:
        surface = match[1].strip()
        start += len(match[1]) - len(match[1].lstrip()) - lead
        end = start + len(surface)
        if surface:
            sure = probability_of(reply.tokens, match.start(), match.end())
            items.append(Item(surface, None, sure, sure, (start, end) if start >= 0 and end <= copied else None))
    return items


def _alike(one: str, other: str) -> int:
    """How many characters they begin with in common."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _unmarked(gap: str) -> str:
    return gap.replace(_OPEN, "").replace(_CLOSE, "")
