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
from el4ner.files import at_home
from el4ner.models.engines import engines
from el4ner.models.settings import Settings
from el4ner.recipes.merge import merge
from el4ner.recipes.settings import MemberSettings, Recipe
from el4ner.text.printable import one_line

_LARGEST = 100_000  # characters of a file
_DEEPEST = 8  # recipes that build on one another


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(f.name.removesuffix(".toml") for f in files("el4ner.recipes").iterdir() if f.name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """The TOML text of a recipe: by the name of a shipped one, or by the path of a file. Raises `ConfigError`."""
    if name in recipe_names():
        return (files("el4ner.recipes") / f"{name}.toml").read_text("utf-8")
    try:
        if (path := at_home(name)).is_file():
            return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"recipe {name}: cannot be read: {error}") from error
    known = recipe_names()
    raise ConfigError(
        f"recipe {name!r}: neither a file nor one of {', '.join(known)}{did_you_mean(Path(name).name, known)}"
    )


def load_recipe(name: str) -> Recipe:
    """Read and check a recipe, shipped or from a file, with all that it builds on (`el4ner.recipes.merge`).

    Raises `ConfigError` with the key in the message, and the files where the fault is in a base.
    """
    return parse_recipe(_table(name), name)


def _table(name: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """A recipe's table, laid over that of its base where it names one; `above` are those that build on it."""
    own = _toml(name)
    if (base := own.pop("base", None)) is None:
        return own
    if not isinstance(base, str):
        raise ConfigError(f"recipe {name}: base: {base!r}; give the name of a shipped recipe or a file, in quotes")
    chain = (*above, name if name in recipe_names() else str(at_home(name).resolve()))
    if chain[-1] in above:
        raise ConfigError(f"recipe {name}: base: builds on itself")
    if len(chain) > _DEEPEST:
        raise ConfigError(f"recipe {name}: base: more than {_DEEPEST} recipes build on one another")
    try:
        below = _table(where := _beside(name, base), chain)
        parse_recipe(below, where)  # a base is a recipe of its own: what is wrong in it is told as its fault
    except ConfigError as error:
        raise ConfigError(f"{error} (the base of {name})") from error
    own.setdefault("name", Path(name).stem)
    try:
        return merge(below, own)
    except ValueError as error:
        raise ConfigError(f"recipe {name}: {error}") from error


def _toml(name: str) -> dict[str, Any]:
    text = recipe_text(name)
    if len(text) > _LARGEST:
        raise ConfigError(f"recipe {name}: {len(text):,} characters are no recipe; name a TOML file of one")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"recipe {name}: not TOML: nested too deeply") from None
    except ValueError as error:  # also a number of thousands of digits
        raise ConfigError(f"recipe {name}: not TOML: {str(error).split(';')[0]}") from error


def _beside(name: str, base: str) -> str:
    """Where the base is that the recipe `name` names: shipped, or a file, whose path counts from that recipe's."""
    return base if base in recipe_names() or base.startswith("~") else str(Path(name).parent / base)


def parse_recipe(table: dict[str, Any], name: str) -> Recipe:
    """Check a recipe that is already a table; `name` stands in error messages."""
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        said = _explain(problem["loc"], problem["type"], problem["msg"])
        raise ConfigError(f"recipe {name}: {one_line(said, 500)}") from None


def _explain(place: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        last, known = str(place[-1]), _known_keys()
        if homes := [home for home, keys in known.items() if last in keys]:
            return f"{key!r} has no place there; it belongs to {' or '.join(homes)}"
        return f"unknown key {key!r}{did_you_mean(last, set().union(*known.values()))}"
    if kind in ("tuple_type", "list_type"):
        return f"{key}: a list of tables; write [[{key}]] above each"
    if kind == "missing":
        return f"{key}: it is missing; add it"
    told = message.removeprefix("Value error, ")
    return f"{key}: {told}" if key else told


def _known_keys() -> dict[str, set[str]]:
    """The keys of each table of a recipe."""
    tables = {
        "[[members]]": set(MemberSettings.model_fields),
        "[models.NAME]": set().union(*(e.model_fields for e in engines()[0].values())),
    }
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            tables[f"[{name}]"] = set(field.annotation.model_fields)
    return {"the top": {"base", *Recipe.model_fields}, **tables}
