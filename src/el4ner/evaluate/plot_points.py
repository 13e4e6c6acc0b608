"""What the plots show, from runs: a point for each recipe on each data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path
from statistics import fmean

import numpy as np

from el4ner.errors import DataError
from el4ner.evaluate.bootstrap import Interval, interval
from el4ner.evaluate.run import Run, load
from el4ner.evaluate.score import Text, total
from el4ner.evaluate.table import Result, by_text, result
from el4ner.recipes.settings import Recipe


@dataclass(frozen=True, slots=True)
class Point:
    """A recipe on a data set: strict micro-F1 over its runs' texts together, its 95 % interval, and what it cost.

    `family` is the same for recipes that differ in nothing but the number of demonstrations; `k` is the most that a
    member is shown. `tokens` are those of a text, prompt and generated.
    """

    recipe: str
    family: str
    data: str
    f1: float
    interval: Interval
    tokens: float
    parameters: int | None
    k: int


def read_runs(folders: Iterable[Path]) -> Iterator[Run]:
    """The runs in these folders and below them, each once, by path. Raises `DataError` where there is none."""
    found: dict[Path, Path] = {}
    for folder in folders:
        below = sorted(file.parent for file in folder.rglob("run.json"))
        if not below:
            raise DataError(f"{folder}: no run there; make one with `el4ner eval ... -o {folder}`")
        found |= {path.resolve(): path for path in below}
    return map(load, found.values())


def points(runs: Iterable[Run]) -> list[Point]:
    """A point for each recipe on each data set, in the order in which they first occur.

    What the bootstrap draws is texts: one that several seeds have drawn stands there once, with its counts added up, so
    that repeating a run makes nothing surer (as in `table`).
    """
    results = [result(run) for run in runs]
    recipes = [one.setup.recipe for one in results]
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for name, family, one in zip(names(recipes), _families(recipes), results, strict=True):
        groups.setdefault((name, family, f"{one.setup.data}, {one.setup.split}"), []).append(one)
    return [_point(*key, group) for key, group in groups.items()]


def texts_by_recipe(runs: Iterable[Run]) -> dict[str, tuple[list[Text], tuple[str, ...]]]:
    """The texts of all runs of each recipe together, and the types that were asked for."""
    kept = [(run.setup.recipe, run.judged(), run.labels) for run in runs]
    told: dict[str, tuple[list[Text], tuple[str, ...]]] = {}
    for name, (_, texts, labels) in zip(names([recipe for recipe, _, _ in kept]), kept, strict=True):
        before, types = told.get(name, ([], ()))
        told[name] = before + texts, tuple(dict.fromkeys([*types, *(label.name for label in labels)]))
    return told


def names(recipes: Sequence[Recipe]) -> list[str]:
    """A name for each recipe: its own, with a number where different recipes have the same."""
    told: dict[str, str] = {}
    taken: dict[str, int] = {}
    for recipe in recipes:
        key = recipe.model_dump_json()
        if key not in told:
            taken[recipe.name] = number = taken.get(recipe.name, 0) + 1
            told[key] = recipe.name if number == 1 else f"{recipe.name} ({number})"
    return [told[recipe.model_dump_json()] for recipe in recipes]


def _families(recipes: Sequence[Recipe]) -> list[str]:
    """What recipes are called that differ in name and number of demonstrations alone: what their names begin with."""
    keys = [_without_k(recipe) for recipe in recipes]
    alike: dict[str, list[str]] = {}
    for key, recipe in zip(keys, recipes, strict=True):
        alike.setdefault(key, []).append(recipe.name)
    begin = {key: commonprefix(named).rstrip(" -_=([") or named[0] for key, named in alike.items()}  # noqa: RUF071
    taken: Mapping[str, list[str]] = {name: [k for k in begin if begin[k] == name] for name in begin.values()}
    number = {key: taken[name].index(key) + 1 for key, name in begin.items()}
    return [begin[key] if number[key] == 1 else f"{begin[key]} ({number[key]})" for key in keys]


def _without_k(recipe: Recipe) -> str:
    members = tuple(member.model_copy(update={"demonstrations": 0}) for member in recipe.members)
    return recipe.model_copy(update={"name": "", "description": "", "members": members}).model_dump_json()


def _point(name: str, family: str, data: str, results: Sequence[Result]) -> Point:
    table = np.stack(list(by_text(results).values()))
    first = results[0]
    tokens = fmean((one.report.bill.prompt + one.report.bill.generated) / max(1, len(one.texts)) for one in results)
    k = max((member.demonstrations for member in first.setup.recipe.members), default=0)
    return Point(name, family, data, total(table).f1, interval(table), tokens, first.report.bill.parameters, k)
