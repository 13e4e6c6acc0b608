"""Recipes against data sets: a row a recipe, a column a data set, the first recipe what the others are compared with.

A cell pools the runs of all seeds: micro-F1 over all their texts. What the bootstrap draws is texts: one that several
seeds have drawn stands there once, with its counts added up, since its answers are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from el4ner.ensemble.costs import Failure
from el4ner.errors import DataError
from el4ner.evaluate.bootstrap import Comparison, Interval, comparison, drawn_f1, middle
from el4ner.evaluate.holm import holm
from el4ner.evaluate.report import Bill, Report, report
from el4ner.evaluate.run import Run, Setup
from el4ner.evaluate.score import Counts, Score, counts

DRAWS = 10_000  # a p-value is at least 1 / draws, and Holm's correction multiplies it
RecipeAndData = tuple[str, str]
Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a table needs of a run: `texts` says which text (id and text) each row of the strict `counts` is of."""

    setup: Setup
    report: Report
    texts: tuple[tuple[str, str], ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that came to nothing, and why."""

    setup: Setup
    reason: str


Outcome = Result | Failed


@dataclass(frozen=True, slots=True)
class Cell:
    """One recipe on one data set.

    `texts` counts those of all seeds. `candidates` is the union of stage 2, as spans: its recall is the ceiling.
    `comparison` is this recipe minus the first one, and `corrected` its p after Holm over all comparisons of the
    table; None in the first row, and where the first recipe has no result. `failures`: members that did not answer all.
    """

    recipe: str
    data: str
    seeds: tuple[int, ...]
    texts: int
    strict: Score
    spans: Score
    surface: Score
    candidates: Score
    interval: Interval
    bill: Bill
    comparison: Comparison | None = None
    corrected: float | None = None
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Mean:
    """A recipe's strict F1, averaged over all data sets of the table."""

    recipe: str
    f1: float
    interval: Interval
    comparison: Comparison | None = None
    corrected: float | None = None


@dataclass(frozen=True)
class Table:
    """What came out. A place without a cell or a reason in `failed` was not run; a recipe has a mean if it has all.

    A failed seed fails its cell: over other texts than its neighbours it would say something else.
    """

    recipes: tuple[str, ...]
    data: tuple[str, ...]
    cells: Mapping[RecipeAndData, Cell]
    means: Mapping[str, Mean]
    failed: Mapping[RecipeAndData, str]
    results: tuple[Result, ...]

    @property
    def compared(self) -> list[Comparison]:
        """Whose p-values are corrected together: those of the cells, then of the means."""
        cells = [cell.comparison for cell in self.cells.values() if cell.comparison]
        return cells + [mean.comparison for mean in self.means.values() if mean.comparison]


def result(run: Run) -> Result:
    """Score a run, and leave its evidence behind."""
    texts = tuple((one.annotation.id, one.annotation.text) for one in run.texts)
    return Result(run.setup, report(run), texts, counts(run.judged()))


def tabulate(outcomes: Iterable[Outcome]) -> Table:
    """The table of these runs; rows and columns in the order in which they come.

    Raises `DataError` where the runs of a column are not of the same texts: what differs cannot be paired.
    """
    groups: dict[RecipeAndData, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.setup.recipe.name, one.setup.data), []).append(one)
    recipes, data = (tuple(dict.fromkeys(place[axis] for place in groups)) for axis in (0, 1))
    failed: dict[RecipeAndData, str] = {}
    held: dict[RecipeAndData, list[Result]] = {}
    for place, group in groups.items():
        reasons = [one.reason for one in group if isinstance(one, Failed)]
        if reasons:
            failed[place] = reasons[0]
        else:
            held[place] = [one for one in group if isinstance(one, Result)]
    cells: dict[RecipeAndData, Cell] = {}
    columns: dict[str, dict[str, Draws]] = {}
    for name in data:
        column = {recipe: held[recipe, name] for recipe in recipes if (recipe, name) in held}
        columns[name] = _draws(column)
        cells |= _column(name, column, columns[name], recipes[0])
    means = _means(recipes, cells, columns) if len(data) > 1 else {}
    results = tuple(one for group in held.values() for one in group)
    return _corrected(Table(recipes, data, cells, means, failed, results))


def _draws(column: Mapping[str, Sequence[Result]]) -> dict[str, Draws]:
    """The F1 of each recipe on every draw; a draw takes the same texts for all of them."""
    if not column:
        return {}
    first = next(iter(column))
    for recipe, group in column.items():
        _check(recipe, group, first, column[first])
    tables = [by_text(group) for group in column.values()]
    order = list(tables[0])
    drawn = drawn_f1([np.array([table[text] for text in order]) for table in tables], DRAWS)
    return dict(zip(column, drawn, strict=True))


