"""Spans that could be names, by part of speech alone: the cheap stand-in for pre-extraction by members."""

from __future__ import annotations

from itertools import groupby

from el4ner.data import Span
from el4ner.text.pos_tagger import default_pos_tagger
from el4ner.text.words import words

_INSIDE = ("PROPN", "NOUN", "ADJ", "NUM", "X")
_HEAD = ("PROPN", "NOUN", "X")
_JOINTS = ("-", "/", "'", "’", "&")


def phrases(text: str) -> list[Span]:
    """Longest runs of nouns, names, adjectives and numbers that hold a noun or a name, in order.

    Empty for a text that the tagger, which knows English, cannot read: retrieval then compares whole texts.
    """
    found = words(text)
    surfaces = [text[s.start : s.end] for s in found]
    tagger = default_pos_tagger()
    if not found or not tagger.reads(surfaces):
        return []
    tags = tagger.tag(surfaces)
    inside = [tag in _INSIDE for tag in tags]
    for i in range(1, len(found) - 1):  # "C-reactive": a hyphen between two words that it joins
        tight = found[i - 1].end == found[i].start and found[i].end == found[i + 1].start
        inside[i] |= surfaces[i] in _JOINTS and tight and inside[i - 1]
    runs: list[Span] = []
    for kept, group in groupby(range(len(found)), key=inside.__getitem__):
        run = list(group)
        while kept and surfaces[run[-1]] in _JOINTS and len(run) > 1:
            run.pop()
        if kept and any(tags[i] in _HEAD for i in run):
            runs.append(Span(found[run[0]].start, found[run[-1]].end))
    return runs
