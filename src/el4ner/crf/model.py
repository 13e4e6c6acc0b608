"""A conditional random field over words, learnt from a pool in seconds.

It is the plug-in of SuperICL (arXiv 2305.08848): not good, but sure of other things than a language model is. Words are
those of `el4ner.text.words`, in any script; features are a word, its shape, its endings, its neighbours, and parts of
speech where the text is English. Tags are B-, I- and O, so that of nested entities the outermost is learnt.

Training is L-BFGS from zero, which is the same on every run; crfsuite's quicker ways shuffle by a generator that cannot
be seeded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from el4ner.data import Example, Span
from el4ner.errors import MissingExtraError
from el4ner.text.passage import passage
from el4ner.text.pos_tagger import default_pos_tagger, features
from el4ner.text.words import words

_OUT = "O"
# A hundred iterations for small pools, fewer for large ones, and at most so many words, from texts at even distances.
# wnut17 (81,000 words): F1 on dev .288 after 100 iterations in 10 s, .264 after 50. genia (455,000): .681 after 50 in
# 19 s, .669 after 30; .665 after 100 on 200,000 of the words. A fold costs nearly as much as the whole.
_MOST = 500_000
_ITERATIONS = (40, 100)
_WORK = 20_000_000  # words times iterations


@dataclass(frozen=True, slots=True)
class Guess:
    """An entity that the field sees in a shown text. `confidence` is the least marginal probability of its words."""

    span: Span
    confidence: float


def require() -> str:
    """The name and version of what trains; `MissingExtraError` where it is not installed."""
    try:
        return f"python-crfsuite {version('python-crfsuite')}"
    except PackageNotFoundError as error:
        raise MissingExtraError("the random field is missing; run: pip install 'el4ner[tagger]'") from error


class Crf:
    """A trained random field. Use `Crf.train`."""

    def __init__(self, labels: Sequence[str], tagger: Any = None, weights: bytes = b"") -> None:
        self._labels = labels  # tags bear their numbers: crfsuite takes no name that is not UTF-8
        self._tagger = tagger
        self._weights = weights  # the tagger reads them in place and does not hold them

    @classmethod
    def train(cls, examples: Sequence[Example]) -> Crf:
        """Learn from labelled texts. Without any entity among them, it finds none."""
        require()
        import pycrfsuite

        labels = sorted({e.label for example in examples for e in example.entities if e.label is not None})
        if not labels:
            return cls(labels)
        chosen, total = _some(examples)
        how = {"c1": 0.05, "c2": 0.01, "max_iterations": sorted((*_ITERATIONS, _WORK // max(1, total)))[1]}
        trainer = pycrfsuite.Trainer("lbfgs", how, verbose=False)
        for example in chosen:
            seen = passage(example.text)
            found = words(seen.shown)
            if found:
                starts = [seen.origin[word.start] for word in found]
                trainer.append(_features(seen.shown, found), _tags(starts, example.entities, labels))
        with TemporaryDirectory() as folder:
            file = Path(folder) / "model.crf"
            trainer.train(str(file))
            weights = file.read_bytes()
        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(weights)
        return cls(labels, tagger, weights)

    def guess(self, shown: str) -> tuple[Guess, ...]:
        """The entities of a shown text, in order; they do not overlap."""
        found = words(shown)
        if self._tagger is None or not found:
            return ()
        tags = self._tagger.tag(_features(shown, found))
        sure = [self._tagger.marginal(tag, i) for i, tag in enumerate(tags)]
        guesses = []
        for first, after in _runs(tags):
            span = Span(found[first].start, found[after - 1].end, self._labels[int(tags[first][2:])])
            guesses.append(Guess(span, min(1.0, *sure[first:after])))
        return tuple(guesses)


def _some(examples: Sequence[Example]) -> tuple[Sequence[Example], int]:
    """All examples, or as many at even distances as hold about `_MOST` words; and how many words these hold."""
    total = sum(len(words(example.text)) for example in examples)
    if total <= _MOST:
        return examples, total
    count = max(1, len(examples) * _MOST // total)
    return [examples[i * len(examples) // count] for i in range(count)], _MOST


def _features(shown: str, found: Sequence[Span]) -> list[list[str]]:
    surfaces = [shown[word.start : word.end] for word in found]
    tagger = default_pos_tagger()
    speech = tagger.tag(surfaces) if tagger.reads(surfaces) else ["?"] * len(found)
    around = ["<", *speech, ">"]
    return [
        [*names, f"p={around[i + 1]}", f"-1p={around[i]}", f"+1p={around[i + 2]}"]
        for i, names in enumerate(features(surfaces))
    ]


def _tags(starts: Sequence[int], entities: Iterable[Span], labels: Sequence[str]) -> list[str]:
    """A tag for each word, by where it starts in the text as given. Of entities that overlap, the first and longest."""
    tags = [_OUT] * len(starts)
    for entity in sorted(entities, key=lambda e: (e.start, -e.end)):
        inside = [i for i, start in enumerate(starts) if entity.start <= start < entity.end]
        if entity.label is not None and inside and all(tags[i] == _OUT for i in inside):
            number = labels.index(entity.label)
            for i in inside:
                tags[i] = f"I-{number}"
            tags[inside[0]] = f"B-{number}"
    return tags


def _runs(tags: Sequence[str]) -> list[tuple[int, int]]:
    """First word and word after the last of each entity; an I- that continues nothing begins one."""
    runs: list[tuple[int, int]] = []
    for i, tag in enumerate(tags):
        goes_on = bool(runs) and runs[-1][1] == i and tag == f"I-{tags[runs[-1][0]][2:]}"
        if goes_on:
            runs[-1] = (runs[-1][0], i + 1)
        elif tag != _OUT:
            runs.append((i, i + 1))
    return runs
