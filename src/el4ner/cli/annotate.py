"""`el4ner annotate` and `el4ner explain`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from el4ner.cli.budget import Allowance, DryRun, MaxSeconds, MaxTokens, Spent, end_early, tell_forecast
from el4ner.cli.console import out, say
from el4ner.cli.failures import Strict, end_strictly, tell_failures
from el4ner.cli.opening import files_read, opened, read_pool
from el4ner.cli.options import (
    AllowEnv,
    Columns,
    FormatName,
    LabelsFile,
    NoStore,
    PoolFile,
    RecipeName,
    Replay,
    StoreFile,
    file_layout,
    open_store,
)
from el4ner.cli.output import expect_place, lines_to, write_text

if TYPE_CHECKING:
    from el4ner.annotation import Annotation
    from el4ner.data import Document
    from el4ner.ensemble.costs import Tally
    from el4ner.formats import FileLayout
    from el4ner.pipeline import EL4NER

Texts = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILES", help="Texts: one a line, JSONL, CSV or CoNLL; - or nothing is standard input."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write here (to FILE.part until all is done), not to stdout."),
]
Evidence = Annotated[
    bool, typer.Option("--evidence", help="Keep ballots and traces on each line: for show, decide and diff.")
]
Page = Annotated[
    Path | None, typer.Option("--html", metavar="PAGE", help="Write an offline page, too, whose sliders decide again.")
]
Limit = Annotated[int | None, typer.Option(min=0, metavar="N", help="Stop after so many texts.")]


def annotate(
    pool: PoolFile,
    files: Texts = None,
    labels: LabelsFile = None,
    recipe: RecipeName = "nano",
    output: Output = None,
    limit: Limit = None,
    format: FormatName = None,
    column: Columns = None,
    store: StoreFile = None,
    no_store: NoStore = False,
    replay: Replay = False,
    evidence: Evidence = False,
    html: Page = None,
    strict: Strict = False,
    allow_env: AllowEnv = None,
    dry_run: DryRun = False,
    max_tokens: MaxTokens = None,
    max_seconds: MaxSeconds = None,
) -> None:
    """Annotate texts: JSONL, one line a text, in the order of the texts.

    {"id", "text", "entities": [{"start", "end", "text", "label", "score",
    "votes": {member: label or null}, "verified": true, false or null}],
    "warnings": [what was cut, dropped or not answered],
    "failed": {member: reason}, where any did}

    What else a text's line or row says (JSON keys, columns) is under "meta".

    A run that was broken off goes on where it was when it is started again: what was answered is in the reply store.
    """
    from el4ner.cli.progress import watched
    from el4ner.ensemble.costs import Tally
    from el4ner.ensemble.rates import keep_rates
    from el4ner.formats.jsonl import dumps

    named = files or [Path("-")]
    if not files and sys.stdin.isatty():
        raise typer.BadParameter("no texts: name a file, or pipe them in", param_hint="FILES")
    documents = islice(_documents(named, format, file_layout(column)), limit)
    if html is not None and output is not None and html.resolve() == output.resolve():
        raise typer.BadParameter("the page would overwrite the lines: give another file to --html", param_hint="--html")
    inputs = [*named, *files_read(pool, labels, recipe)]
    for written in (output, html):
        expect_place(written, inputs)
    examples, texts = read_pool(pool, labels), begun(documents)  # slips are told before models are opened
    kept = open_store(store, no_store, replay)
    with opened(recipe, examples, kept, replay, allow_env) as ner:
        if dry_run:
            tell_forecast(ner, texts, kept)
            return
        budget = Allowance(max_tokens, max_seconds)
        tally, began = Tally(), time.perf_counter()
        annotations = tally.counting(watched(ner.annotate(budget.within(texts, ner)), ner, limit))
        shown: list[Annotation] = []
        with _interruptible(no_store), suppress(Spent), lines_to(output, inputs) as write:
            for annotation in annotations:
                write(dumps(annotation.record(evidence)))
                if html is not None:
                    shown.append(annotation)
            budget.check()
        _summarise(tally, ner, time.perf_counter() - began)
        keep_rates(ner.costs, ner.members)
        if html is not None:
            _write_page(html, shown, ner)
        failed = tell_failures(ner.failures, tally.entities)
        if budget.spent:
            end_early(budget.spent, output, no_store)
        end_strictly(strict, failed or tally.warned > 0)


def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text to annotate.")],
    pool: PoolFile,
    labels: LabelsFile = None,
    recipe: RecipeName = "nano",
    store: StoreFile = None,
    no_store: NoStore = False,
    replay: Replay = False,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Annotate one text and show how: demonstrations, who extracted what, every vote, every verdict."""
    from el4ner.cli.progress import watched
    from el4ner.text.marks import palette
    from el4ner.view.explain import explain

    kept = open_store(store, no_store, replay)
    with opened(recipe, read_pool(pool, labels), kept, replay, allow_env) as ner, _interruptible(no_store):
        (annotation,) = watched(ner.annotate([text]), ner, 1)
        failed = ner.failures
    colours = palette([label.name for label in ner.pool.labels])
    for part in explain(annotation, ner.pool, ner.voters, colours):
        out.print(part)
    end_strictly(strict, tell_failures(failed, len(annotation.entities)) or bool(annotation.warnings))


def _documents(files: Sequence[Path], format: str | None, layout: FileLayout) -> Iterator[Document]:
    """The texts of all files. A file that is not there is an error before anything is asked."""
    from el4ner.formats import read_documents

    for file in files:
        if str(file) != "-" and (file.is_dir() or not file.exists()):
            read_documents(file)  # raises, and says what is wrong
    return chain.from_iterable(_texts(file, format, layout) for file in files)


def begun(documents: Iterator[Document]) -> Iterator[Document]:
    """The same texts, of which the first is read at once."""
    first = list(islice(documents, 1))
    return chain(first, documents)


def _texts(file: Path, format: str | None, layout: FileLayout) -> Iterator[Document]:
    from el4ner.formats import read_documents

    empty = True
    for document in read_documents(file, format, layout):
        empty = False
        yield document
    if empty:
        say(f"{'standard input' if str(file) == '-' else file}: there is no text in it", "yellow")


@contextmanager
def _interruptible(no_store: bool) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        kept = "nothing was remembered" if no_store else "what was answered is in the store; run it again to go on"
        say(f"interrupted: {kept}", "yellow")
        raise


def _write_page(page: Path, annotations: Sequence[Annotation], ner: EL4NER) -> None:
    from el4ner.view.run_page import run_page

    write_text(page, run_page(ner.recipe.name, annotations, ner.pool.labels, ner.voters))
    say(f"the page is in {page}")


def _summarise(tally: Tally, ner: EL4NER, seconds: float) -> None:
    costs = ner.costs
    done = {"texts": tally.texts, "entities": tally.entities}
    done |= {"calls": sum(cost.calls for cost in costs), "from the store": sum(cost.stored for cost in costs)}
    amiss = {"cut off": sum(cost.cut for cost in costs), "failed": sum(cost.failed for cost in costs)}
    amiss |= {"not in the text": tally.ungrounded, "abstentions": tally.abstained}
    amiss |= {"texts with warnings": tally.warned}
    counts = [f"{name} {count:,}" for name, count in (done | {k: v for k, v in amiss.items() if v}).items()]
    say(f"{' · '.join(counts)} · {seconds:.1f} s", "dim")
    if tally.warning:
        say(f'warnings are on the lines ("warnings"), the first of text {tally.warning}', "dim")
