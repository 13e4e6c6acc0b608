"""Tables as Markdown, CSV and JSON. Names of recipes and data sets are others' words: they are made harmless."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

from pydantic import TypeAdapter
from rich.cells import cell_len

from el4ner.ensemble.costs import Failure
from el4ner.evaluate.bootstrap import Comparison, Interval
from el4ner.evaluate.report import as_json
from el4ner.evaluate.run import Setup
from el4ner.evaluate.table import DRAWS, Cell, Mean, Table
from el4ner.text.printable import one_line

LEVEL = 0.05
_DAGGER = " †"
_DEGRADED = "† degraded: members failed, so that this is not the score of the recipe as it stands."
_SECONDS = (
    "Ceiling: recall of the candidates, as spans. Tokens: of all answers, those from the reply store included. Seconds:"
    " of these runs alone, which what the store knew cost nothing."
)
_SETUP = TypeAdapter(Setup)
_MARKS = re.compile(r"[\\`*{}\[\]<>|#~&$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word means nothing
_BILL = ("asked", "calls", "stored", "prompt", "cached", "generated", "seconds", "parameters")
_COUNTS = ("strict", "spans", "surface", "candidates")
_CSV = (
    *("recipe", "data", "state", "reason", "seeds", "texts"),
    *("f1", "low", "high", "difference", "difference_low", "difference_high", "p", "p_holm"),
    *(f"{name}_{part}" for name in _COUNTS for part in ("precision", "recall", "f1", "right", "found", "gold")),
    *("prompt_a_text", "generated_a_text", *_BILL, "failed"),
)


def to_markdown(table: Table) -> str:
    """Strict F1 with what differs from the first recipe, the details, and the reasons of failures."""
    parts = [scores(table), grid(*_details(table)), _SECONDS]
    parts += [
        f"† {escaped(f'{recipe} on {data}: {one.member} failed in {one.failed:,} of {one.calls:,} calls: {_why(one)}')}"
        for (recipe, data), cell in table.cells.items()
        for one in cell.failures
    ]
    parts += [f"Failed: {escaped(f'{recipe} on {data}: {why}')}" for (recipe, data), why in table.failed.items()]
    return "\n\n".join(part for part in parts if part) + "\n"


def scores(table: Table) -> str:
    """The first part of it: a row a recipe, a column a data set, and what the marks mean."""
    return "\n\n".join(part for part in (grid(*_scores(table)), _note(table)) if part)


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are Markdown already (names `escaped`); all columns but the first to the right."""
    lines = [header, *rows]
    widths = [max(3, *(cell_len(line[i]) for line in lines)) for i in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(_padded(line, widths))} |" for line in (lines[0], rule, *lines[1:]))


def escaped(text: str) -> str:
    """A name or reason as it stands in Markdown: on one line, without any markup."""
    return _MARKS.sub(r"\\\g<0>", one_line(text, 1000))


def to_csv(table: Table) -> str:
    """A line a cell, and a line a mean (its data set is empty), with all numbers. RFC 4180; no field is a formula."""
    out = StringIO()
    writer = csv.DictWriter(out, _CSV, restval="", lineterminator="\r\n")
    writer.writeheader()
    for recipe in table.recipes:
        for data in table.data:
            writer.writerow({"recipe": _inert(recipe), "data": _inert(data), **_line(table, recipe, data)})
        if mean := table.means.get(recipe):
            numbers = {"f1": mean.f1, **_significance(mean)}
            writer.writerow({"recipe": _inert(recipe), "state": "mean", **numbers})
    return out.getvalue()


def to_json(table: Table) -> str:
    """JSON with everything: cells, means, failures, and each run's setup and report."""
    runs = [
        {"setup": _SETUP.dump_python(one.setup, mode="json"), "report": as_json(one.report)} for one in table.results
    ]
    whole = {
        "first": table.recipes[0] if table.recipes else None,
        "recipes": table.recipes,
        "data": table.data,
        "draws": DRAWS,
        "comparisons": len(table.compared),
        "cells": [as_json(cell) for cell in table.cells.values()],
        "means": [as_json(mean) for mean in table.means.values()],
        "failed": [{"recipe": recipe, "data": data, "reason": why} for (recipe, data), why in table.failed.items()],
        "runs": runs,
    }
    return json.dumps(whole, indent=1) + "\n"


def with_interval(f1: float, interval: Interval) -> str:
    """0.269 [0.218, 0.323]."""
    return f"{f1:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def parameters(count: int | None) -> str:
    """Weights, in billions."""
    return "unknown" if count is None else f"{count / 1e9:.3g} B"


