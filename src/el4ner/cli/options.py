"""Options that several commands have, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from el4ner.errors import ConfigError
from el4ner.formats import Format
from el4ner.formats.registry import by_name

if TYPE_CHECKING:
    from el4ner.models.store import Store


def _format(name: str) -> Format | None:
    try:
        return by_name(name)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None


FormatName = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAME",
        parser=_format,
        help="jsonl, conll, plain, or one that a package registers; default: by the file's name and looks.",
    ),
]
PoolFile = Annotated[
    Path,
    typer.Option(
        "--pool", "-p", metavar="FILE", help="Labelled examples, JSONL or CoNLL, or a folder with train.jsonl in it."
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option("--labels", metavar="FILE", help="Types with descriptions: JSON or TOML; default: those of the pool."),
]
RecipeName = Annotated[
    str, typer.Option("--recipe", "-r", metavar="NAME|FILE", help="A shipped recipe (`el4ner recipes`) or a TOML file.")
]
StoreFile = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The reply store; default: EL4NER_STORE, else in the user's cache."),
]
NoStore = Annotated[bool, typer.Option("--no-store", help="Ask everything afresh and remember nothing.")]


def open_store(given: Path | None, no_store: bool) -> Store | None:
    """The reply store, or None if there shall be none."""
    if no_store and given:
        raise typer.BadParameter("--store and --no-store exclude each other")
    if no_store:
        return None
    from el4ner.models.store import Store, store_path

    return Store.open(store_path(given))
