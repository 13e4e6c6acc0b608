"""What is odd about a pool, said before any model is paid for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from el4ner.data import Example, Span
from el4ner.pool.aliases import Aliases
from el4ner.pool.alike import near, same
from el4ner.pool.pool import Pool
from el4ner.text.words import AFFIXING, cuts_through, splits_word

FEW = 3  # a label in fewer examples than this is rare
LONG = 2000  # characters of a text that would crowd the other demonstrations out of a small model's context
_SAID = 50  # pairs of names that are nearly the same: more say nothing new


class Severity(StrEnum):
    """How bad an oddity is: an error spoils results, a warning probably does, a note is only said."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something odd; `example` is the id of the example it is about, None if it is about the pool or a label."""

    severity: Severity
    example: str | None
    message: str


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many entities have a label, and how many examples hold one."""

    label: str
    entities: int
    examples: int


@dataclass(frozen=True, slots=True)
class PoolReport:
    """Counts and oddities. `nested` and `overlapping` count pairs of entities: one within the other, or crossing."""

    labels: tuple[LabelCount, ...]
    with_entities: int
    without_entities: int
    nested: int
    overlapping: int
    oddities: tuple[Oddity, ...]

    def of(self, severity: Severity) -> tuple[Oddity, ...]:
        """The oddities of one severity."""
        return tuple(oddity for oddity in self.oddities if oddity.severity is severity)


def check(pool: Pool) -> PoolReport:
    """Count and look over a pool: labels first, then its examples in order."""
    labels, scripts = tuple(_counts(pool)), AFFIXING | pool.cut_scripts
    pairs = [pair for example in pool.examples for pair in _touching(example)]
    nested = sum(a.within(b) or b.within(a) for a, b in pairs)
    filled = sum(bool(example.entities) for example in pool.examples)
    oddities = (
        *_odd_labels(labels),
        *_habits(pool),
        *_repeats(pool),
        *(f for e in pool.examples for f in _odd_example(e, scripts)),
    )
    return PoolReport(labels, filled, len(pool.examples) - filled, nested, len(pairs) - nested, oddities)


def _counts(pool: Pool) -> Iterator[LabelCount]:
    entities = Counter(span.label for example in pool.examples for span in example.entities)
    examples = Counter(label for example in pool.examples for label in {span.label for span in example.entities})
    for label in pool.labels:
        yield LabelCount(label.name, entities[label.name], examples[label.name])


def _touching(example: Example) -> Iterator[tuple[Span, Span]]:
    """The pairs of entities that share a character; entities are sorted by their start."""
    for i, span in enumerate(example.entities):
        for later in example.entities[i + 1 :]:
            if later.start >= span.end:
                break
            yield span, later


def _odd_labels(labels: tuple[LabelCount, ...]) -> Iterator[Oddity]:
    for count in labels:
        if not count.examples:
            yield Oddity(Severity.NOTE, None, f"label {count.label!r}: no example has it, it is asked for without one")
        elif count.examples < FEW:
            held = "1 example has it" if count.examples == 1 else f"{count.examples} examples have it"
            yield Oddity(Severity.WARNING, None, f"label {count.label!r}: only {held}; add some")
    yield from _odd_names([count.label for count in labels])


def _odd_names(names: Sequence[str]) -> Iterator[Oddity]:
    for name, alias in Aliases.of(names).changed.items():
        message = f"label {name!r}: models are shown {alias!r}, which they cannot misread; results say {name!r}"
        yield Oddity(Severity.NOTE, None, message)
    for a, b in same(names):
        yield Oddity(Severity.WARNING, None, f"labels {a!r} and {b!r}: two spellings of one? make them one")
    pairs = near(names)
    for a, b in islice(pairs, _SAID):
        yield Oddity(Severity.NOTE, None, f"labels {a!r} and {b!r}: nearly the same name; are both meant?")
    if next(pairs, None):
        yield Oddity(Severity.NOTE, None, f"more than {_SAID} pairs of labels have nearly the same name")


def _repeats(pool: Pool) -> Iterator[Oddity]:
    ids = Counter(example.id for example in pool.examples)
    for name, times in ids.items():
        if times > 1:
            yield Oddity(Severity.WARNING, name, f"{times} examples have this id; give each its own")
    same: dict[str, list[Example]] = defaultdict(list)
    for example in pool.examples:
        same[example.text].append(example)
    for first, *others in same.values():
        for other in others:
            if other.entities == first.entities:
                yield Oddity(Severity.NOTE, other.id, f"repeats the text and the labels of {first.id!r}")
            else:
                message = f"has the text of {first.id!r} with other labels; make them agree"
                yield Oddity(Severity.WARNING, other.id, message)


def _habits(pool: Pool) -> Iterator[Oddity]:
    """Entities that cut words as a habit: right where words carry endings, and what offsets off by one look like."""
    for name in sorted(pool.cut_scripts - AFFIXING):
        spans = [(example, span) for example in pool.examples for span in example.entities]
        cut = [(e, s) for e, s in spans if any(splits_word(e.text, at) for at in (s.start, s.end))]
        example, span = cut[0]
        shown = f"{_shown(example.text[span.start : span.end])}, followed by {_shown(example.text[span.end :][:8])}"
        message = (
            f"{len(cut):,} of {len(spans):,} entities begin or end within a word ({name.lower()}; {shown}): right where"
            " words carry endings; else, are the ends inclusive? they should be the offset after the last character"
        )
        yield Oddity(Severity.WARNING, example.id, message)


def _odd_example(example: Example, scripts: Collection[str]) -> Iterator[Oddity]:
    if len(example.text) > LONG:
        message = f"{len(example.text)} characters long: crowds out other demonstrations; cut it into sentences"
        yield Oddity(Severity.WARNING, example.id, message)
    for span in example.entities:
        mention = example.text[span.start : span.end]
        said = f"{_shown(mention)} ({span.label}, {span.start} to {span.end})"
        if not mention.strip():
            yield Oddity(Severity.ERROR, example.id, f"{said} is nothing but white space; remove it")
        elif mention != mention.strip():
            yield Oddity(Severity.WARNING, example.id, f"{said} begins or ends with white space; trim it")
        if any(cuts_through(example.text, at, scripts) for at in (span.start, span.end)):
            yield Oddity(Severity.WARNING, example.id, f"{said} cuts through a word; are the offsets right?")


def _shown(mention: str) -> str:
    return repr(mention if len(mention) <= 40 else mention[:39] + "…")
