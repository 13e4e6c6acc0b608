from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from el4ner.errors import ConfigError
from el4ner.models.openvino.settings import OpenVINOSettings
from el4ner.recipes.load import load_recipe, parse_recipe, recipe_names, recipe_text

MODELS = {
    "small": {"engine": "openvino", "path": "model.gguf"},
    "large": {"engine": "openai", "base_url": "http://localhost/v1", "model": "m"},
}


def table(**changes: Any) -> dict[str, Any]:
    members = [{"name": "first", "model": "small"}, {"name": "second", "model": "large", "style": "compact"}]
    return {"name": "test", "models": MODELS, "members": members, **changes}


def member(**changes: Any) -> dict[str, Any]:
    return table(members=[{"name": "first", "model": "small", **changes}])


def complaint(recipe: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_recipe(recipe, "mine.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("recipe mine.toml: ")
    return message.removeprefix("recipe mine.toml: ")


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_under_its_own_name(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.members or recipe.crf.votes


def test_the_default_recipe_is_shipped() -> None:
    recipe = load_recipe("nano")
    assert len(recipe.members) >= 3
    assert all(isinstance(model, OpenVINOSettings) for model in recipe.models.values())


def test_what_is_not_said_has_the_documented_default() -> None:
    recipe = parse_recipe(table(), "test")
    assert recipe.window == 32
    assert recipe.retrieve.by == "span"
    assert recipe.retrieve.spans == "members"  # the paper's pre-extraction
    weights = recipe.retrieve.proper, recipe.retrieve.common, recipe.retrieve.pronoun, recipe.retrieve.other
    assert weights == (4, 2, 1, 0)
    assert recipe.decide.rule == "majority"
    assert recipe.decide.proposers == 1  # the paper's union
    assert recipe.members[0].demonstrations == 8


def test_settings_cannot_be_changed_afterwards() -> None:
    recipe = parse_recipe(table(), "test")
    for name in type(recipe).model_fields:
        with pytest.raises(ValidationError):
            setattr(recipe, name, getattr(recipe, name))


@pytest.mark.parametrize(
    ("recipe", "key", "nearest"),
    [
        (table(windw=3), "windw", "window"),
        (table(extract={"constrian": True}), "extract.constrian", "constrain"),
        (table(decide={"treshold": 0.5}), "decide.treshold", "threshold"),
        (table(verify={"member": ["first"]}), "verify.member", "members"),
        (member(demonstration=3), "members.0.demonstration", "demonstrations"),
        (table(models={"small": MODELS["small"] | {"contxt": 8}}), "models.small.contxt", "context"),
        (table(models={"small": MODELS["large"] | {"base-url": "x"}}), "models.small.base-url", "base_url"),
    ],
)
def test_an_unknown_key_names_the_nearest(recipe: dict[str, Any], key: str, nearest: str) -> None:
    assert complaint(recipe) == f"unknown key {key!r}; did you mean {nearest!r}?"


def test_a_key_like_no_other_is_just_unknown() -> None:
    assert complaint(table(xyzzy=1)) == "unknown key 'xyzzy'"


def test_a_member_that_names_a_missing_model() -> None:
    message = complaint(member(model="smal"))
    assert "'first'" in message
    assert "'smal'" in message
    assert "did you mean 'small'?" in message


def test_a_verifier_that_is_no_member() -> None:
    assert "did you mean 'second'?" in complaint(table(verify={"members": ["secnd"]}))


def test_hints_do_not_go_with_a_label_tree() -> None:
    assert "branches" in complaint(table(classify={"branches": 4}, crf={"hints": True}))
    assert complaint(table(classify={"branches": 1})).startswith("classify.branches:")


@pytest.mark.parametrize(
    "more",
    [{"crf": {"votes": True}}, {"verify": {"members": ["first"]}, "decide": {"threshold": 0.5}}],
)
def test_every_vote_is_asked_for_where_its_score_counts(more: dict[str, Any]) -> None:
    assert "every vote matters" in complaint(table(classify={"ask": "undecided"}, **more))
    assert parse_recipe(table(classify={"ask": "undecided"}), "test").classify.ask == "undecided"


def test_there_is_someone_to_vote() -> None:
    assert "let the random field vote" in complaint(table(members=[]))
    assert parse_recipe(table(members=[], crf={"votes": True}), "test").members == ()
    named = [{"name": "crf", "model": "small"}]
    assert "'crf'" in complaint(table(members=named, crf={"votes": True}))
    assert parse_recipe(table(members=named, crf={"hints": True}), "test").members


def test_members_of_one_name() -> None:
    assert "name of its own" in complaint(table(members=[{"name": "a", "model": "small"}] * 2))


@pytest.mark.parametrize(
    ("extract", "problem"),
    [
        ({"answer": "marks"}, "says no types"),
        ({"answer": "reasons", "types": "none"}, "says types"),
        ({"answer": "marks", "types": "none", "constrain": True}, "constrain"),
        ({"samples": 2}, "temperature 0"),
    ],
)
def test_ways_of_extraction_that_do_not_go_together(extract: dict[str, Any], problem: str) -> None:
    assert problem in complaint(table(extract=extract))


@pytest.mark.parametrize(
    ("recipe", "key"),
    [
        (table(members=[]), "members"),
        (table(crf={"votes": 2}), "crf.votes"),
        (table(extract={"samples": 0}), "extract.samples"),
        (table(classify={"ask": "someone"}), "classify.ask"),
        (table(window=0), "window"),
        (table(passage_bytes=4), "passage_bytes"),
        (table(decide={"threshold": 1.5}), "decide.threshold"),
        (table(decide={"threshold": float("nan")}), "decide.threshold"),
        (table(decide={"rule": "loudest"}), "decide.rule"),
        (table(decide={"overlap": "some"}), "decide.overlap"),
        (table(retrieve={"proper": -1}), "retrieve.proper"),
        (table(retrieve={"proper": float("inf")}), "retrieve.proper"),
        (member(weight=0), "members.0.weight"),
        (member(weight=float("inf")), "members.0.weight"),
        (member(temperature=-1), "members.0.temperature"),
        (member(style="fancy"), "members.0.style"),
        (member(demonstrations=-1), "members.0.demonstrations"),
        (member(stripe=[0, 0]), "members.0.stripe.1"),
        (member(stripe=[2, 2]), "members.0"),
        (table(models={"small": {"engine": "openvino"}}), "models.small.path"),
        (table(models={"small": {"engine": "steam", "path": "x"}}), "models.small"),
        (table(models={"small": {"path": "x"}}), "models.small"),
        ({"name": "test", "members": []}, "models"),
        ({}, "name"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_key(recipe: dict[str, Any], key: str) -> None:
    assert complaint(recipe).startswith(f"{key}:")


def test_a_recipe_of_ones_own_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("\ufeff" + recipe_text("nano").replace('name = "nano"', 'name = "own"', 1), "utf-8")
    recipe = load_recipe(str(file))
    assert recipe.name == "own"
    assert recipe.members == load_recipe("nano").members


def test_a_recipe_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'nno': neither a file nor one of .*nano.*did you mean 'nano'\?"):
        load_recipe("nno")
    with pytest.raises(ConfigError, match="neither a file"):
        load_recipe(str(tmp_path))  # a folder


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"name = ]", "not TOML.*line 1"), (b"\xff\xfe", "not UTF-8 at byte 0")],
    ids=["toml", "utf-8"],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_recipe(str(file))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"decide": {"proposers": 3}}, "decide.proposers: 3 of 2"),
        ({"extract": {"types": "none"}, "classify": {"ask": "nobody"}}, "nobody says a type"),
        ({"retrieve": {"by": "random", "balance": True}}, "balance and diversity"),
        ({"retrieve": {"by": "random", "diversity": 0.5}}, "balance and diversity"),
    ],
)
def test_settings_that_cannot_find_anything_or_would_be_ignored(sections: dict[str, Any], told: str) -> None:
    assert told in complaint(table(**sections))


def test_all_who_vote_have_weights() -> None:
    recipe = parse_recipe(table(crf={"votes": True, "weight": 2.0}), "x")
    assert recipe.weights == {"first": 1.0, "second": 1.0, "crf": 2.0}
    other = {"first": 0.5, "second": 0.25, "crf": 3.0}
    assert recipe.weighing(other).weights == other
    assert parse_recipe(table(), "x").weights == {"first": 1.0, "second": 1.0}


def test_a_key_in_the_wrong_table_is_told_where_it_belongs() -> None:
    assert complaint(table(demonstrations=4)) == "'demonstrations' has no place there; it belongs to [[members]]"
    assert complaint(table(decide={"by": "span"})) == "'decide.by' has no place there; it belongs to [retrieve]"
    assert "it belongs to [retrieve] or" not in complaint(table(decide={"by": "span"}))
    assert "it belongs to the top" in complaint(member(window=3))


def test_the_random_field_is_set_under_its_old_name_as_well() -> None:
    old = parse_recipe(table(tagger={"votes": True, "weight": 2.0}), "x")
    assert old == parse_recipe(table(crf={"votes": True, "weight": 2.0}), "x")
    assert "old name" in complaint(table(tagger={"votes": True}, crf={"votes": True}))
