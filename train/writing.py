"""How the texts of an episode are written: joined, without a tokenizer's spaces, in small letters."""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace

from sets import Corpus

from el4ner.data import Example, Span


def joined(examples: Sequence[Example], gap: str) -> Example:
    """Texts that follow each other as one."""
    text, entities = "", []
    for example in examples:
        text += gap if text else ""
        entities += [Span(e.start + len(text), e.end + len(text), e.label) for e in example.entities]
        text += example.text
    return Example(examples[0].id, text, tuple(entities))


def reshaping(corpus: Corpus, dice: random.Random) -> Callable[[Example], Example]:
    """How one episode's texts are written: as they are, without the tokenizer's spaces, in small letters."""
    spaced = corpus.join and dice.random() >= 0.3
    small = corpus.language != "zh" and dice.random() < 0.08

    def reshape(example: Example) -> Example:
        if not spaced and corpus.join:
            example = untokenised(example, corpus.language)
        if small and len(example.text.lower()) == len(example.text):
            example = replace(example, text=example.text.lower())
        return example

    return reshape


_NO_SPACE_BEFORE = re.compile(r" (?=[.,;:!?%)\]}]|'(?: ?(?:s|re|ve|ll|d|m)\b)|n't\b)")
_NO_SPACE_AFTER = re.compile(r"(?<=[(\[{$#@]) |(?<=\w') (?=(?:s|re|ve|ll|d|m|t)\b)|(?<= ') (?=(?:s|re|ve|ll)\b)")
_HYPHEN = re.compile(r"(?<=\w) (?=[-/] \w)|(?<=\w [-/]) (?=\w)")


def untokenised(example: Example, language: str) -> Example:
    """The text as people write it: without the spaces that a tokenizer put around punctuation. Roughly."""
    text = example.text
    gone = {m.start() for p in (_NO_SPACE_BEFORE, _NO_SPACE_AFTER) for m in p.finditer(text)}
    if language == "en":
        gone |= {m.start() for m in _HYPHEN.finditer(text)}
    edges = {e.start for e in example.entities}
    cuts = sorted(gone - edges)
    if not cuts:
        return example
    out = set(cuts)

    def moved(at: int) -> int:
        return at - bisect_left(cuts, at)

    entities = tuple(Span(moved(e.start), moved(e.end), e.label) for e in example.entities)
    return replace(example, text="".join(c for i, c in enumerate(text) if i not in out), entities=entities)
