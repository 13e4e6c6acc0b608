"""The labelled examples that demonstrations are taken from, and the types they know."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from el4ner.data import Example, Label, Span
from el4ner.errors import DataError
from el4ner.files import at_home
from el4ner.formats import FileLayout, Format, read_examples, read_labels
from el4ner.formats.label_names import quoted, tidy, tidy_labels, with_tidy_labels
from el4ner.formats.labels import names_labels
from el4ner.formats.offsets import fault
from el4ner.text.passage import show
from el4ner.text.words import script, splits_word

_HABIT = 0.05  # share of a script's entities that cut through a word from which on it is meant


@dataclass(frozen=True)
class Pool:
    """Labelled examples and the labels that may be given, in the order in which they are shown to models.

    Every example's entities are sorted by start, the longer first, then by label, and none stands there twice. Labels
    are without white space around them; those that no example has are allowed: they are asked for without one to learn
    from, and with labels alone texts are read without demonstrations. Raises `DataError` for offsets that cannot be, a
    label that `labels` lacks, a label given twice or that cannot be one, and a pool without any label.
    """

    examples: tuple[Example, ...]
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "labels", tidy_labels(self.labels))
        except ValueError as error:
            raise DataError(str(error)) from None
        known = {label.name for label in self.labels}
        for example in self.examples:
            _check(example, known)
        if not self.labels:
            raise DataError("the pool holds no labelled entity, and no types are named; add examples with entities")
        object.__setattr__(self, "examples", tuple(map(_tidy, self.examples)))

    @classmethod
    def of(cls, examples: Iterable[Example], labels: Sequence[Label] | None = None) -> Pool:
        """A pool of these examples; without `labels`, those that occur, the most frequent first, then by name."""
        held = tuple(examples)
        return cls(held, tuple(labels) if labels is not None else occurring(held))

    @classmethod
    def read(
        cls,
        path: str | Path,
        labels: str | Path | Sequence[Label] | None = None,
        format: Format | str | None = None,
        layout: FileLayout | None = None,
    ) -> Pool:
        """A pool from a JSONL or CoNLL file, or from a data set's folder: its train.jsonl, the labels of its meta.json.

        `labels` are given as such or as a file (see `formats.read_labels`). Raises `DataError`.
        """
        file, given = at_home(path), labels
        if file.is_dir():
            given = file / "meta.json" if given is None and names_labels(file / "meta.json") else given
            file = file / "train.jsonl"
        known = read_labels(given) if isinstance(given, str | Path) else given
        examples = read_examples(file, format, layout)
        try:
            return cls.of(examples, known)
        except DataError as error:
            raise DataError(f"{file}: {error}") from None

    def without(self, texts: Iterable[str]) -> Pool:
        """The same pool without the examples whose text is, verbatim, among `texts`. The labels stay."""
        out = set(texts)
        return replace(self, examples=tuple(e for e in self.examples if e.text not in out))

    @cached_property
    def places(self) -> Mapping[str, list[int]]:
        """Where the examples stand that look the same to a model (see `passage.show`), by what they look like."""
        found: dict[str, list[int]] = {}
        for at, example in enumerate(self.examples):
            found.setdefault(show(example.text), []).append(at)
        return found

    @cached_property
    def cut_scripts(self) -> frozenset[str]:
        """The scripts in which entities of the pool begin or end within a word as a habit, and not by a slip."""
        edges, cut = Counter[str](), Counter[str]()
        for example in self.examples:
            for span in example.entities:
                written = script(example.text[span.start])
                edges[written] += 1
                cut[written] += splits_word(example.text, span.start) or splits_word(example.text, span.end)
        return frozenset(name for name, times in cut.items() if times > 1 and times >= _HABIT * edges[name])

    @cached_property
    def digest(self) -> str:
        """What identifies the pool's content: SHA-256 over examples and labels in their order, in hexadecimal."""
        return digest(self.examples, self.labels)


def digest(examples: Iterable[Example], labels: Iterable[Label] = ()) -> str:
    """SHA-256 over labels and examples in their order, in hexadecimal."""
    sha = hashlib.sha256()
    for label in labels:
        sha.update(_line(label.name, label.description))
    for example in examples:
        sha.update(_line(example.id, example.text, [[s.start, s.end, s.label] for s in example.entities]))
    return sha.hexdigest()


def _check(example: Example, known: set[str]) -> None:
    for span in example.entities:
        problem = fault(span.start, span.end, len(example.text))
        if problem or span.label is None:
            raise DataError(f"example {example.id!r}: an entity {problem or 'has no label; give it one'}")
        name = tidy(span.label)
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"known are {_listed(known)}"
            raise DataError(f"example {example.id!r} has the label {quoted(name)}, which the labels lack; {advice}")


def _listed(names: set[str]) -> str:
    first = ", ".join(sorted(names)[:8])
    return first + (", ..." if len(names) > 8 else "") if names else "none"


def _tidy(example: Example) -> Example:
    example = with_tidy_labels(example)
    entities = tuple(sorted(set(example.entities), key=_rank))
    return example if entities == example.entities else replace(example, entities=entities)


def _rank(span: Span) -> tuple[int, int, str]:
    return span.start, -span.end, span.label or ""


def occurring(examples: Iterable[Example]) -> tuple[Label, ...]:
    """The labels that examples have, the most frequent first, then by name."""
    spans = (span for example in examples for span in set(with_tidy_labels(example).entities))
    counts = Counter(span.label for span in spans if span.label is not None)
    return tuple(Label(name) for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _line(*content: object) -> bytes:
    return json.dumps(content).encode() + b"\n"
