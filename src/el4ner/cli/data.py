"""`el4ner data`: known data sets to score on, and files of examples made into JSONL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from el4ner.cli.console import err, out, say
from el4ner.cli.options import Columns, FormatName, SchemeName, file_layout
from el4ner.cli.output import lines_to


def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled examples in any format that is read.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here, not to standard output."),
    ] = None,
    format: FormatName = None,
    column: Columns = None,
    scheme: SchemeName = "prefixed",
) -> None:
    """Write labelled examples as JSONL, from CoNLL, other tools' JSON, or a text with its entities marked within."""
    from el4ner.formats import read_examples
    from el4ner.formats.jsonl import lines

    examples = read_examples(file, format, file_layout(column, scheme))
    with lines_to(output, [file]) as write:
        for line in lines(examples):
            write(line)
    say(f"examples {len(examples):,} · entities {sum(len(e.entities) for e in examples):,}", "dim")


def list_sets() -> None:
    """List the data sets that are known by name, and whether they are on this machine."""
    from el4ner.evaluate.sets.fetch import data_folder, missing
    from el4ner.evaluate.sets.known import known_sets
    from el4ner.view.render import grid

    table = grid("name", "licence", "lang", "types", "train", "dev", "test", "here")
    table.columns[0].no_wrap = True
    for name, known in known_sets().items():
        counts = [f"{known.splits[s].texts:,}" if s in known.splits else "" for s in ("train", "dev", "test")]
        absent = missing(known)
        here = "yes" if not absent else "no" if len(absent) == len(known.splits) else "in part"
        row = (name, known.licence, known.language, str(len(known.labels)), *counts, here)
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
    out.print(Text(f"they are kept in {data_folder()}"), soft_wrap=True)


def fetch_set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A known data set (`el4ner data list`).")],
) -> None:
    """Fetch a known data set, check it, and say where it is. What is here already is checked, not fetched again."""
    from el4ner.evaluate.sets.fetch import fetch, read_split
    from el4ner.evaluate.sets.known import known_set

    known = known_set(name)
    with download_bar() as bar:
        folder = fetch(known, say, bar)
    for split in known.splits:
        say(f"{split}: {len(read_split(known, split)):,} texts", "dim")
    out.print(Text(str(folder)), soft_wrap=True)


@contextmanager
def download_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar on standard error, if that is a terminal, for what `fetch` and `open_dataset` report."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(24), DownloadColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda name, done, total: progress.update(task, description=name, completed=done, total=total)
