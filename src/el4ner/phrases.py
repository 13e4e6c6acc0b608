"""Spans that could be names, by part of speech alone: the cheap stand-in for pre-extraction by members."""

from __future__ import annotations

from el4ner.data import Span
from el4ner.tagger import default_tagger
from el4ner.words import words

_INSIDE = ("PROPN", "NOUN", "ADJ", "NUM", "X")
_HEAD = ("PROPN", "NOUN", "X")


def phrases(text: str) -> list[Span]:
    """Longest runs of nouns, names, adjectives and numbers that hold a noun or a name, in order.

    Empty for a text that the tagger, which knows English, cannot read: retrieval then compares whole texts.
    """
    found = words(text)
    surfaces = [text[s.start : s.end] for s in found]
    tagger = default_tagger()
    if not found or not tagger.reads(surfaces):
        return []
    tags = tagger.tag(surfaces)
    runs: list[Span] = []
    first: int | None = None
    for i in range(len(found) + 1):
        inside = i < len(found) and tags[i] in _INSIDE
        if inside and first is None:
            first = i
        elif not inside and first is not None:
            if any(tag in _HEAD for tag in tags[first:i]):
                runs.append(Span(found[first].start, found[i - 1].end))
            first = None
    return runs