def _scores(table: Table) -> tuple[list[str], list[list[str]]]:
    rows = []
    for recipe in table.recipes:
        row = [escaped(recipe), *(_place(table, recipe, data) for data in table.data)]
        if table.means:
            mean = table.means.get(recipe)
            amiss = any(table.cells[recipe, data].failures for data in table.data) if mean else False
            row.append(with_interval(mean.f1, mean.interval) + _mark(mean) + _DAGGER * amiss if mean else "")
        rows.append(row)
    return ["strict F1", *map(escaped, table.data), *(["mean"] if table.means else [])], rows


def _place(table: Table, recipe: str, data: str) -> str:
    cell = table.cells.get((recipe, data))
    if cell is None:
        return "failed" if (recipe, data) in table.failed else "not run"
    return with_interval(cell.strict.f1, cell.interval) + _mark(cell) + _DAGGER * bool(cell.failures)


def _mark(one: Cell | Mean) -> str:
    if one.comparison is None or one.corrected is None or one.corrected >= LEVEL:
        return ""
    return " ▲" if one.comparison.difference > 0 else " ▼"


def _note(table: Table) -> str:
    notes = [_DEGRADED] if any(cell.failures for cell in table.cells.values()) else []
    if not table.compared:
        return "".join(notes)
    marks = (
        f"▲ above, ▼ below {escaped(table.recipes[0])}: p < {LEVEL} by a paired bootstrap over texts"
        f" ({DRAWS:,} draws), corrected for {len(table.compared)} comparisons (Holm). No mark: not told apart."
    )
    return " ".join([marks, *notes])


def _details(table: Table) -> tuple[list[str], list[list[str]]]:
    header = ["recipe", "data", "texts", "P", "R", "spans F1", "surface F1", "ceiling", "p", "p, Holm"]
    header += ["prompt / text", "generated / text", "seconds", "parameters"]
    rows = [_detail(table.cells[r, d]) for d in table.data for r in table.recipes if (r, d) in table.cells]
    return header, rows


def _detail(cell: Cell) -> list[str]:
    f1 = [cell.strict.precision, cell.strict.recall, cell.spans.f1, cell.surface.f1, cell.candidates.recall]
    tokens = [cell.bill.prompt / cell.texts, cell.bill.generated / cell.texts]
    return [
        escaped(cell.recipe),
        escaped(cell.data),
        f"{cell.texts:,}",
        *(f"{value:.3f}" for value in f1),
        "" if cell.comparison is None else f"{cell.comparison.p:.4f}",
        "" if cell.corrected is None else f"{cell.corrected:.4f}",
        *(f"{value:,.0f}" for value in tokens),
        f"{cell.bill.seconds:,.1f}",
        parameters(cell.bill.parameters),
    ]


def _line(table: Table, recipe: str, data: str) -> dict[str, Any]:
    if (recipe, data) in table.failed:
        return {"state": "failed", "reason": _inert(table.failed[recipe, data])}
    cell = table.cells.get((recipe, data))
    if cell is None:
        return {"state": "not run"}
    line: dict[str, Any] = {"state": "run", "seeds": " ".join(map(str, cell.seeds)), "texts": cell.texts}
    line |= {"f1": cell.strict.f1, **_significance(cell)}
    for name in _COUNTS:
        line |= {f"{name}_{part}": value for part, value in as_json(getattr(cell, name)).items()}
    line |= {"prompt_a_text": cell.bill.prompt / cell.texts, "generated_a_text": cell.bill.generated / cell.texts}
    line["failed"] = sum(one.failed for one in cell.failures)
    return line | {name: value for name, value in asdict(cell.bill).items() if value is not None}


def _why(one: Failure) -> str:
    return next(iter(one.reasons), "why was not kept")


def _significance(one: Cell | Mean) -> dict[str, Any]:
    numbers: dict[str, Any] = asdict(one.interval)
    if isinstance(told := one.comparison, Comparison):
        numbers |= {"difference": told.difference, "p": told.p, "p_holm": one.corrected}
        numbers |= {f"difference_{name}": value for name, value in asdict(told.interval).items()}
    return numbers


def _inert(text: str) -> str:
    """No line breaks, no control characters, and nothing that a spreadsheet takes for a formula."""
    line = one_line(text, 10_000)
    return f"'{line}" if line.lstrip()[:1] in tuple("=+-@") else line


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    spaces = [" " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
    return [line[0] + spaces[0], *(space + cell for space, cell in zip(spaces[1:], line[1:], strict=True))]
