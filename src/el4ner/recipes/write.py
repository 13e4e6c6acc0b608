"""Recipes as TOML text, to be read again by `load_recipe`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable

import tomli_w

from el4ner.errors import ConfigError
from el4ner.recipes.load import parse_recipe
from el4ner.recipes.settings import Recipe
from el4ner.text.printable import one_line


def recipe_toml(recipe: Recipe, comments: Iterable[str] = ()) -> str:
    """All settings of a recipe, defaults spelt out, below `comments`, a line each; passwords and keys are masked.

    It is read back as an equal recipe. Raises `ConfigError` where TOML has no way to say a value (None in `extra`).
    """
    table = recipe.model_dump(mode="json", exclude_none=True)
    fault = ConfigError(f"recipe {recipe.name}: cannot be written as TOML: a null in models.*.extra; take it out")
    try:
        text = tomli_w.dumps(table)
        again = parse_recipe(tomllib.loads(text), recipe.name)
    except TypeError:
        raise fault from None
    if again != recipe:
        raise fault
    header = "".join(f"{f'# {one_line(comment, 400)}'.rstrip()}\n" for comment in comments)
    return f"{header}\n{text}" if header else text
