"""Where a recipe sends texts, and the keys that its writer chose to send along."""

from __future__ import annotations

from collections.abc import Collection

from el4ner.errors import ConfigError
from el4ner.models.outlet import Outlet
from el4ner.recipes.settings import Recipe


def outlets(recipe: Recipe) -> list[Outlet]:
    """The servers that members' models ask, each once for every key."""
    return list(dict.fromkeys(outlet for settings in recipe.used.values() if (outlet := settings.outlet())))


def not_allowed(recipe: Recipe, allowed: Collection[str]) -> list[Outlet]:
    """Those that would be sent the content of an environment variable which the recipe names and `allowed` does not."""
    return [outlet for outlet in outlets(recipe) if outlet.asked and outlet.key not in allowed]


def allow_only(recipe: Recipe, allowed: Collection[str] | None) -> None:
    """Raises `ConfigError` where the recipe would send another variable than these; None allows all."""
    if allowed is not None and (left := not_allowed(recipe, allowed)):
        raise refusal(recipe, left, "name it in allow_env")


def refusal(recipe: Recipe, left: Collection[Outlet], how: str) -> ConfigError:
    """The error that says which variables would go where; `how` they are allowed."""
    what = " and ".join(f"{outlet.key} to {outlet.origin}" for outlet in left)
    return ConfigError(f"recipe {recipe.name}: it would send the environment variable {what}; if that is right, {how}")
