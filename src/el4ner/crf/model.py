"""A conditional random field over words, learnt from a pool in seconds.

It is the plug-in of SuperICL (arXiv 2305.08848): not good, but sure of other things than a language model is. Words are
those of `el4ner.text.words`, in any script; features are a word, its shape, its endings, its neighbours, and parts of
speech where the text is English. Tags are B-, I- and O, so that of nested entities the outermost is learnt.

Training is L-BFGS from zero, which is the same on every run; crfsuite's quicker ways shuffle by a generator that cannot
be seeded.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from el4ner.data import Example, Span
from el4ner.errors import MissingExtraError
from el4ner.formats.bio import decode, encode, parse
from el4ner.text.passage import passage
from el4ner.text.pos_tagger import default_pos_tagger, features
from el4ner.text.words import words

# A hundred iterations for small pools, fewer for large ones, and at most so many words, from texts at even distances.
# wnut17 (81,000 words): F1 on dev .288 after 100 iterations in 10 s, .264 after 50. genia (455,000): .681 after 50 in
# 19 s, .669 after 30; .665 after 100 on 200,000 of the words. A fold costs nearly as much as the whole.
_MOST = 500_000
_ITERATIONS = (40, 100)
_WORK = 20_000_000  # words times iterations
_COST = 50_000_000_000  # the same times pairs of tags: about 20 s. Of a few dozen labels nothing is left out by it


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
        pairs = (2 * len(labels) + 1) ** 2
        chosen, total = _some(examples, min(_MOST, _COST // (_ITERATIONS[0] * pairs)))
        if len(chosen) < len(examples) and total < _MOST:
            warnings.warn(
                f"the random field learns from {len(chosen):,} of the pool's {len(examples):,} examples: with"
                f" {len(labels):,} labels all would take too long; leave out [crf], or use fewer labels",
                stacklevel=2,
            )
        work = min(_WORK // max(1, total), _COST // (max(1, total) * pairs))
        how = {"c1": 0.05, "c2": 0.01, "max_iterations": sorted((*_ITERATIONS, work))[1]}
        trainer = pycrfsuite.Trainer("lbfgs", how, verbose=False)
        for example in chosen:
            seen = passage(example.text)
            found = words(seen.shown)
            if found:
                starts = [seen.origin[word.start] for word in found]
                trainer.append(_features(seen.shown, found), encode(starts, _numbered(example.entities, labels)))
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
        for run in decode(filter(None, map(parse, tags))):
            span = Span(found[run.start].start, found[run.end - 1].end, self._labels[int(run.label or 0)])
            guesses.append(Guess(span, min(1.0, *sure[run.start : run.end])))
        return tuple(guesses)


def _some(examples: Sequence[Example], most: int) -> tuple[Sequence[Example], int]:
    """All examples, or as many at even distances as hold about `most` words; and how many words these hold."""
    total = sum(len(words(example.text)) for example in examples)
    if total <= most:
        return examples, total
    count = max(1, len(examples) * most // total)
    return [examples[i * len(examples) // count] for i in range(count)], most


def _features(shown: str, found: Sequence[Span]) -> list[list[str]]:
    surfaces = [shown[word.start : word.end] for word in found]
    tagger = default_pos_tagger()
    speech = tagger.tag(surfaces) if tagger.reads(surfaces) else ["?"] * len(found)
    around = ["<", *speech, ">"]
    return [
        [*names, f"p={around[i + 1]}", f"-1p={around[i]}", f"+1p={around[i + 2]}"]
        for i, names in enumerate(features(surfaces))
    ]


def _numbered(entities: Iterable[Span], labels: Sequence[str]) -> Iterator[Span]:
    return (Span(e.start, e.end, str(labels.index(e.label))) for e in entities if e.label is not None)
