"""A staged search for a better recipe, one kind of setting after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from el4ner.decide import Rule, calibrated
from el4ner.evaluate.score import Score, total
from el4ner.evaluate.tuning.leave_one_out import Evidence
from el4ner.evaluate.tuning.one_standard_error import Goal, choose
from el4ner.pool.pool import Pool
from el4ner.recipes.settings import CRF, Recipe, RetrieveSettings, VerifySettings

DEMONSTRATIONS = (4, 8, 16)
THRESHOLDS = tuple(round(0.05 * n, 2) for n in range(20))


@dataclass(frozen=True, slots=True)
class Tried:
    """A setting at its best threshold, and its score on the texts that it was judged by; `chosen` won its stage."""

    stage: str
    setting: str
    threshold: float
    score: Score
    chosen: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a search ended with, and what it tried on the way."""

    recipe: Recipe
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A recipe, and what is different about it in a few words."""

    name: str
    recipe: Recipe


def search(base: Recipe, pool: Pool, evidence: Evidence, rows: Sequence[int], goal: Goal) -> Found:
    """The best recipe by the texts `rows`: see `choose` for what best means.

    Stages: how many demonstrations; how they are retrieved; rule, weights and proposers of the vote; verifiers. Each
    starts from what the one before chose, and looks for the threshold anew. The first three leave verification out.
    The first two say how good the answers are, and go by F1: only the vote and the verifiers can trade recall for the
    precision of the goal.
    """
    now = base.model_copy(update={"verify": VerifySettings()})
    tried: list[Tried] = []
    steps: tuple[tuple[str, Callable[[Recipe], list[Alternative]], Goal], ...] = (
        ("demonstrations", lambda recipe: demonstrations(recipe, pool), Goal()),
        ("retrieval", retrievals, Goal()),
        ("vote", lambda recipe: _votes(recipe, evidence, rows), goal),
        ("verification", lambda recipe: verifications(recipe, base), goal),
    )
    for stage, alternatives, aim in steps:
        now, stage_tried = _stage(stage, alternatives(now), base, evidence, rows, aim)
        tried += stage_tried
    return Found(now, tuple(tried))


def demonstrations(recipe: Recipe, pool: Pool) -> list[Alternative]:
    """The recipe as it is, and with k demonstrations for every member that is shown any, as far as the pool goes."""
    held = sum(bool(example.entities) for example in pool.examples) - 1  # one is left out
    stripes = max((member.stripe[1] for member in recipe.members), default=1)
    shown = [m.demonstrations for m in recipe.members if m.demonstrations]
    alternatives = [Alternative("as it is: " + ", ".join(str(m.demonstrations) for m in recipe.members), recipe)]
    for k in DEMONSTRATIONS:
        if shown and set(shown) != {k} and k * stripes <= held:
            members = (m.model_copy(update={"demonstrations": k}) if m.demonstrations else m for m in recipe.members)
            alternatives.append(Alternative(str(k), recipe.model_copy(update={"members": tuple(members)})))
    return alternatives


def retrievals(recipe: Recipe) -> list[Alternative]:
    """The recipe as it is, by whole sentences, and by spans by part of speech."""
    now = recipe.retrieve
    alternatives = [Alternative(f"as it is: {retrieval(now)}", recipe)]
    for update in ({"by": "sentence"}, {"by": "span", "spans": "words"}):
        other = now.model_copy(update=update)
        if retrieval(other) != retrieval(now):
            alternatives.append(Alternative(retrieval(other), recipe.model_copy(update={"retrieve": other})))
    return alternatives


def verifications(recipe: Recipe, base: Recipe) -> list[Alternative]:
    """The base recipe's verifiers, none, each member alone, and all."""
    names = tuple(member.name for member in recipe.members)
    sets = dict.fromkeys([base.verify.members, (), *((name,) for name in names), names])
    return [
        Alternative(", ".join(chosen) or "none", recipe.model_copy(update={"verify": VerifySettings(members=chosen)}))
        for chosen in sets
    ]


def _votes(recipe: Recipe, evidence: Evidence, rows: Sequence[int]) -> list[Alternative]:
    """Rules, weights (the recipe's, and how often each member is right), and how many must have proposed."""
    measured = recipe.weighing(evidence.weights(recipe, rows))
    rules: tuple[Rule, ...] = ("majority", "weighted", "probability")
    votes = [(r, recipe) for r in rules if r == recipe.decide.rule or not (recipe.alike and r == "weighted")]
    votes += [(r, measured) for r in rules if r != "majority" and len(recipe.weights) > 1]
    return [
        Alternative(
            f"{rule}{' by accuracy' if weighed is measured else ''}, {proposers} propose",
            weighed.model_copy(update={"decide": decide}),
        )
        for rule, weighed in votes
        for proposers in range(1, len(recipe.weights) + 1)
        if (decide := recipe.decide.model_copy(update={"rule": rule, "proposers": proposers}))
    ]


def _stage(
    stage: str, alternatives: Sequence[Alternative], base: Recipe, evidence: Evidence, rows: Sequence[int], goal: Goal
) -> tuple[Recipe, list[Tried]]:
    """The best of the alternatives with the best of the thresholds, and every alternative at its own best one."""
    how = base.decide
    thresholds = sorted({how.threshold, *(calibrated(t, how.calibration) if t else t for t in THRESHOLDS)})
    recipes = [_thresholds(alternative.recipe, thresholds) for alternative in alternatives]
    scored = [evidence.scored(alternative.recipe) for alternative in alternatives]
    tables = np.array([[one.table(t)[list(rows)] for t in thresholds] for one in scored])
    changes = [[len(changed(base, recipe)) for recipe in group] for group in recipes]
    flat = tables.reshape(-1, *tables.shape[2:])
    best, at = divmod(choose(flat, [n for group in changes for n in group], goal), len(thresholds))
    tried = []
    for number, alternative in enumerate(alternatives):
        own = at if number == best else choose(tables[number], changes[number], goal)
        score = total(tables[number][own])
        tried.append(Tried(stage, alternative.name, thresholds[own], score, number == best))
    return recipes[best][at], tried


def changed(base: Recipe, recipe: Recipe) -> dict[str, tuple[Any, Any]]:
    """The kinds of setting in which two recipes with the same members differ: the old values and the new."""
    old, new = _settings(base), _settings(recipe)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {
        "demonstrations": {member.name: member.demonstrations for member in recipe.members},
        "weight": recipe.weights | ({CRF: "measured"} if recipe.crf.votes and recipe.crf.measured else {}),
        "retrieve": retrieval(recipe.retrieve),
        "classify.ask": recipe.classify.ask,
        "verify.members": list(recipe.verify.members),
        "decide.rule": recipe.decide.rule,
        "decide.proposers": recipe.decide.proposers,
        "decide.threshold": recipe.decide.threshold,
        "decide.calibration": recipe.decide.calibration,
    }


def retrieval(settings: RetrieveSettings) -> str:
    """How demonstrations are found, in a few words."""
    return f"span, spans by {settings.spans}" if settings.by == "span" else settings.by


def _thresholds(recipe: Recipe, thresholds: Sequence[float]) -> list[Recipe]:
    decides = (recipe.decide.model_copy(update={"threshold": threshold}) for threshold in thresholds)
    return [recipe.model_copy(update={"decide": decide}) for decide in decides]
