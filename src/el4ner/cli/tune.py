"""`el4ner tune`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.consent import ready
from el4ner.cli.console import err, out, say
from el4ner.cli.failures import FirstFailures, Strict, end_strictly, failure_line, tell_failures
from el4ner.cli.opening import files_read, read_pool
from el4ner.cli.options import AllowEnv, LabelsFile, NoStore, PoolFile, RecipeName, StoreFile, reply_store
from el4ner.cli.output import lines_to
from el4ner.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console

    from el4ner.annotation import Annotation
    from el4ner.evaluate.tuning.tune import Budget, Estimate, Tuned
    from el4ner.pipeline import EL4NER

_OURS = "# Made by: el4ner tune"

Texts = Annotated[int, typer.Option(min=10, metavar="N", help="How many texts of the pool to choose by.")]
Seed = Annotated[int, typer.Option(min=0, metavar="S", help="Which texts are drawn, and how they fall into folds.")]
Precision = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="P", help="The highest recall at this precision or more; default: highest F1."),
]
OnlyScores = Annotated[
    bool, typer.Option("--only-scores", help="Calibrate the scores and leave all else: one run over the texts.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the recipe here, not to standard output.")
]


def tune(
    pool: PoolFile,
    recipe: RecipeName = "nano",
    labels: LabelsFile = None,
    texts: Texts = 100,
    seed: Seed = 0,
    precision: Precision = None,
    only_scores: OnlyScores = False,
    output: Output = None,
    store: StoreFile = None,
    no_store: NoStore = False,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Choose a recipe's settings by a pool alone, and say how good they will be: a TOML recipe.

    Texts of the pool are annotated, each without itself among the demonstrations. Tried are: how many demonstrations,
    retrieval by span or sentence, the vote's rule, weights, proposers and threshold, and verifiers. The search is
    cross-validated, so that its own optimism is not part of the estimate. Last, scores are calibrated: of the entities
    with a score of 0.7, seven in ten should be right.

    A search that was broken off goes on where it was when it is started again: what was answered is in the reply store.
    """
    from el4ner.ensemble.costs import failures
    from el4ner.evaluate.tuning.tune import budget, draw, tune
    from el4ner.recipes.write import recipe_toml

    output = None if output == Path("-") else output
    base, examples = ready(recipe, allow_env), read_pool(pool, labels)
    recipe_toml(base)  # what cannot be written is told before anything is asked
    inputs = files_read(pool, labels, recipe)
    _refuse_others(output)
    drawn = draw(examples, texts, seed)
    with lines_to(output, inputs) as write, _broken_off(output, no_store), reply_store(store, no_store) as opened:
        _say_budget(budget(base, examples, drawn, only_scores), len(drawn), len(base.members))
        tuned = tune(
            base,
            examples,
            texts=texts,
            seed=seed,
            precision=precision,
            only_scores=only_scores,
            store=opened,
            watch=_Runs(),
        )
        write(recipe_toml(tuned.recipe, _header(tuned, pool, seed)).rstrip("\n"))
    _print(tuned, err if output is None else out)
    if output is not None:
        say(f"the recipe is in {output}: el4ner annotate -p {pool} -r {output} ...", "dim")
    if degraded := tell_failures(failures(tuned.costs)):
        say("the recipe was chosen on degraded runs: mend the member, and tune again", "bold red")
    end_strictly(strict, degraded)


def _refuse_others(output: Path | None) -> None:
    """A recipe that this command wrote may be written anew; no other file is overwritten."""
    if output is None or not output.is_file():
        return
    with output.open("rb") as file:
        if not file.readline().startswith(_OURS.encode()):
            raise DataError(f"{output}: is there, and not by `el4ner tune`; remove it or give another file to -o")


@contextmanager
def _broken_off(output: Path | None, no_store: bool) -> Iterator[None]:
    """Leaves no half recipe, and says what is left of an interrupted search."""
    try:
        yield
    except BaseException as error:
        if output is not None:
            Path(f"{output}.part").unlink(missing_ok=True)
        if isinstance(error, KeyboardInterrupt):
            kept = "nothing was remembered" if no_store else "what was answered is in the store; run it again to go on"
            say(f"interrupted: {kept}", "yellow")
        raise


class _Runs:
    """Says which run it is, and shows how far."""

    def __init__(self) -> None:
        self._runs = 0
        self._said = FirstFailures()

    def __call__(self, annotations: Iterator[Annotation], ner: EL4NER, total: int) -> Iterator[Annotation]:
        from el4ner.cli.progress import watched
        from el4ner.evaluate.tuning.search import retrieval

        self._runs += 1
        shown = ", ".join(str(member.settings.demonstrations) for member in ner.members)
        verified = "with" if ner.recipe.verify.members else "without"
        how = f"retrieval by {retrieval(ner.recipe.retrieve)}; {shown} demonstrations; {verified} verification"
        say(f"run {self._runs}: {how}", "dim")
        yield from watched(annotations, ner, total, self._said)


