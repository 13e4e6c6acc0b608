"""Variants of a recipe, and what can be decided anew instead of run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fakes import LABELS, POOL, FakeModel, LetterEncoder
from fakes import recipe as recipe_of

from el4ner.data import Example, Span
from el4ner.evaluate.ablate import GROUPS, redecided, variants
from el4ner.evaluate.compare import outcomes, trials
from el4ner.evaluate.experiment import Workshop, plan
from el4ner.evaluate.run import Run, Setup
from el4ner.evaluate.sets.dataset import Dataset
from el4ner.evaluate.table import Result
from el4ner.models.base import Reply, Request, Token, Usage
from el4ner.recipes.load import load_recipe
from el4ner.recipes.settings import Recipe

TEXTS = tuple(
    Example(f"t{n}", f"Ada{n} saw Oslo{n} and Rex{n} .", (Span(0, 3 + len(str(n)), "person"),)) for n in range(6)
)
DATA = Dataset("made up", LABELS, {"train": POOL.examples, "test": TEXTS}, "nowhere")


def answers(wrong: str, doubts: str) -> FakeModel:
    """A model that lists all three names, one of them with a type of its own, and doubts some types."""

    def answer(request: Request) -> Reply:
        assert isinstance(request.prompt, str)
        asked = request.prompt.rsplit("Text: ", 1)[1]
        ada, _, oslo, _, rex, *_ = asked.split()
        if asked.endswith("True or false? ("):
            text = "false" if doubts in asked.split("Entities: ")[1] else "true"
        else:
            text = f" {ada} (person); {oslo} (location); {rex} ({wrong})"
        return Reply(text, tokens=(Token(text, -0.3),), usage=Usage(5, 0, 2))

    return FakeModel(answer, identity=wrong)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeModel]:
    known = {"a": answers("person", "Oslo"), "b": answers("group", "Rex"), "c": answers("group", "Ada1")}
    monkeypatch.setattr("el4ner.evaluate.experiment.open_models", lambda models: {name: known[name] for name in models})
    monkeypatch.setattr("el4ner.pipeline.default_encoder", LetterEncoder)
    return known


def recipe(**sections: Any) -> Recipe:
    made = recipe_of(["a", "b", "c"], {"style": "compact", "demonstrations": 3}, **sections)
    models = {name: {"engine": "openvino", "path": name} for name in "abc"}
    return Recipe.model_validate({**made.model_dump(), "models": models})


def names(base: Recipe, *only: str) -> list[str]:
    return [variant.name for variant in variants(base, only)]


def of(base: Recipe, name: str) -> Recipe:
    return next(variant.recipe for variant in variants(base) if variant.name == name)


def test_the_papers_recipe_has_all_its_ablations() -> None:
    base = load_recipe("el4ner")
    assert names(base, "stages") == [
        "without verification", "without classification vote", "without demonstrations"
    ]  # fmt: skip
    assert names(base, "members") == [
        *("members glm4", "members phi4", "members qwen"),
        *("members glm4, phi4", "members glm4, qwen", "members phi4, qwen"),
    ]
    assert names(base, "retrieval") == ["retrieval by sentence", "retrieval by random"]
    assert names(base, "spans") == ["pool spans by gold", "pool spans by words", "input spans by words"]
    assert names(base, "verifier") == ["no verifier", "verifier glm4", "verifier phi4", "all verify"]
    assert names(base, "k") == [f"k = {k}" for k in (0, 1, 2, 4, 12, 16)]  # 8 is the recipe itself
    assert "threshold 0" not in names(base, "threshold")
    assert {variant.group for variant in variants(base)} == set(GROUPS)


def test_a_variant_differs_in_what_it_says_and_bears_its_name() -> None:
    base = load_recipe("el4ner")
    four = of(base, "k = 4")
    assert four.name == "el4ner: k = 4"
    assert {member.demonstrations for member in four.members} == {4}
    back = [m.model_copy(update={"demonstrations": 8}) for m in four.members]
    assert four.model_copy(update={"name": "el4ner", "members": tuple(back)}) == base
    assert of(base, "without classification vote").classify.ask == "nobody"
    assert of(base, "pool spans by words").retrieve.pool_spans == "words"


def test_what_is_the_same_under_two_names_stands_there_once() -> None:
    for name in ("el4ner", "nano", "single", "vote-at-end"):
        base = load_recipe(name)
        contents = [v.recipe.model_dump(exclude={"name", "description"}) for v in variants(base)]
        contents.append(base.model_dump(exclude={"name", "description"}))
        assert all(one not in contents[:i] for i, one in enumerate(contents))
    assert "no verifier" not in names(load_recipe("el4ner"))  # "without verification" is it
    assert "k = 0" not in names(load_recipe("el4ner"))


def test_a_member_that_is_off_does_not_verify() -> None:
    base = recipe(verify={"members": ["b"]})
    assert of(base, "members a, c").verify.members == ()
    assert of(base, "members a, b").verify.members == ("b",)


def test_a_single_member_is_not_taken_away() -> None:
    base = recipe_of(["a"])
    assert names(base, "members") == []
    assert names(base, "verifier") == ["verifier a"]


def test_a_tagger_that_votes_is_left_out_alone_and_weighed() -> None:
    base = load_recipe("hybrid")
    assert not of(base, "without the random field").crf.votes
    assert of(base, "no members").members == ()
    assert "rule weighted" in names(base, "vote")  # its weight is not that of a member
    assert "proposed by 4 or more" in names(base, "vote")
    assert names(load_recipe("tagger"), "members", "stages") == []


def run(models: Mapping[str, FakeModel], how: Recipe) -> Run:
    return Workshop().run(plan(how, DATA))


VERIFIED: dict[str, Any] = {"verify": {"members": ["a", "b", "c"]}, "decide": {"threshold": 0.3}}


UNVERIFIED: dict[str, Any] = {"decide": {"threshold": 0.3}}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        *((VERIFIED, name) for name in ("without verification", "verifier a", "verifier b")),
        *((UNVERIFIED, name) for name in ("threshold 0", "threshold 0.4", "threshold 0.6", "proposed by 3 or more")),
    ],
)
def test_decided_anew_is_what_a_run_would_have_given(
    models: dict[str, FakeModel], settings: dict[str, Any], name: str
) -> None:
    base = run(models, recipe(**settings))
    variant = of(base.setup.recipe, name)
    setup = plan(variant, DATA).setup
    calls = {key: model.calls for key, model in models.items()}
    again = redecided(base, setup)
    assert again is not None
    assert {key: model.calls for key, model in models.items()} == calls
    true = run(models, variant)
    assert again.setup == true.setup
    assert again.texts == true.texts
    assert [(c.stage, c.member, c.asked) for c in again.costs] == [(c.stage, c.member, c.asked) for c in true.costs]


@pytest.mark.parametrize(
    "name",
    [
        "rule probability",
        "threshold 0",
        "threshold 0.6",
        "proposed by 3 or more",
        "k = 4",
        "members a, b",
        "retrieval by random",
    ],
)
def test_what_models_have_to_be_asked_is_not_decided_anew(models: dict[str, FakeModel], name: str) -> None:
    base = run(models, recipe(**VERIFIED))
    assert redecided(base, plan(of(base.setup.recipe, name), DATA).setup) is None


def test_more_verifiers_have_to_be_asked(models: dict[str, FakeModel]) -> None:
    base = run(models, recipe(verify={"members": ["a"]}))
    assert redecided(base, plan(of(base.setup.recipe, "all verify"), DATA).setup) is None
    assert redecided(base, plan(of(base.setup.recipe, "verifier b"), DATA).setup) is None


def test_another_rule_needs_no_model_where_nobody_verifies(models: dict[str, FakeModel]) -> None:
    base = run(models, recipe())
    assert redecided(base, plan(of(base.setup.recipe, "rule probability"), DATA).setup) is not None


def test_evidence_of_other_texts_decides_nothing(models: dict[str, FakeModel]) -> None:
    base = run(models, recipe(**VERIFIED))
    setup: Setup = plan(of(base.setup.recipe, "threshold 0"), DATA, limit=3).setup
    assert redecided(base, setup) is None


@pytest.mark.parametrize(("settings", "group", "calls"), [(VERIFIED, "verifier", 6 + 18), (UNVERIFIED, "threshold", 6)])
def test_verifiers_and_thresholds_of_an_ablation_cost_no_call(
    models: dict[str, FakeModel], settings: dict[str, Any], group: str, calls: int
) -> None:
    base = recipe(**settings)
    recipes = [base, *(v.recipe for v in variants(base, [group]))]
    made = list(outcomes(trials(recipes, [DATA], "test", None, [0], None), Workshop()))
    assert len(made) == len(recipes) > 4
    assert all(isinstance(outcome, Result) for _, outcome in made)
    assert {key: model.calls for key, model in models.items()} == dict.fromkeys("abc", calls)


CALIBRATED: dict[str, Any] = {"decide": {"threshold": 0.3, "calibration": (1.0, -2.0)}}


@pytest.mark.parametrize(("first", "then"), [(UNVERIFIED, CALIBRATED), (CALIBRATED, UNVERIFIED)])
def test_calibrated_scores_are_decided_anew_in_both_directions(
    models: dict[str, FakeModel], first: dict[str, Any], then: dict[str, Any]
) -> None:
    again = redecided(run(models, recipe(**first)), plan(recipe(**then), DATA).setup)
    assert again is not None
    assert again.texts == run(models, recipe(**then)).texts


def test_a_calibration_changes_what_verifiers_are_asked(models: dict[str, FakeModel]) -> None:
    base = run(models, recipe(**VERIFIED))
    assert redecided(base, plan(recipe(**VERIFIED | CALIBRATED), DATA).setup) is None
