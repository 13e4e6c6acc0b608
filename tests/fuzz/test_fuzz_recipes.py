"""Recipes of any kind: read, and then written and read again as they were, or refused in one line."""

from __future__ import annotations

import datetime
import random
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from campaign import campaign, told
from growth import in_line
from mutation import mutated_bytes, mutated_text, mutated_value, nasty, value

from el4ner.errors import ConfigError
from el4ner.recipes.load import load_recipe, parse_recipe, recipe_names, recipe_text
from el4ner.recipes.settings import Recipe
from el4ner.recipes.write import recipe_toml

pytestmark = pytest.mark.fuzz
TEXTS = [recipe_text(name) for name in recipe_names()]
TABLES: list[dict[str, Any]] = [tomllib.loads(text) for text in TEXTS]
_VALUES: tuple[Any, ...] = (
    datetime.date(2024, 2, 29), datetime.datetime(1, 1, 1), datetime.time(0), 10**400, -(10**400), "openai", "openvino",
    "nano", "package:a/../../b", "package:os/x", "~nobody/x", "http://[::1", "http://a:99999/v1", "ftp://a", "\0", {},
    [0, 0], [1], [[]], float("nan"), float("inf"), 1e-320, 2**31, 2**63, "majority", ["first"], True,
)  # fmt: skip
_TOKENS = (
    b"[", b"]", b"[[", b"=", b'"', b"'", b'"""', b"#", b"\n", b"{", b"}", b".", b",", b"\\u0000", b"\\UFFFFFFFF",
    b"nan", b"-inf", b"9" * 5000, b"0x", b"1979-05-27", b"[" * 2000, b"{a=" * 2000, b"a." * 2000, b'base = "nano"\n',
    b"[members]\n", b"\xff", b"\xef\xbb\xbf",
)  # fmt: skip


def sound(recipe: Recipe) -> None:
    """What was read can be written, and is then the same, or the reason why not is told."""
    assert isinstance(recipe, Recipe)
    assert recipe.members or recipe.crf.votes
    try:
        text = recipe_toml(recipe)
    except ConfigError as error:
        told(error, recipe.name if recipe.name.isprintable() else "")
        return
    assert parse_recipe(tomllib.loads(text), recipe.name) == recipe


def file(rng: random.Random) -> bytes:
    text = rng.choice(TEXTS)
    match rng.randint(0, 4):
        case 0:
            return mutated_bytes(rng, text.encode(), _TOKENS)
        case 1:
            lines = text.splitlines(keepends=True)
            rng.shuffle(lines)
            return "".join(lines[: rng.randint(0, len(lines))]).encode()
        case 2:
            return mutated_bytes(rng, (text + rng.choice(TEXTS)).encode(), _TOKENS)
        case 3:
            return nasty(rng, 9).encode("utf-8", "surrogatepass")
        case _:
            return mutated_text(rng, text).encode("utf-8", "surrogatepass")


def load(folder: Path, given: bytes) -> None:
    (path := folder / "mine.toml").write_bytes(given)
    try:
        recipe = load_recipe(str(path))
    except ConfigError as error:
        told(error, "mine")
        return
    sound(recipe)


def test_any_file_is_a_recipe_or_refused(tmp_path: Path) -> None:
    campaign("recipe files", file, partial(load, tmp_path))


def _places(table: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    return [path, *(place for key, part in inner for place in _places(part, (*path, key)))]


def _put(table: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy = table.copy()
    copy[path[0]] = _put(copy[path[0]], path[1:], new)
    return copy


def _dug(table: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        table = table[step]
    return table


def table(rng: random.Random) -> dict[str, Any]:
    """A shipped recipe's table with values of others, of no one, or gone."""
    changed: Any = rng.choice(TABLES)
    for _ in range(rng.choice((1, 1, 2, 3))):
        other = rng.choice(TABLES)
        new = rng.choice((_dug(other, rng.choice(_places(other))), rng.choice(_VALUES), value(rng, 2)))
        places = _places(changed)[1:]
        changed = (
            _put(changed, rng.choice(places), new) if places and rng.random() < 0.7 else mutated_value(rng, changed)
        )
        if not isinstance(changed, dict):
            changed = {"name": changed}
    return changed


def parse(given: dict[str, Any]) -> None:
    try:
        recipe = parse_recipe(given, "mine")
    except ConfigError as error:
        told(error, "mine")
        return
    sound(recipe)


def test_any_table_is_a_recipe_or_refused() -> None:
    campaign("recipe tables", table, parse)


def built(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """What a recipe builds on, and what it says itself."""
    base = rng.choice((*recipe_names(), "mine.toml", "nowhere.toml", "/", "", "~", "\0", "~nobody/x.toml"))
    return base, table(rng)


def build(folder: Path, given: tuple[str, dict[str, Any]]) -> None:
    base, own = given
    try:
        text = tomli_w.dumps({"base": base, **own}).encode()
    except (TypeError, ValueError, UnicodeEncodeError):  # TOML cannot say it
        return
    load(folder, text)


def test_whatever_a_recipe_builds_on_it_is_read_or_refused(tmp_path: Path) -> None:
    campaign("recipe bases", built, partial(build, tmp_path))


@pytest.mark.parametrize("lead", ["", 'name = "', "a = [", "[[members]]\n", 'name = "x"\n[models.'])
def test_the_time_to_read_a_recipe_grows_with_it(tmp_path: Path, lead: str) -> None:
    patterns = ("a", " ", "\n", "#", "[", "{a=", "a.", "a=1\n", '"', "[a]\n", "[[members]]\n", "\\", "1,", "'", "9")
    in_line(lambda text: load(tmp_path, text.encode()), (lead,), patterns)


def test_the_time_to_check_a_recipe_grows_with_its_members() -> None:
    def work(size: str) -> None:
        models = {
            f"m{i}": {"engine": "openai", "base_url": "http://localhost:1/v1", "model": "m"} for i in range(len(size))
        }
        parse({"name": "x", "models": models, "members": [{"name": name, "model": name} for name in models]})

    in_line(work, patterns=("a",), most=16_000)