def _say_budget(budget: Budget, texts: int, members: int) -> None:
    (few, most), (questions, limit) = budget.runs, budget.questions
    runs = "1 run" if most == 1 else f"{few} to {most} runs, the more the less the folds agree"
    asked = f"{questions:,} to {limit:,}" if questions < limit else f"{limit:,}"
    say(
        f"{texts:,} texts, {members} member{'s' * (members != 1)}: {runs}; {asked} questions; {budget.lists:,} at most"
        f" are lists, the others are about candidates, reckoned as {budget.candidates:,} a run, twice the true entities"
    )


def _header(tuned: Tuned, pool: Path, seed: int) -> list[str]:
    from el4ner.ensemble.costs import failures
    from el4ner.text.printable import one_line

    score, interval = tuned.estimate.score, tuned.estimate.interval
    degraded = [one_line(f"Chosen on degraded runs: {failure_line(one)}", 800) for one in failures(tuned.costs)]
    changes = [f"  {name}: {old} -> {new}" for name, (old, new) in tuned.changes.items()]
    return [
        f"{_OURS.removeprefix('# ')}: {shlex.join(sys.argv[1:])}",
        f"{'Chosen for ' + _goal(tuned) if tuned.tried else 'Scores calibrated'} on {tuned.texts} texts of {pool}"
        f" (seed {seed}), starting from {tuned.base.name}.",
        f"Estimate, {'of the base recipe' if tuned.kept else 'cross-validated'}: precision {score.precision:.3f},"
        f" recall {score.recall:.3f}, F1 {score.f1:.3f} [{interval.low:.3f}, {interval.high:.3f}]",
        _calibration(tuned),
        *degraded,
        *(
            ["What was changed:", *changes]
            if changes
            else [f"Nothing was changed{': nothing that was tried is clearly better' if tuned.tried else ''}."]
        ),
    ]


def _goal(tuned: Tuned) -> str:
    floor = tuned.goal.precision
    return "micro-F1" if floor is None else f"recall at a precision of {floor:g} or more"


def _calibration(tuned: Tuned) -> str:
    gain = tuned.calibration
    if not gain.entities:
        return "no entity was found: scores stay as they are"
    told = f"expected calibration error of {gain.entities} scores: {gain.before:.3f}; cross-validated {gain.after:.3f}"
    return f"{told} once {'calibrated' if gain.helps else 'fitted, without a lower log loss: scores stay as they are'}"


def _print(tuned: Tuned, to: Console) -> None:
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid

    tried = grid("stage", "setting", "threshold", "P", "R", "F1", "")
    for one in tuned.tried:
        numbers = (one.threshold, one.score.precision, one.score.recall, one.score.f1)
        shown = (f"{number:.3f}" for number in numbers)
        mark, style = ("chosen", "bold") if one.chosen else ("", "")
        tried.add_row(one.stage, Text(one_line(one.setting)), *shown, mark, style=style)
    if tuned.tried:
        to.print(tried)
    scores = grid("", "P", "R", "F1", "95 %")
    searched = [
        ("chosen, on the texts it was chosen by (flatters)", tuned.in_sample),
        ("chosen, cross-validated (expect this)", tuned.cross_validated),
    ]
    for name, estimate in [(f"{tuned.base.name}, as it is", tuned.before), *(searched if tuned.tried else [])]:
        scores.add_row(Text(one_line(name)), *_row(estimate))
    to.print(scores)
    for line in _conclusion(tuned):
        to.print(Text(line), soft_wrap=True)


def _row(estimate: Estimate) -> list[str]:
    score, interval = estimate.score, estimate.interval
    quotients = [f"{value:.3f}" for value in (score.precision, score.recall, score.f1)]
    return [*quotients, f"[{interval.low:.3f}, {interval.high:.3f}]"]


def _conclusion(tuned: Tuned) -> Iterator[str]:
    from el4ner.evaluate.tuning.tune import FOLDS
    from el4ner.text.printable import one_line

    gap, agreed = tuned.comparison, f"{tuned.agreed} of {FOLDS} folds chose the same"
    if tuned.tried:
        yield (
            f"F1, cross-validated against {one_line(tuned.base.name)}: {gap.difference:+.3f}"
            f" [{gap.interval.low:+.3f}, {gap.interval.high:+.3f}], p = {gap.p:.3f}; {agreed}"
        )
    floor = tuned.goal.precision
    if floor is not None and tuned.estimate.score.precision < floor:
        yield f"Cross-validated, a precision of {floor:g} is not reached; this is what comes nearest."
    if tuned.kept and tuned.tried:
        yield "Nothing that was tried is clearly better on texts that it was not chosen by: the settings stay."
    yield _calibration(tuned)
    for name, (old, new) in tuned.changes.items():
        yield one_line(f"{name}: {old} -> {new}", 400)
    asked, calls = (sum(getattr(cost, name) for cost in tuned.costs) for name in ("asked", "calls"))
    yield f"{asked:,} questions, {calls:,} calls"
