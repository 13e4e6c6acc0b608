"""`el4ner eval`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.consent import ready
from el4ner.cli.console import out, say
from el4ner.cli.failures import Strict, end_strictly, failure_line, tell_failures
from el4ner.cli.options import AllowEnv, NoStore, RecipeName, Replay, StoreFile, reply_store

if TYPE_CHECKING:
    from rich.table import Table

    from el4ner.evaluate.report import Report
    from el4ner.evaluate.score import Score
    from el4ner.evaluate.stages import Stages

Data = Annotated[
    str,
    typer.Option(
        "--data", "-d", metavar="NAME|DIR|FILE", help="A public set by name (`el4ner data list`), a folder, or a file."
    ),
]
Split = Annotated[str, typer.Option(metavar="NAME", help="Which split is annotated and scored.")]
OtherPool = Annotated[
    Path | None, typer.Option("--pool", "-p", metavar="FILE", help="Labelled examples; default: the train split.")
]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only so many texts, drawn by --seed.")]
Seed = Annotated[int, typer.Option(metavar="S", help="Which texts are drawn.")]
KeepLeaks = Annotated[
    bool, typer.Option("--keep-leaks", help="Leave pool examples in whose text is among those that are scored.")
]
RunFolder = Annotated[Path | None, typer.Option("--output", "-o", metavar="RUN", help="Keep the run in this folder.")]


def evaluate(
    data: Data,
    recipe: RecipeName = "nano",
    split: Split = "test",
    pool: OtherPool = None,
    limit: Limit = None,
    seed: Seed = 0,
    keep_leaks: KeepLeaks = False,
    output: RunFolder = None,
    store: StoreFile = None,
    no_store: NoStore = False,
    replay: Replay = False,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Annotate labelled texts and score the result: F1 with its interval, each stage, each type, the cost.

    A run that was broken off goes on where it was when it is started again: what was answered is in the reply store.
    """
    from el4ner.cli.data import download_bar
    from el4ner.cli.progress import watched
    from el4ner.evaluate.experiment import Workshop, plan
    from el4ner.evaluate.report import as_json, report
    from el4ner.evaluate.run import save
    from el4ner.evaluate.sets.dataset import open_dataset
    from el4ner.pool.pool import Pool
    from el4ner.recipes.load import load_recipe

    settings = load_recipe(recipe) if replay else ready(recipe, allow_env)
    with download_bar() as bar:
        dataset = open_dataset(data, say, bar)
    given = Pool.read(pool) if pool is not None else None
    made = plan(settings, dataset, split, given, limit, seed, keep_leaks)
    if made.setup.left_out:
        say(f"{made.setup.left_out} pool examples stand among the texts to be scored: left out of the pool", "yellow")
    with reply_store(store, no_store, replay) as opened, closing(Workshop(opened, replay)) as workshop:
        run = workshop.run(made, watched)
    result = report(run)
    if output is not None:
        save(run, output, as_json(result))
    _print(result, f"{settings.name} on {dataset.name}, {split}: {result.texts:,} texts")
    if output is not None:
        say(f"the run is in {output}: el4ner errors {output}", "dim")
    if degraded := tell_failures(result.failures, result.scores.strict.found):
        say("these are scores of a degraded run: not of the recipe as it stands", "bold red")
    end_strictly(strict, degraded)


def _print(report: Report, title: str) -> None:
    from el4ner.text.printable import one_line

    out.print(Text(one_line(title), style="bold"))
    out.print(_scores(report))
    for line in (*_stages(report.stages), *_bill(report), *map(failure_line, report.failures)):
        out.print(Text(one_line(line, 4000)), soft_wrap=True)


def _scores(report: Report) -> Table:
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid

    scores, interval = report.scores, report.interval
    table = grid("", "P", "R", "F1", "95 %", "right", "found", "gold")
    for column in table.columns[1:]:
        column.justify = "right"
    table.columns[0].no_wrap = True
    whole = f"[{interval.low:.3f}, {interval.high:.3f}]"
    table.add_row("strict", *_row(scores.strict, whole), style="bold")
    table.add_row("spans alone", *_row(scores.spans))
    table.add_row("surface", *_row(scores.surface))
    table.add_row("macro over types", "", "", f"{scores.macro_f1:.3f}")
    for label, score in scores.labels.items():
        table.add_row(Text(f"  {one_line(label)}"), *_row(score))
    return table


def _row(score: Score, interval: str = "") -> list[str]:
    quotients = [f"{value:.3f}" for value in (score.precision, score.recall, score.f1)]
    return [*quotients, interval, f"{score.right:,}", f"{score.found:,}", f"{score.gold:,}"]


def _stages(stages: Stages) -> list[str]:
    found, typed = stages.candidates, stages.classification
    lines = [
        f"candidates: {found.found:,}, recall {found.recall:.3f} (the ceiling), precision {found.precision:.3f}; by"
        f" member, recall {', '.join(f'{m} {s.recall:.3f}' for m, s in stages.extraction.items())}",
        f"classification: {typed.value:.3f} of {typed.asked:,} candidates that are gold spans; by member"
        f" {', '.join(f'{m} {s.value:.3f}' for m, s in stages.votes.items())}",
    ]
    for name, dropped in (("verification", stages.verified), ("threshold and overlaps", stages.decided)):
        if dropped.rightly + dropped.wrongly:
            lines.append(f"{name}: dropped {dropped.rightly:,} rightly, {dropped.wrongly:,} wrongly")
    amiss = {"abstentions": stages.abstained, "cut off": stages.cut, "not in the text": stages.ungrounded}
    return [*lines, "; ".join(f"{name} {count:,}" for name, count in amiss.items())]


def _bill(report: Report) -> list[str]:
    bill, texts = report.bill, report.texts
    whose = "models of the members that answered" if report.failures else "members' models"
    weights = "unknown" if bill.parameters is None else f"{bill.parameters / 1e9:.3g} billion"
    return [
        f"a text: {bill.prompt / texts:,.0f} prompt tokens, {bill.generated / texts:,.0f} generated;"
        f" {bill.asked:,} questions, {bill.calls:,} calls, {bill.stored:,} from the store",
        f"{bill.seconds:.1f} s; parameters of the {whose}: {weights}",
    ]
