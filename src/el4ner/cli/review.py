"""`el4ner review`: a page on this machine where texts are looked at and corrected."""

from __future__ import annotations

import getpass
import hashlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from el4ner.cli.console import say
from el4ner.cli.opening import files_read, open_ensemble
from el4ner.cli.options import (
    AllowEnv,
    Columns,
    FormatName,
    LabelsFile,
    NoStore,
    PoolFile,
    Port,
    RecipeName,
    Replay,
    StoreFile,
    file_layout,
    reply_store,
)
from el4ner.cli.output import expect_place

if TYPE_CHECKING:
    from el4ner.data import Document
    from el4ner.pipeline import EL4NER
    from el4ner.pool.pool import Pool
    from el4ner.review.review import Review

Sorting = Annotated[
    Literal["valuable", "given", "uncertain", "random"],
    typer.Option(
        "--order",
        help="What is looked at next: what the ensemble disagrees on and many texts would learn from; as given; what it"
        " disagrees on; at random. The page can change it.",
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
Rest = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where the rest's annotations go; default: beside the pool."),
]
Annotator = Annotated[
    str | None, typer.Option("--annotator", metavar="NAME", help="Who decides; default: the user's name.")
]


def review(
    texts: Annotated[Path, typer.Argument(metavar="TEXTS", help="Texts: one a line, JSONL, CSV or CoNLL.")],
    pool: PoolFile,
    labels: LabelsFile = None,
    recipe: RecipeName = "nano",
    order: Sorting = "valuable",
    output: Rest = None,
    annotator: Annotator = None,
    port: Port = 8080,
    open_browser: Open = False,
    format: FormatName = None,
    column: Columns = None,
    store: StoreFile = None,
    no_store: NoStore = False,
    replay: Replay = False,
    allow_env: AllowEnv = None,
) -> None:
    """Look at texts one by one on a page, and correct what was found: each correction is a demonstration at once.

    The pool, a file of JSON lines, may not be there yet: types then come from --labels, or are typed in on the page.
    docs/review.md tells the keys, and what is kept where.
    """
    from el4ner.cli.consent import ready
    from el4ner.errors import DataError
    from el4ner.formats import read_documents, read_labels
    from el4ner.recipes.load import load_recipe
    from el4ner.web.guard import Guard
    from el4ner.web.server import listen, need_server, run_app

    need_server()
    from el4ner.retrieval.encoder import default_encoder
    from el4ner.review.app import review_app
    from el4ner.review.reader import Reader
    from el4ner.review.readings import Readings
    from el4ner.review.review import Review

    rest = output or pool.with_name(f"{pool.stem}.rest.jsonl")
    expect_place(pool, [texts])
    expect_place(rest, [texts, *files_read(pool, labels, recipe)])
    documents: list[Document] = list(read_documents(texts, format, file_layout(column)))
    settings = load_recipe(recipe) if replay else ready(recipe, allow_env)
    told = {"annotator": annotator or _user(), "recipe": _digest(settings.model_dump_json())}
    named = read_labels(labels) if labels else None
    made = Review(documents, pool, named, lambda held: Readings(held, settings, default_encoder(), order), told)
    if not made.refs:
        raise DataError(f"{texts}: there is no text in it")
    with listen("127.0.0.1", port) as bound, reply_store(store, no_store, replay) as kept:

        def opened(held: Pool) -> EL4NER:
            return open_ensemble(recipe, held, kept, replay, allow_env)[0]

        address = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        reader = Reader(made, opened, rest)
        with closing(reader):
            reader.start()
            say(f"the page is at {address}")
            say("Ctrl-C ends it; all decisions are in the pool and beside it", "dim")
            if open_browser:
                typer.launch(address)
            run_app(review_app(made, reader, Guard.at("127.0.0.1", None)), bound)
            say("ending, once what is being read is done ...", "dim")
    say(f"{len(made.history.judgements):,} decisions so far; the pool holds {_held(made):,} examples")


def _held(made: Review) -> int:
    return len(made.file.pool.examples) if made.file else 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user's number
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
