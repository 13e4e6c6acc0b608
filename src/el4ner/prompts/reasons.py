"""Candidates with a verdict and a reason for each, as PromptNER has it, a line a candidate. The dash
keeps a string of the text from beginning a line of the prompt.

    - Anna Berg | true | names of people, real or fictional (person)
    - morning | false | none of these types

The reasons of demonstrations are made of what a pool has: the description of the type. Wrong candidates are runs of
words that could be names by their part of speech and share no character with an entity: the first ones, as many as
there are entities, but one at least. (With all of them, the embedded model calls hardly anything true.) A text that the
tagger cannot read has none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import islice

from el4ner.data import Example, Span
from el4ner.models.base import Outcome, Reply
from el4ner.prompts.item import Item, probability_of
from el4ner.text.noun_phrases import phrases
from el4ner.text.passage import passage

_LINE = re.compile(
    r"^[ \t]*(?:-[ \t]+)?(?P<text>\S.*?)[ \t]*\|[ \t]*(?P<verdict>true|false)\b(?P<why>.*)$", re.IGNORECASE | re.M
)
_WRONG = "none of these types"

_phrases = lru_cache(maxsize=4096)(phrases)  # the same demonstrations come back


def reasons(example: Example, descriptions: Mapping[str, str]) -> str:
    """The candidates of an example, right and wrong, in order of place; empty if there are none."""
    seen = passage(example.text)
    lines: list[tuple[int, int, str]] = []
    places = []
    for e in example.entities:
        start, end = bisect_left(seen.origin, e.start), bisect_left(seen.origin, e.end)
        why = f"{descriptions.get(e.label or '', '')} ({e.label})".strip()
        lines.append((start, -end, f"- {seen.shown[start:end].strip()} | true | {why}"))
        places.append(Span(start, end))
    free = (phrase for phrase in _phrases(seen.shown) if not any(phrase.overlaps(place) for place in places))
    for wrong in islice(free, max(1, len(places))):
        lines.append((wrong.start, -wrong.end, f"- {seen.shown[wrong.start : wrong.end]} | false | {_WRONG}"))
    return "\n".join(line for _, _, line in sorted(lines))


def read_reasons(reply: Reply, labels: Collection[str]) -> list[Item]:
    """The candidates that a reply holds to be entities, in order. A line that the token limit broke off is left out.

    `label_probability` is that of the verdict times that of the type. A line that is no candidate counts for nothing.
    """
    text = reply.text
    if reply.outcome is Outcome.CUT:
        text = text[: text.rfind("\n") + 1]
    items = []
    for match in _LINE.finditer(text):
        if match["verdict"].lower() == "true":
            items.append(_item(reply, match, labels))
    return list({(item.text, item.label): item for item in reversed(items)}.values())[::-1]


def _item(reply: Reply, match: re.Match[str], labels: Collection[str]) -> Item:
    why = match["why"].rstrip(" \t.")
    label = next((label for label in labels if why.endswith(f"({label})")), None)
    if label is None and "(" in why and why.endswith(")"):
        label = why[why.rfind("(") + 1 : -1]
    surface = match["text"]
    sure = probability_of(reply.tokens, match.start("text"), match.end("text"))
    typed = probability_of(reply.tokens, match.start("verdict"), match.end("verdict"))
    if label is not None and typed is not None:
        end = match.start("why") + len(why) - 1
        typed *= probability_of(reply.tokens, end - len(label), end) or 0.0
    return Item(surface, label, sure, typed)
