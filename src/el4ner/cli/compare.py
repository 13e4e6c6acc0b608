"""`el4ner compare` and `el4ner ablate`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from el4ner.cli.consent import ready
from el4ner.cli.console import say
from el4ner.cli.failures import Strict, end_strictly, tell_failures
from el4ner.cli.options import AllowEnv, NoStore, RecipeName, StoreFile, reply_store
from el4ner.cli.output import lines_to

if TYPE_CHECKING:
    from el4ner.evaluate.compare import Trial
    from el4ner.evaluate.table import Outcome
    from el4ner.models.store import Store


class Layout(StrEnum):
    """How a table is printed."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


Recipes = Annotated[
    list[str],
    typer.Option(
        "--recipe", "-r", metavar="NAME|FILE", help="A recipe; again for more. The first is what others are held to."
    ),
]
DataSets = Annotated[
    list[str],
    typer.Option(
        "--data", "-d", metavar="NAME|DIR|FILE", help="A data set, by name or path, as for `eval`; again for more."
    ),
]
Split = Annotated[str, typer.Option(metavar="NAME", help="Which split is annotated and scored.")]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only so many texts of each, drawn by the seed.")]
Seeds = Annotated[
    list[str] | None,
    typer.Option("--seeds", metavar="S", help="Which texts are drawn: 0,1,2, or the option several times. Default: 0."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FOLDER", help="Keep the runs here, and take those that are here already."),
]
Printed = Annotated[Layout, typer.Option("--format", "-f", help="How the table is printed.")]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GROUP",
        help="Only these: stages, members, retrieval, spans, verifier, k, vote, threshold; again for more.",
    ),
]


def compare(
    recipe: Recipes,
    data: DataSets,
    seeds: Seeds = None,
    split: Split = "test",
    limit: Limit = None,
    output: Folder = None,
    format: Printed = Layout.MARKDOWN,
    store: StoreFile = None,
    no_store: NoStore = False,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Run every recipe on every data set with every seed, and print the table: F1, intervals, what differs, the cost.

    With -o, what was run is kept and not run again, unless members failed in it. A run that fails is shown as failed,
    and the others go on; the exit code is then 1.
    """
    from el4ner.evaluate.compare import trials
    from el4ner.evaluate.sets.dataset import open_dataset

    recipes, numbers = [ready(name, allow_env) for name in recipe], _numbers(seeds)
    planned = trials(recipes, [open_dataset(name) for name in data], split, limit, numbers, output)
    with reply_store(store, no_store) as opened:
        _make(planned, format, opened, strict)


def ablate(
    data: DataSets,
    recipe: RecipeName = "nano",
    only: Groups = None,
    seeds: Seeds = None,
    split: Split = "test",
    limit: Limit = None,
    output: Folder = None,
    format: Printed = Layout.MARKDOWN,
    store: StoreFile = None,
    no_store: NoStore = False,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Run a recipe and its variants: without each stage and member, other retrieval, verifiers, k, votes, thresholds.

    Variants that differ only in what is made of the votes are decided anew from the recipe's own run: no model is
    asked. Pool spans by members ask every member about the whole pool, once.
    """
    from el4ner.evaluate.ablate import GROUPS, variants
    from el4ner.evaluate.compare import trials
    from el4ner.evaluate.sets.dataset import open_dataset

    for group in only or ():
        if group not in GROUPS:
            raise typer.BadParameter(
                f"no group is called {group!r}; there are {', '.join(GROUPS)}", param_hint="--only"
            )
    base, numbers = ready(recipe, allow_env), _numbers(seeds)
    recipes = [base, *(variant.recipe for variant in variants(base, only or ()))]
    planned = trials(recipes, [open_dataset(name) for name in data], split, limit, numbers, output)
    with reply_store(store, no_store) as opened:
        _make(planned, format, opened, strict)


def _make(planned: Sequence[Trial], format: Layout, store: Store | None, strict: bool) -> None:
    """Run what has to be run, and print the table."""
    from contextlib import closing

    from el4ner.cli.progress import RunsBar
    from el4ner.evaluate.compare import outcomes
    from el4ner.evaluate.experiment import Workshop
    from el4ner.evaluate.table import Failed, tabulate
    from el4ner.evaluate.table_formats import to_csv, to_json, to_markdown

    made: list[Outcome] = []
    with closing(Workshop(store)) as workshop, RunsBar(len(planned), sum(len(t.plan.texts) for t in planned)) as bar:
        for trial, outcome in outcomes(planned, workshop, lambda trial: bar.begin(trial.name)):
            made.append(outcome)
            bar.end(len(trial.plan.texts))
            _tell(trial, outcome, f"{len(made)} of {len(planned)}")
    table = tabulate(made)
    with lines_to(None) as write:
        write({Layout.MARKDOWN: to_markdown, Layout.CSV: to_csv, Layout.JSON: to_json}[format](table).rstrip("\r\n"))
    failed = sum(isinstance(one, Failed) for one in made)
    if failed:
        say(f"{failed} of {len(made)} runs failed; give the same command again to make up for them", "red")
        raise typer.Exit(1)
    end_strictly(strict, any(not isinstance(one, Failed) and one.report.failures for one in made))


def _tell(trial: Trial, outcome: Outcome, number: str) -> None:
    from el4ner.evaluate.table import Failed

    if isinstance(outcome, Failed):
        say(f"{number}: {trial.name}: failed: {outcome.reason}", "red")
    else:
        bill = outcome.report.bill
        say(
            f"{number}: {trial.name}: F1 {outcome.report.scores.strict.f1:.3f}, {bill.calls:,} calls,"
            f" {bill.seconds:.1f} s",
            "dim",
        )
        tell_failures(outcome.report.failures, outcome.report.scores.strict.found)


def _numbers(seeds: Sequence[str] | None) -> list[int]:
    numbers = [part.strip() for given in seeds or ["0"] for part in given.split(",")]
    if not all(part.isdecimal() for part in numbers):
        raise typer.BadParameter(f"{','.join(numbers)!r} is not a list of numbers from 0", param_hint="--seeds")
    return [int(part) for part in numbers]
