"""Parts of speech of English words: a linear model over a word, its endings, its casing and its neighbours.

The model is an averaged perceptron (averaged stochastic gradient on the hinge loss, one against the rest) with weights
of one byte, so tagging is a table look-up and a sum of integers: numpy only, offline, the same on every machine. There
are no features of earlier tags: every word of a text is decided at once. `scripts/train_pos_tagger.py` makes the
weights; `assets/pos_tagger/README.md` says from what, and how good they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ASSET = Path(__file__).parents[1] / "assets" / "pos_tagger" / "pos_tagger.npz"
_BLOCK = 4096  # words scored at once; bounds the memory that a long document takes
_FEW = 5  # below so many alphabetic words, the share of known ones says nothing about the language
_KNOWN = 0.3  # below it are 97 % of German, 72 % of Spanish, 1 to 11 % of English texts (README beside the weights)


@dataclass(frozen=True, slots=True)
class PosTagger:
    """Universal part-of-speech tagger for English. `weights` has a row for each feature, a column for each tag."""

    tags: tuple[str, ...]
    index: dict[str, int]
    weights: NDArray[np.int16]
    bias: NDArray[np.int32]
    known: frozenset[str]

    @classmethod
    def load(cls, path: Path) -> PosTagger:
        """The tagger that `scripts/train_pos_tagger.py` wrote to `path`; a missing file is an OSError."""
        with np.load(path, allow_pickle=False) as file:
            tags, names, known = (bytes(file[key]).decode().split("\n") for key in ("tags", "features", "known"))
            weights, bias = file["weights"].astype(np.int16), file["bias"]
        return cls(tuple(tags), {name: i for i, name in enumerate(names)}, weights, bias, frozenset(known))

    def tag(self, words: Sequence[str]) -> list[str]:
        """One UPOS tag (PROPN, NOUN, PRON, VERB ...) a word; the words must be those of a whole text, in order."""
        found = [[i for f in fs if (i := self.index.get(f)) is not None] for fs in features(words)]
        best: list[int] = []
        for at in range(0, len(found), _BLOCK):
            block = found[at : at + _BLOCK]
            # Row 0 is zero and goes to every word, so that no segment of the sum is empty.
            ends = np.cumsum([0] + [len(ids) + 1 for ids in block])
            rows = np.fromiter((i for ids in block for i in (0, *ids)), dtype=np.intp, count=int(ends[-1]))
            scores = np.add.reduceat(self.weights[rows], ends[:-1], axis=0, dtype=np.int32) + self.bias
            best += scores.argmax(axis=1).tolist()
        tags = [self.tags[i] for i in best]
        # Handles (@paulwalk) are names in the training texts too, but those hold too few to learn it.
        for i, word in enumerate(words[1:], start=1):
            if words[i - 1] == "@" and word[:1].isalpha() and word.lower() not in self.known:
                tags[i] = "PROPN"
        return tags

    def reads(self, words: Sequence[str]) -> bool:
        """Whether the words look like English, the tagger's language.

        They do if at least half of the alphabetic ones hold a Latin letter and, where there are five or more, three in
        ten are words that were frequent in training.
        """
        letters = [w.lower() for w in words if w.isalpha()]
        if 2 * sum(not _has_latin(w) for w in letters) > len(letters):
            return False
        return len(letters) < _FEW or sum(w in self.known for w in letters) >= _KNOWN * len(letters)


@cache
def default_pos_tagger() -> PosTagger:
    """The tagger that el4ner ships, loaded once."""
    return PosTagger.load(ASSET)


def features(words: Sequence[str]) -> Iterator[list[str]]:
    """The names of the features of each word; what the tagger knows of a text."""
    style = _style(words)
    low = ["<", "<", *(_plain(w) for w in words), ">", ">"]
    # Casing is told together with the text's style: a small letter means nothing where all letters are small.
    shapes = ["<", "<", *(style + _shape(w) for w in words), ">", ">"]
    for i in range(2, len(low) - 2):
        word, shape, before, after = low[i], shapes[i], low[i - 1], low[i + 1]
        names = [
            f"w={word}",
            f"s={shape}",
            f"-1={before}",
            f"+1={after}",
            f"-2={low[i - 2]}",
            f"+2={low[i + 2]}",
            f"-1w={before} {word}",
            f"-1e={before[-3:]}",
            f"+1e={after[-3:]}",
            f"-1s={shapes[i - 1]} {shape}",
            f"+1s={shape} {shapes[i + 1]}",
        ]
        if i == 2:
            names.append(f"1s={shape}")
        if len(word) > 1:
            names.append(f"e1={word[-1]}")
        if len(word) > 2:
            names.append(f"e2={word[-2:]}")
        if len(word) > 3:
            names += (f"e3={word[-3:]}", f"b3={word[:3]}", f"e3s={word[-3:]} {shape}")
        if len(word) > 4:
            names += (f"e4={word[-4:]}", f"b2={word[:2]}")
        yield names


def _plain(word: str) -> str:
    """Small letters, every digit a 0; the tail of an endless word tells nothing more."""
    return "".join("0" if c.isdigit() else c for c in word[:24].lower())


def _shape(word: str) -> str:
    if word.isdigit():
        return "0"
    if not any(c.isalpha() for c in word):
        return "."
    if word.islower():
        return "x"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx" if word[:1].isupper() and word[1:].islower() else "xX"


def _style(words: Sequence[str]) -> str:
    """How the text is written: (l)ower, (U)pper, (T)itle case, or (m)ixed as usual."""
    letters = [w for w in words if w[:1].isalpha()]
    capitals = sum(w[0].isupper() for w in letters)
    if not capitals:
        return "l"
    if 10 * sum(w.isupper() for w in letters) > 7 * len(letters):
        return "U"
    return "T" if 10 * capitals > 7 * len(letters) and len(letters) > 2 else "m"


def _has_latin(word: str) -> bool:
    return any("a" <= c <= "z" for c in word)
