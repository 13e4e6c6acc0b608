"""Recipes as TOML files, shipped or one's own: found, read and checked.

An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from el4ner.errors import ConfigError, did_you_mean
from el4ner.models.engines import engines
from el4ner.models.settings import Settings
from el4ner.recipes.settings import MemberSettings, Recipe


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(f.name.removesuffix(".toml") for f in files("el4ner.recipes").iterdir() if f.name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """The TOML text of a recipe: by the name of a shipped one, or by the path of a file. Raises `ConfigError`."""
    if name in recipe_names():
        return (files("el4ner.recipes") / f"{name}.toml").read_text("utf-8")
    path = Path(name).expanduser()
    if not path.is_file():
        known = recipe_names()
        raise ConfigError(f"recipe {name!r}: neither a file nor one of {', '.join(known)}{did_you_mean(name, known)}")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def load_recipe(name: str) -> Recipe:
    """Read and check a recipe, shipped or from a file. Raises `ConfigError` with the key in the message."""
    try:
        table = tomllib.loads(recipe_text(name))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {name}: not TOML: {error}") from error
    return parse_recipe(table, name)


def parse_recipe(table: dict[str, Any], name: str) -> Recipe:
    """Check a recipe that is already a table; `name` stands in error messages."""
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigError(f"recipe {name}: {_explain(problem['loc'], problem['type'], problem['msg'])}") from error


def _explain(place: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        last, known = str(place[-1]), _known_keys()
        if homes := [home for home, keys in known.items() if last in keys]:
            return f"{key!r} has no place there; it belongs to {' or '.join(homes)}"
        return f"unknown key {key!r}{did_you_mean(last, set().union(*known.values()))}"
    said = message.removeprefix("Value error, ")
    return f"{key}: {said}" if key else said


def _known_keys() -> dict[str, set[str]]:
    """The keys of each table of a recipe."""
    tables = {
        "[[members]]": set(MemberSettings.model_fields),
        "[models.NAME]": set().union(*(e.model_fields for e in engines()[0].values())),
    }
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            tables[f"[{name}]"] = set(field.annotation.model_fields)
    return {"the top": set(Recipe.model_fields), **tables}