def _check(recipe: str, group: Sequence[Result], first: str, other: Sequence[Result]) -> None:
    setup = group[0].setup
    if any(one.setup.recipe != setup.recipe for one in group):
        raise DataError(f"{recipe} on {setup.data}: its seeds were run with different settings; run them again")
    if _texts(group) != _texts(other):
        raise DataError(
            f"{recipe} and {first} were not run on the same texts of {setup.data} ({_drawn(group)} against"
            f" {_drawn(other)}), and cannot be compared; run both with the same --split, --limit and --seeds"
        )


def _texts(group: Sequence[Result]) -> set[tuple[int, str]]:
    return {(one.setup.seed, one.setup.texts) for one in group}


def _drawn(group: Sequence[Result]) -> str:
    """Which texts, in words."""
    setup, seeds = group[0].setup, ", ".join(str(one.setup.seed) for one in group)
    return f"{len(group[0].texts):,} texts of {setup.split}, limit {setup.limit or 'none'}, seed {seeds}"


def by_text(group: Sequence[Result]) -> dict[tuple[str, str], Counts]:
    """Counts of each text (its id and text) over all seeds: right, found and gold, shape (3,)."""
    table: dict[tuple[str, str], Counts] = {}
    for one in group:
        for text, row in zip(one.texts, one.counts, strict=True):
            table[text] = table[text] + row if text in table else row
    return table


def _column(
    name: str, column: Mapping[str, Sequence[Result]], draws: Mapping[str, Draws], first: str
) -> dict[RecipeAndData, Cell]:
    cells: dict[RecipeAndData, Cell] = {}
    for recipe, group in column.items():
        cell = _cell(group, middle(draws[recipe]))
        if recipe != first and first in column:
            difference = cell.strict.f1 - cells[first, name].strict.f1
            cell = replace(cell, comparison=comparison(difference, draws[recipe] - draws[first]))
        cells[recipe, name] = cell
    return cells


def _cell(group: Sequence[Result], interval: Interval) -> Cell:
    setup, reports = group[0].setup, [one.report for one in group]
    return Cell(
        setup.recipe.name,
        setup.data,
        tuple(one.setup.seed for one in group),
        sum(one.texts for one in reports),
        _sum(one.scores.strict for one in reports),
        _sum(one.scores.spans for one in reports),
        _sum(one.scores.surface for one in reports),
        _sum(one.stages.candidates for one in reports),
        interval,
        _bill([one.bill for one in reports]),
        failures=tuple(failure for one in reports for failure in one.failures),
    )


def _sum(scores: Iterable[Score]) -> Score:
    parts = list(scores)
    return Score(sum(p.right for p in parts), sum(p.found for p in parts), sum(p.gold for p in parts))


def _bill(bills: Sequence[Bill]) -> Bill:
    """All seeds together; the models are the same ones, those that answered for any seed."""
    names = [field.name for field in fields(Bill) if field.name != "parameters"]
    sums = {name: sum(getattr(bill, name) for bill in bills) for name in names}
    known = [bill.parameters for bill in bills if bill.parameters is not None]
    return Bill(**sums, parameters=max(known) if len(known) == len(bills) else None)


def _means(
    recipes: Sequence[str], cells: Mapping[RecipeAndData, Cell], columns: Mapping[str, Mapping[str, Draws]]
) -> dict[str, Mean]:
    """Draws of different data sets are made independent of each other before they are averaged: by a shuffle, the same
    for all recipes. They come from the same random numbers, so that a cell does not depend on its neighbours."""
    whole = [recipe for recipe in recipes if all(recipe in column for column in columns.values())]
    seeds = [crc32(data.encode(errors="surrogatepass")) for data in columns]
    orders = [np.random.default_rng(seed).permutation(DRAWS) for seed in seeds]
    drawn = {
        recipe: np.mean([column[recipe][order] for column, order in zip(columns.values(), orders, strict=True)], axis=0)
        for recipe in whole
    }
    f1 = {recipe: float(np.mean([cells[recipe, data].strict.f1 for data in columns])) for recipe in whole}
    means = {recipe: Mean(recipe, f1[recipe], middle(drawn[recipe])) for recipe in whole}
    first = recipes[0]
    for recipe in whole:
        if first in drawn and recipe != first:
            found = comparison(f1[recipe] - f1[first], drawn[recipe] - drawn[first])
            means[recipe] = replace(means[recipe], comparison=found)
    return means


def _corrected(table: Table) -> Table:
    """The same table with Holm's correction over all of its comparisons, the means' included."""
    values = iter(holm([one.p for one in table.compared]))
    cells = {place: replace(c, corrected=next(values)) if c.comparison else c for place, c in table.cells.items()}
    means = {recipe: replace(m, corrected=next(values)) if m.comparison else m for recipe, m in table.means.items()}
    return replace(table, cells=cells, means=means)
