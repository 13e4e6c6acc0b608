"""The mistakes of a run as words and numbers, which the terminal and the page both draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from el4ner.evaluate.mistakes.confusion import Confusion, confusion
from el4ner.evaluate.mistakes.match import Kind
from el4ner.evaluate.mistakes.mistakes import Case, Mistakes, mistakes
from el4ner.evaluate.run import Run

FREQUENT = 10
_KINDS = (Kind.TYPE, Kind.BOUNDARY, Kind.BOTH, Kind.MISSED, Kind.SPURIOUS)
_WORDS = ("type", "boundary", "both", "missed", "spurious")
_STAGES = (
    "extraction: no member proposed it, or one proposed what is no entity; classification: another type was elected, or"
    " none; verification: refused; decision: too few proposers, below the threshold, or lost to an overlap"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its title: the first `words` columns hold words, the others numbers. `note` goes below the title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    note: str = ""


def sections(run: Run) -> tuple[Section, ...]:
    """Kinds by type, stages, frequent confusions, and members where they differed; without those that are empty."""
    told = mistakes(run.texts)
    confused = confusion(run.judged(), [label.name for label in run.labels])
    made = (_types(told), _origins(told), _confusions(confused), _members(told))
    return tuple(section for section in made if section.rows)


def heading(texts: int, shown: int, kind: Kind | None) -> str:
    """What stands above the texts: how many hold mistakes, and how many of them follow."""
    what = "mistakes" if kind is None else f"mistakes ({kind.words})"
    return f"Texts with {what}: {f'the worst {shown:,} of ' if 0 < shown < texts else ''}{texts:,}"


def summary(case: Case, text: str) -> tuple[str, str, str, str]:
    """A mistake in words: its kind, gold, what was found, and the stage it arose in."""
    kind, gold, found = case.pair.kind, case.pair.gold, case.pair.found
    mentions = [f"{text[m.start : m.end]} ({m.label})" if m else "" for m in (gold, found)]
    return kind.words if kind else "right", mentions[0], mentions[1], case.origin or ""


def _types(told: Mistakes) -> Section:
    rows = [(label, *_counts(counts, right=True)) for label, counts in told.types.items()]
    columns = ("type", "right", *_WORDS)
    return Section("Right and wrong, by type", columns, (*rows, ("all", *_counts(told.kinds, right=True))))


def _origins(told: Mistakes) -> Section:
    rows = [(origin, *_counts(counts), f"{sum(counts.values()):,}") for origin, counts in told.origins.items()]
    split = sum(told.split[kind] for kind in _KINDS)
    differed = ("members differed", *_counts(told.split), f"{split:,}")
    return Section("Where mistakes arose", ("stage", *_WORDS, "all"), (*rows, differed), note=_STAGES)


def _confusions(confused: Confusion) -> Section:
    pairs = confused.frequent()
    title = "Types taken for others, at the right place"
    if len(pairs) > FREQUENT:
        title += f": the {FREQUENT} most frequent pairs of {len(pairs)}"
    rows = tuple((gold, found, f"{count:,}") for gold, found, count in pairs[:FREQUENT])
    return Section(title, ("gold", "found", "times"), rows, words=2)


def _members(told: Mistakes) -> Section:
    rows = tuple((m, f"{d.differed:,}", f"{d.outvoted:,}", f"{d.rightly:,}") for m, d in told.dissent.items())
    return Section("Members, where they voted differently", ("member", "candidates", "outvoted", "though right"), rows)


def _counts(counts: Mapping[Kind | None, int], right: bool = False) -> Iterator[str]:
    for kind in (*((None,) if right else ()), *_KINDS):
        yield f"{counts.get(kind, 0):,}"
