"""The ablations of EL4NER (arXiv 2505.23038), as variants of a recipe: one thing left out or replaced in each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pydantic import ValidationError

from el4ner.annotation import Annotation
from el4ner.evaluate.run import Run, Setup
from el4ner.evaluate.stages import Judged
from el4ner.recipes.settings import Recipe
from el4ner.stages.state import VERIFY

Changes = Mapping[str, Any]
DEMONSTRATIONS = (0, 1, 2, 4, 8, 12, 16)
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe that differs from another in what `name` says; `group` is what is varied."""

    group: str
    name: str
    recipe: Recipe


def variants(base: Recipe, only: Collection[str] = ()) -> list[Variant]:
    """The variants of a recipe, of all `GROUPS` or some of them; each is named after the base.

    What is the recipe itself, or another variant under another name, is left out; so is what the recipe's other
    settings do not allow.
    """
    made: list[Variant] = []
    seen = [_content(base)]
    for group, vary in GROUPS.items():
        if only and group not in only:
            continue
        for name, changes in vary(base):
            recipe = _changed(base, name, changes)
            if recipe is not None and _content(recipe) not in seen:
                seen.append(_content(recipe))
                made.append(Variant(group, name, recipe))
    return made


def redecided(run: Run, setup: Setup) -> Run | None:
    """The run that `setup` would give, from the evidence of another; None where models have to be asked.

    That is so for all that happens after the last question: verifiers that are left out and, where nobody verifies, how
    votes are counted. Verifiers are asked about what was elected and can still be kept, so that another rule,
    threshold or number of proposers would have asked them something else; and with `ask = "undecided"` so are members.
    `seconds` is 0, and the costs are those of the questions that would have been asked.
    """
    old, new = run.setup.recipe, setup.recipe
    if replace(run.setup, recipe=new) != setup or not _follows(old, new):
        return None
    kept = set(new.verify.members)
    texts = tuple(Judged(text.gold, _again(text.annotation, new, kept)) for text in run.texts)
    costs = tuple(cost for cost in run.costs if cost.stage != VERIFY or cost.member in kept)
    return replace(run, setup=setup, texts=texts, costs=costs, seconds=0.0)


def _follows(old: Recipe, new: Recipe) -> bool:
    after = {"name": old.name, "description": old.description, "verify": old.verify, "decide": old.decide}
    fewer = set(new.verify.members) <= set(old.verify.members)
    asked_the_same = not new.verify.members or _asked_about(new) == _asked_about(old)
    if new.classify.ask == "undecided":
        asked_the_same = new.decide == old.decide
    return new.model_copy(update=after) == old and fewer and asked_the_same


def _asked_about(recipe: Recipe) -> tuple[object, ...]:
    how = recipe.decide
    return how.rule, how.threshold, how.proposers, how.calibration


def _again(annotation: Annotation, recipe: Recipe, verifiers: Collection[str]) -> Annotation:
    ballots = tuple(
        replace(ballot, verdicts=tuple(v for v in ballot.verdicts if v.member in verifiers))
        for ballot in annotation.ballots
    )
    return replace(annotation, ballots=ballots).decide(recipe.decide.decision(annotation.decision.weights))


def _changed(base: Recipe, name: str, changes: Changes) -> Recipe | None:
    """The recipe with some settings replaced: {key: value} or {section: {key: value}}."""
    table = base.model_dump()
    for key, value in changes.items():
        table[key] = {**table[key], **value} if isinstance(value, Mapping) else value
    table["name"] = f"{base.name}: {name}"
    try:
        return Recipe.model_validate(table)
    except ValidationError:
        return None


def _content(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(exclude={"name", "description"})


def _stages(base: Recipe) -> Iterator[tuple[str, Changes]]:
    """A list that counted beside an answer counts alone as it did then: silence is no belief, not "none of these"."""
    yield "without verification", {"verify": {"members": ()}}
    lists = {"ask": "nobody", "none": False} if base.classify.ask == "both" else {"ask": "nobody"}
    if base.members:
        yield "without classification vote", {"classify": lists}
    yield "without demonstrations", _demonstrations(base, 0)
    yield "without the random field", {"crf": {"votes": False}}


def _members(base: Recipe) -> Iterator[tuple[str, Changes]]:
    """None (a random field alone), each alone, the first two, three, ..., each left out. Who is off does not verify."""
    names = [member.name for member in base.members]
    sets = [(), *combinations(names, 1), *(tuple(names[:n]) for n in range(2, len(names)))]
    for kept in (*sets, *combinations(names, max(0, len(names) - 1))):
        members = [member.model_dump() for member in base.members if member.name in kept]
        verifiers = [name for name in base.verify.members if name in kept]
        yield (
            f"members {', '.join(kept)}" if kept else "no members",
            {"members": members, "verify": {"members": verifiers}},
        )


def _retrieval(base: Recipe) -> Iterator[tuple[str, Changes]]:
    for by in ("span", "sentence", "random"):
        yield f"retrieval by {by}", {"retrieve": {"by": by}}


def _spans(base: Recipe) -> Iterator[tuple[str, Changes]]:
    """Whose spans are compared: the pool's, and the input's."""
    for whose in ("gold", "words", "members"):
        yield f"pool spans by {whose}", {"retrieve": {"by": "span", "pool_spans": whose}}
    for whose in ("words", "members"):
        yield f"input spans by {whose}", {"retrieve": {"by": "span", "spans": whose}}


def _verifiers(base: Recipe) -> Iterator[tuple[str, Changes]]:
    names = [member.name for member in base.members]
    yield "no verifier", {"verify": {"members": ()}}
    for name in names:
        yield f"verifier {name}", {"verify": {"members": (name,)}}
    yield "all verify", {"verify": {"members": tuple(names)}}


def _numbers(base: Recipe) -> Iterator[tuple[str, Changes]]:
    for k in DEMONSTRATIONS:
        yield f"k = {k}", _demonstrations(base, k)


def _votes(base: Recipe) -> Iterator[tuple[str, Changes]]:
    for rule in ("majority", "probability") if base.alike else ("majority", "weighted", "probability"):
        yield f"rule {rule}", {"decide": {"rule": rule}}
    for least in range(1, len(base.weights) + 1):
        yield f"proposed by {least} or more", {"decide": {"proposers": least}}


def _thresholds(base: Recipe) -> Iterator[tuple[str, Changes]]:
    for threshold in THRESHOLDS:
        yield f"threshold {threshold:g}", {"decide": {"threshold": threshold}}


def _demonstrations(base: Recipe, k: int) -> Changes:
    return {"members": [{**member.model_dump(), "demonstrations": k} for member in base.members]}


GROUPS: Mapping[str, Callable[[Recipe], Iterator[tuple[str, Changes]]]] = {
    "stages": _stages,
    "members": _members,
    "retrieval": _retrieval,
    "spans": _spans,
    "verifier": _verifiers,
    "k": _numbers,
    "vote": _votes,
    "threshold": _thresholds,
}
