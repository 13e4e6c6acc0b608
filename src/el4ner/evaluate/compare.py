"""Every recipe on every data set with every seed, each kept where it can be found again.

    FOLDER/<recipe>/<data>-<seed>/     a run (see `run`)

What is there already, with the same setup, is read and not run again, unless members failed in it: they may be mended
by now. What fails leaves the others alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from el4ner.ensemble.costs import failures
from el4ner.errors import ConfigError, DataError, El4nerError
from el4ner.evaluate.ablate import redecided
from el4ner.evaluate.experiment import Plan, Watch, Workshop, plan, weights
from el4ner.evaluate.report import as_json, report
from el4ner.evaluate.run import Run, load, load_setup, save
from el4ner.evaluate.sets.dataset import Dataset
from el4ner.evaluate.table import Failed, Outcome, result
from el4ner.recipes.settings import Recipe


@dataclass(frozen=True)
class Trial:
    """A run to be made, and the folder where it is kept, if anywhere."""

    plan: Plan
    folder: Path | None

    @property
    def name(self) -> str:
        """For people."""
        setup = self.plan.setup
        return f"{setup.recipe.name} on {setup.data}, seed {setup.seed}"


def trials(
    recipes: Sequence[Recipe],
    datasets: Sequence[Dataset],
    split: str,
    limit: int | None,
    seeds: Sequence[int],
    folder: Path | None,
) -> list[Trial]:
    """The runs of a comparison: data set by data set, seed by seed, and there recipe by recipe.

    Raises `ConfigError` where names are not unique or seeds would change nothing, `DataError` where there are no texts.
    """
    _unique("recipes", [recipe.name for recipe in recipes])
    _unique("data sets", [data.name for data in datasets])
    if len(seeds) > 1 and limit is None:
        raise ConfigError("several seeds draw the same texts where all are taken; give --limit, or one seed")
    made = []
    for data in datasets:
        for seed in dict.fromkeys(seeds):
            common = plan(recipes[0], data, split, limit=limit, seed=seed)  # pool and texts are the same for all
            for recipe in recipes:
                setup = replace(common.setup, recipe=recipe, weights=weights(recipe))
                made.append(
                    Trial(replace(common, setup=setup), folder and run_folder(folder, recipe.name, data.name, seed))
                )
    return made


def run_folder(folder: Path, recipe: str, data: str, seed: int) -> Path:
    """Where a run is kept."""
    return folder / safe(recipe) / f"{safe(data)}-{seed}"


def safe(name: str) -> str:
    """A file name for any name, on any system: itself, if it is a plain one; else what is plain of it and a hash."""
    plain = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:60]
    if plain and plain == name and not re.fullmatch(r"con|prn|aux|nul|(com|lpt)\d", plain):
        return plain
    return f"{plain or 'x'}-{blake2b(name.encode(errors='surrogatepass'), digest_size=4).hexdigest()}"


def outcomes(
    planned: Iterable[Trial], workshop: Workshop, watch: Callable[[Trial], Watch] | None = None
) -> Iterator[tuple[Trial, Outcome]]:
    """Make or read the runs, one after the other, and score them. An error of el4ner's ends its own run only.

    A recipe that can be decided from the evidence of the first one is not run (see `ablate.redecided`).
    """
    first: Recipe | None = None
    evidence: Run | None = None
    for trial in planned:
        first = first or trial.plan.setup.recipe
        try:
            run = _run(trial, evidence, workshop, watch)
        except El4nerError as error:
            yield trial, Failed(trial.plan.setup, str(error))
            continue
        if trial.plan.setup.recipe == first:
            evidence = run
        yield trial, result(run)


def _run(trial: Trial, evidence: Run | None, workshop: Workshop, watch: Callable[[Trial], Watch] | None) -> Run:
    if kept := _kept(trial):
        return kept
    run = redecided(evidence, trial.plan.setup) if evidence else None
    if run is None:
        run = workshop.run(trial.plan, watch(trial) if watch else None)
    if trial.folder is not None:
        save(run, trial.folder, as_json(report(run)))
    return run


def _kept(trial: Trial) -> Run | None:
    """The run in the trial's folder, if it is the one that is wanted, can be read, and no member failed in it."""
    if trial.folder is None or load_setup(trial.folder) != trial.plan.setup:
        return None
    try:
        run = load(trial.folder)
    except DataError:
        return None
    return None if failures(run.costs) else run


def _unique(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two {what} are called {name!r}; give each a name of its own")
