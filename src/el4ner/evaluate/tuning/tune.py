"""The best recipe that a pool can tell, and how good it will be, from the pool alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Example
from el4ner.ensemble.costs import Cost
from el4ner.errors import ConfigError, DataError
from el4ner.evaluate.bootstrap import Comparison, Interval, compare, interval
from el4ner.evaluate.experiment import Workshop
from el4ner.evaluate.score import Counts, Score, total
from el4ner.evaluate.tuning.fit_calibration import CalibrationGain, platt_calibrated
from el4ner.evaluate.tuning.leave_one_out import Evidence, Opener, Watch
from el4ner.evaluate.tuning.one_standard_error import Goal, choose_setting
from el4ner.evaluate.tuning.search import Found, Tried, changed, demonstrations, retrievals, search
from el4ner.models.store import Store
from el4ner.pool.pool import Pool
from el4ner.recipes.load import load_recipe
from el4ner.recipes.settings import Recipe
from el4ner.text.passage import bytes_up_to, cut, show

FOLDS = 5
LEAST = 10  # texts with entities: two a fold


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score, and the 95 % interval of its F1."""

    score: Score
    interval: Interval


@dataclass(frozen=True, slots=True)
class Tuned:
    """The outcome.

    `before` is the base recipe's score on the texts, leave-one-out; `in_sample` that of the setting which was chosen on
    all of them, and so flatters it; `cross_validated`: the whole search is made on four fifths of the texts,
    and what it chose is scored on the rest, five times. `comparison` is of `cross_validated` with `before`.
    `kept`: so judged, the search is not better than the base recipe by a standard error (see `choose_setting`), so that
    `recipe` has the base recipe's settings, but for the calibration of its scores where that helps.
    `agreed`: in how many folds the search chose the very changes that it chose on all texts.
    `calibration`: what Platt calibration gains; `recipe` has its scores calibrated where that helps, `kept` or not.
    """

    recipe: Recipe
    base: Recipe
    goal: Goal
    texts: int
    before: Estimate
    in_sample: Estimate
    cross_validated: Estimate
    comparison: Comparison
    kept: bool
    agreed: int
    calibration: CalibrationGain
    tried: tuple[Tried, ...]
    costs: tuple[Cost, ...]

    @property
    def estimate(self) -> Estimate:
        """What to expect of `recipe` on other texts like the pool's."""
        return self.before if self.kept else self.cross_validated

    @property
    def changes(self) -> Mapping[str, tuple[Any, Any]]:
        """What is different from the base recipe: old and new values."""
        return changed(self.base, self.recipe)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search can cost: `runs` over all texts and `questions`, if all folds choose alike, and at most.

    `lists` of the questions, at most, ask for a passage's entities; the others are about candidates, of which nobody
    knows how many there will be: `candidates` are reckoned with, twice as many as there are true entities.
    """

    runs: tuple[int, int]
    questions: tuple[int, int]
    lists: int
    candidates: int


def tune(
    recipe: str | Recipe,
    pool: Pool,
    *,
    texts: int = 100,
    seed: int = 0,
    precision: float | None = None,
    only_scores: bool = False,
    store: Store | None = None,
    open_: Opener | None = None,
    watch: Watch | None = None,
) -> Tuned:
    """Choose a recipe's settings by `texts` of the pool (drawn by `seed`), and estimate how good the choice is.

    With `precision`, the highest recall at that precision or more is looked for, else the highest micro-F1.
    `only_scores` leaves all else, and calibrates the scores: one run over the texts. `store` keeps the replies, so
    that a search that was broken off goes on. `open_` makes the ensemble of a recipe and a pool (default: open the
    recipe's models), `watch` may wrap the annotations of every run. Raises `DataError` where the pool is too small,
    `ConfigError`, `ModelError`. Where the recipe asks members only about votes that are undecided, all are asked: a
    vote that one decision can spare, another needs.
    """
    if precision is not None and not 0 < precision < 1:
        raise ConfigError(f"precision: {precision} is not between 0 and 1")
    if only_scores and precision is not None:
        raise ConfigError("precision: with only_scores nothing is chosen that could reach it; leave one of the two out")
    base, goal = recipe if isinstance(recipe, Recipe) else load_recipe(recipe), Goal(precision)
    drawn = draw(pool, texts, seed)
    with ExitStack() as opened:
        replies = store or opened.enter_context(closing(Store.open(":memory:")))
        workshop = opened.enter_context(closing(Workshop(replies)))
        evidence = Evidence(pool, drawn, open_ or workshop.ensemble, watch)
        return _tuned(base, pool, evidence, goal, seed, only_scores)


def _all_asked(recipe: Recipe) -> Recipe:
    if recipe.classify.ask != "undecided":
        return recipe
    return recipe.model_copy(update={"classify": recipe.classify.model_copy(update={"ask": "others"})})


def draw(pool: Pool, texts: int, seed: int) -> tuple[Example, ...]:
    """So many different texts of the pool, in its order. Raises `DataError` where too few of them hold entities."""
    different = list({show(example.text): example for example in pool.examples if show(example.text)}.values())
    order = np.random.default_rng(seed).permutation(len(different))[:texts]
    drawn = tuple(different[i] for i in sorted(order))
    useful, held = (sum(bool(e.entities) for e in group) for group in (drawn, different))
    if held < LEAST:
        raise DataError(f"the pool has {held} different texts with entities; at least {LEAST} are needed to choose by")
    if useful < LEAST:
        raise DataError(f"only {useful} of the {len(drawn)} drawn texts hold entities, {LEAST} are needed; draw more")
    return drawn


def budget(recipe: Recipe, pool: Pool, drawn: tuple[Example, ...], only_scores: bool = False) -> Budget:
    """What a search by these texts can cost."""
    members = len(recipe.members)
    passages = sum(len(cut(e.text, bytes_up_to(recipe.passage_bytes))) for e in drawn)
    candidates = 2 * sum(len(example.entities) for example in drawn)
    axes = [len(demonstrations(recipe, pool)), len(retrievals(recipe))]
    searched = sum(axes) - len(axes) + 1, prod(axes)
    verified = 1 + bool(recipe.verify.members), FOLDS + 1 + bool(recipe.verify.members)
    first = 0
    if recipe.retrieve.by == "span":
        first += members * passages if recipe.retrieve.spans == "members" else 0
    if recipe.retrieve.pool_spans == "members":
        first += members * len(pool.examples)
    if only_scores:
        once = first + members * (passages + candidates * (1 + bool(recipe.verify.members)))
        return Budget((1, 1), (once, once), first + members * passages, candidates)
    few, most = (
        first + members * (n * (passages + candidates) + v * candidates)
        for n, v in zip(searched, verified, strict=True)
    )
    runs = searched[0] + verified[0], searched[1] + verified[1]
    return Budget(runs, (few, most), first + members * searched[1] * passages, candidates)


def _tuned(given: Recipe, pool: Pool, evidence: Evidence, goal: Goal, seed: int, only_scores: bool) -> Tuned:
    base = _all_asked(given)
    everything = range(len(evidence.texts))
    folds = np.array_split(np.random.default_rng(seed).permutation(len(everything)), FOLDS)
    before = in_sample = honest = evidence.table(base)
    chosen, agreed = Found(base, ()), FOLDS
    if not only_scores:
        chosen = search(base, pool, evidence, everything, goal)
        in_sample = evidence.table(chosen.recipe)
        honest, agreed = _cross_validated(base, pool, evidence, goal, folds, chosen)
    kept = not changed(base, chosen.recipe) or choose_setting(np.stack([before, honest]), [0, 1], goal, errors=1.0) == 0
    recipe, calibration = platt_calibrated(base if kept else chosen.recipe, evidence, folds)
    return Tuned(
        given if recipe == base else _named(recipe, len(everything), kept),
        given,
        goal,
        len(everything),
        _estimate(before),
        _estimate(in_sample),
        _estimate(honest),
        compare(before, honest),
        kept,
        agreed,
        calibration,
        chosen.tried,
        evidence.costs,
    )


def _cross_validated(
    base: Recipe, pool: Pool, evidence: Evidence, goal: Goal, folds: Sequence[NDArray[np.int64]], chosen: Found
) -> tuple[Counts, int]:
    """Counts of each text by what the search chooses without it and its fold; how often that is what it chose now."""
    table = np.zeros((len(evidence.texts), 3), dtype=np.int64)
    agreed = 0
    for fold in folds:
        rest = [int(row) for row in np.setdiff1d(np.concatenate(folds), fold)]
        found = search(base, pool, evidence, rest, goal)
        table[fold] = evidence.table(found.recipe)[fold]
        agreed += changed(base, found.recipe) == changed(base, chosen.recipe)
    return table, agreed


def _estimate(table: Counts) -> Estimate:
    return Estimate(total(table), interval(table))


def _named(recipe: Recipe, texts: int, kept: bool) -> Recipe:
    name = recipe.name if recipe.name.endswith("-tuned") else f"{recipe.name}-tuned"
    chosen = "scores calibrated" if kept else "settings chosen"
    description = f"{recipe.name.removesuffix('-tuned')} with {chosen} by {texts} labelled texts."
    return recipe.model_copy(update={"name": name, "description": description})
