"""`el4ner errors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.output import expect_place, write_text
from el4ner.evaluate.mistakes.match import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from el4ner.evaluate.mistakes.mistakes import Case
    from el4ner.evaluate.mistakes.sections import Section
    from el4ner.evaluate.stages import Judged

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run (`el4ner eval -o RUN`).")]
Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write a web page: gold and found side by side.")
]
Limit = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Show so many texts; default: 5, on the web page 200.")
]
Only = Annotated[Kind | None, typer.Option("--kind", help="Only texts with mistakes of this kind, most of them first.")]


def errors(run: RunFolder, html: Page = None, limit: Limit = None, kind: Only = None) -> None:
    """Show what a run got wrong: kinds of mistakes by type, the stage where each arose, and the worst texts."""
    from el4ner.evaluate.mistakes.mistake_page import LIMIT, mistake_page
    from el4ner.evaluate.mistakes.mistakes import worst
    from el4ner.evaluate.mistakes.sections import heading, sections
    from el4ner.evaluate.run import load
    from el4ner.text.marks import palette

    expect_place(html, [run / name for name in ("run.json", "texts.jsonl")])
    made = load(run)
    for section in sections(made):
        notes = [Text(section.note, style="dim")] if section.note else []
        _print(section.title, *notes, _grid(section))
    ranked, shown = worst(made.texts, kind), 5 if limit is None else limit
    colours = palette([label.name for label in made.labels])
    _print(heading(len(ranked), shown, kind))
    for text, cases in ranked[:shown]:
        out.print(_text(text, cases, colours), "")
    if html is not None:
        write_text(html, mistake_page(made, kind, LIMIT if limit is None else limit))
        say(f"the page is in {html}")


def _print(title: str, *parts: RenderableType) -> None:
    out.print(Text(title, style="bold"), *parts, "", sep="\n")


def _grid(section: Section) -> RenderableType:
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid

    drawn = grid(*section.columns)
    for column in drawn.columns[section.words :]:
        column.justify = "right"
    for row in section.rows:
        drawn.add_row(*(Text(one_line(cell)) for cell in row))
    return drawn


def _text(text: Judged, cases: Sequence[Case], colours: Mapping[str, str]) -> RenderableType:
    from rich.console import Group

    from el4ner.evaluate.mistakes.sections import summary
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid, highlight

    annotation = text.annotation
    listed = grid("mistake", "gold", "found", "arose in")
    for case in cases:
        if case.pair.kind is not None:
            listed.add_row(*(Text(one_line(cell, 60)) for cell in summary(case, annotation.text)))
    sides = [
        Text(f"{name:6}", style="dim").append_text(highlight(annotation.text, mentions, colours))
        for name, mentions in (("gold", text.gold), ("found", annotation.entities))
    ]
    return Group(Text(one_line(annotation.id), style="dim"), *sides, listed)
