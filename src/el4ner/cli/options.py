"""Options that several commands have, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from el4ner.errors import ConfigError

if TYPE_CHECKING:
    from el4ner.formats import FileLayout
    from el4ner.models.store import Store


def _known_format(name: str | None) -> str | None:
    if name is not None:
        from el4ner.formats.registry import by_name

        try:
            by_name(name)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None
    return name


FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAME",
        callback=_known_format,
        help="jsonl, conll, csv (also TSV), plain (a text a line), brackets, inline, or one that a package registers;"
        " default: by the file's name and looks.",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="COLUMN",
        help="The column of the texts, by name or number: body, or id=key,text=body; in CoNLL token=2,tag=4; a key of"
        " JSON. Several tag= are layers.",
    ),
]
SchemeName = Annotated[
    Literal["prefixed", "io"],
    typer.Option("--scheme", help="CoNLL's tags: with prefixes (BIO, BIOES, BILOU ...), or io: the bare type, or O."),
]
PoolFile = Annotated[
    Path,
    typer.Option(
        "--pool", "-p", metavar="FILE", help="Labelled examples, JSONL or CoNLL, or a folder with train.jsonl in it."
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help='Types with descriptions, in TOML (person = "names of people") or JSON; default: those of the pool.',
    ),
]
RecipeName = Annotated[
    str, typer.Option("--recipe", "-r", metavar="NAME|FILE", help="A shipped recipe (`el4ner recipes`) or a TOML file.")
]
AllowEnv = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-env",
        metavar="NAME",
        help="The recipe, a file, may send the key in this variable to its server; again for more.",
    ),
]
StoreFile = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The reply store; default: EL4NER_STORE, else in the user's cache."),
]
NoStore = Annotated[bool, typer.Option("--no-store", help="Ask everything afresh and remember nothing.")]

Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="0: any that is free.")]
Replay = Annotated[bool, typer.Option("--replay", help="Answer from the reply store alone: no model is opened.")]


def file_layout(columns: Sequence[str] | None, scheme: str = "prefixed") -> FileLayout:
    """What is told about a file's columns."""
    from el4ner.formats.layout import FileLayout, Scheme

    try:
        return FileLayout.of(columns or (), Scheme(scheme))
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--column") from None


def open_store(given: Path | None, no_store: bool, replay: bool = False) -> Store | None:
    """The reply store, or None if there shall be none."""
    if no_store and replay:
        raise typer.BadParameter("--replay answers from the store: leave out --no-store")
    if no_store and given:
        raise typer.BadParameter("--store and --no-store exclude each other")
    if no_store:
        return None
    from el4ner.models.store import Store, store_path

    return Store.open(store_path(given))


@contextmanager
def reply_store(given: Path | None, no_store: bool, replay: bool = False) -> Iterator[Store | None]:
    """The same, closed in the end."""
    store = open_store(given, no_store, replay)
    with closing(store) if store else nullcontext():
        yield store
