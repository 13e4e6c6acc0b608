"""Recipes that build on others."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from el4ner.errors import ConfigError
from el4ner.recipes.load import load_recipe, parse_recipe, recipe_names, recipe_text
from el4ner.recipes.merge import merge
from el4ner.recipes.settings import Recipe
from el4ner.recipes.write import recipe_toml

NAMES = ("technical", "reader", "breadth")  # nano's members


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(file: str, text: str, base: str = "nano") -> str:
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(f'base = {json.dumps(base)}\nname = "mine"\n{text}', "utf-8")
    return file


def load(text: str, base: str = "nano") -> Recipe:
    return load_recipe(save("mine.toml", text, base))


def complaint(text: str, base: str = "nano") -> str:
    with pytest.raises(ConfigError) as caught:
        load(text, base)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_is_not_said_is_as_in_the_base() -> None:
    nano, mine = load_recipe("nano"), load("[decide]\nthreshold = 0.5")
    assert mine.decide == nano.decide.model_copy(update={"threshold": 0.5})
    assert mine.model_copy(update={"name": "nano", "decide": nano.decide}) == nano


def test_a_recipe_has_a_name_of_its_own_or_its_files_and_may_have_a_description() -> None:
    assert load('description = "better"').description == "better"
    Path("mine.toml").write_text('base = "nano"')
    assert load_recipe("mine.toml").name == "mine"  # the file's, where it gives none


def test_members_are_matched_by_name_and_new_ones_stand_behind() -> None:
    fourth = '[[members]]\nname = "fourth"\nmodel = "reader"\n'
    mine, nano = load(fourth + '[[members]]\nname = "reader"\nweight = 2.0'), load_recipe("nano")
    assert [m.name for m in mine.members] == [*NAMES, "fourth"]
    assert mine.members[1] == nano.members[1].model_copy(update={"weight": 2.0})
    assert (mine.members[0], mine.members[2]) == (nano.members[0], nano.members[2])


def test_members_that_are_named_are_those_that_stay() -> None:
    nano = load_recipe("nano")
    assert load('members = ["breadth", "technical"]').members == (nano.members[2], nano.members[0])
    mixed = load('members = [{name = "reader", weight = 2.0}, "technical"]')
    assert mixed.members == (nano.members[1].model_copy(update={"weight": 2.0}), nano.members[0])
    assert load("members = []\n[crf]\nvotes = true").members == ()
    assert complaint('members = ["raeder"]') == (
        "recipe mine.toml: members: the base has no member 'raeder'; did you mean 'reader'?"
    )
    twice = '[[members]]\nname = "reader"\nweight = 2.0\n'
    assert "name of its own" in complaint(twice + twice)


def test_a_model_of_another_engine_replaces_the_base_s() -> None:
    same = load("[models.reader]\nexact = true").models["reader"]
    assert same == load_recipe("nano").models["reader"].model_copy(update={"exact": True})
    server = '[models.reader]\nengine = "openai"\nbase_url = "http://x"\nmodel = "m"'
    assert load(server).models["reader"].engine == "openai"
    assert "models.reader.path" in complaint(server + '\npath = "x"')


def test_the_random_field_is_merged_under_its_old_name_as_well() -> None:
    assert load("[tagger]\nweight = 2.0", "hybrid").crf == load("[crf]\nweight = 2.0", "hybrid").crf
    assert "old name" in complaint("[tagger]\nvotes = true\n[crf]\nvotes = true")


def test_a_base_is_found_beside_the_file_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("sub/first.toml", "window = 3")
    save("sub/second.toml", "passage_bytes = 99", "first.toml")
    save("third.toml", "", "sub/second.toml")
    third = load_recipe("third.toml")
    assert (third.window, third.passage_bytes, third.retrieve.by) == (3, 99, "sentence")
    monkeypatch.setenv("HOME", str(tmp_path))
    for base in ("~/third.toml", str(tmp_path / "third.toml")):
        assert load_recipe(save("sub/fourth.toml", "", base)).window == 3


@pytest.mark.parametrize("name", recipe_names())
def test_a_saved_copy_works_in_any_folder(name: str) -> None:
    Path("copy.toml").write_text(recipe_text(name), "utf-8")
    assert load_recipe("copy.toml") == load_recipe(name)


def test_what_is_wrong_in_a_base_is_told_with_the_files_on_the_way() -> None:
    save("a.toml", "windw = 3")
    save("b.toml", "", "a.toml")
    told = "recipe a.toml: unknown key 'windw'; did you mean 'window'? (the base of b.toml) (the base of mine.toml)"
    assert complaint("window = 3", "b.toml") == told
    save("a.toml", "window = ]")
    assert complaint("", "b.toml").startswith("recipe a.toml: not TOML")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[decide]\ntreshold = 0.5", "unknown key 'decide.treshold'; did you mean 'threshold'?"),
        ('[decide]\nbase = "nano"', "'decide.base' has no place there; it belongs to the top"),
        ("members = 3", "members: "),
        ("members = [3]", "members.3: "),
        ("members = [{name = []}]", "members.3.name: "),
        ("models = 3", "models: "),
        ("models.reader = 3", "models.reader: "),
        ("models.reader.engine = []", "models.reader"),
        ("decide = 3", "decide: "),
    ],
)
def test_what_is_wrong_in_the_file_itself_names_it(text: str, told: str) -> None:
    assert complaint(text).startswith(f"recipe mine.toml: {told}")


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("nnao", "recipe 'nnao': neither a file nor one of "),
        ("gone/x.toml", "neither a file"),
        (".", "neither a file"),
        ("", "neither a file"),
        ("\x00", "neither a file"),
        ("~nobody-here/x.toml", "home"),
        ("x" * 5000, "cannot be read"),
        ("mine.toml", "recipe mine.toml: base: builds on itself (the base of mine.toml)"),
    ],
)
def test_a_base_that_is_not_there(base: str, told: str) -> None:
    message = complaint("", base)
    assert told in message
    assert message.endswith("(the base of mine.toml)")


def test_a_base_is_a_name() -> None:
    Path("mine.toml").write_text("base = 3")
    with pytest.raises(ConfigError, match=r"mine\.toml: base: 3; give the name"):
        load_recipe("mine.toml")


def test_circles_and_long_chains_end() -> None:
    save("a.toml", "", "b.toml")
    save("b.toml", "", "mine.toml")
    circle = "recipe mine.toml: base: builds on itself"
    assert complaint("", "a.toml").startswith(f"{circle} (the base of b.toml) (the base of a.toml) (the base of mine")
    save("0.toml", "")
    for number in range(1, 20):
        save(f"{number}.toml", "", f"{number - 1}.toml")
    assert load_recipe("6.toml").decide == load_recipe("nano").decide
    assert "more than 8 recipes" in complaint("", "19.toml")


tables = {
    "window": st.integers(1, 99),
    "decide": st.fixed_dictionaries({}, optional={"threshold": st.floats(0, 1), "proposers": st.integers(1, 2)}),
    "retrieve": st.fixed_dictionaries({}, optional={"seed": st.integers(), "diversity": st.floats(0, 1)}),
    "crf": st.fixed_dictionaries({}, optional={"weight": st.floats(0.5, 2), "votes": st.booleans()}),
}
changed = st.fixed_dictionaries(
    {"name": st.sampled_from([*NAMES, "fourth", "fifth"]), "model": st.sampled_from(NAMES)},
    optional={"weight": st.floats(0.5, 2), "seed": st.integers()},
)
changes = st.fixed_dictionaries(
    {"name": st.text(max_size=5)},
    optional={**tables, "members": st.lists(changed, min_size=1, max_size=3, unique_by=lambda m: m["name"])},
)
NANO = tomllib.loads(recipe_text("nano"))


@given(changes, changes)
def test_own_values_win_and_all_others_stay(first: dict[str, Any], second: dict[str, Any]) -> None:
    base = {**merge(NANO, first), "name": "base"}
    recipe, below = (parse_recipe(table, "x").model_dump() for table in (merge(base, second), base))
    own = {**second, "members": {m["name"]: m for m in second.get("members", [])}}
    for table in (recipe, below):
        table["members"] = {m["name"]: m for m in table["members"]}
    assert list(recipe["members"])[: len(below["members"])] == list(below["members"])
    for path, value in leaves(recipe).items():
        assert value == leaves(own).get(path, leaves(below).get(path, value))
    assert leaves(own).items() <= leaves(recipe).items()


def leaves(table: dict[str, Any], *above: str) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in table.items():
        found |= leaves(value, *above, key) if isinstance(value, dict) else {(*above, key): value}
    return found


@given(changes)
def test_merging_changes_neither_and_twice_is_once(own: dict[str, Any]) -> None:
    before = json.dumps([NANO, own])
    once = merge(NANO, own)
    assert merge(once, own) == once
    assert json.dumps([NANO, own]) == before
    assert merge(NANO, {"name": NANO["name"]}) == NANO


@given(changes)
def test_a_merged_recipe_is_written_whole_and_read_back_equal(own: dict[str, Any]) -> None:
    recipe = parse_recipe(merge(NANO, own), "mine")
    assert parse_recipe(tomllib.loads(recipe_toml(recipe)), "whole") == recipe
