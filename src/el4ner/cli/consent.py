"""What leaves the machine with a recipe: said before every run; a file's use of keys is asked about.

A recipe that came from elsewhere can name any environment variable, and any server. So what its file names needs a yes:
on a terminal, by --allow-env, or in EL4NER_ALLOW_ENV. A yes on the terminal is kept in the user's configuration, a line
`NAME https://host` for each variable and server: it holds for these two, whichever recipe brings them together.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from el4ner.cli.console import err, say
from el4ner.errors import ConfigError

if TYPE_CHECKING:
    from el4ner.models.outlet import Outlet
    from el4ner.recipes.settings import Recipe

_SETTING = "EL4NER_ALLOW_ENV"  # names, between commas or blanks


def ready(name: str, allow: Sequence[str] | None = None, quiet: bool = False) -> Recipe:
    """Load a recipe to be run. Says where texts go, unless `quiet`, and asks whether the keys it names may.

    Raises `ConfigError` where that is not allowed.
    """
    from el4ner.recipes.load import load_recipe, recipe_names
    from el4ner.recipes.outlets import not_allowed, outlets, refusal

    recipe = load_recipe(name)
    if name not in recipe_names():
        named = {*(allow or ()), *re.split(r"[,\s]+", os.environ.get(_SETTING, ""))}
        kept = _kept()
        left = [one for one in not_allowed(recipe, named) if (one.key, one.origin) not in kept]
        if left and not _confirmed(name, left):
            flags = " ".join(f"--allow-env {key}" for key in dict.fromkeys(one.key for one in left))
            raise refusal(recipe, left, f"give {flags}, or name it in {_SETTING}")
    for outlet in [] if quiet else outlets(recipe):
        if not outlet.local:
            say(f"texts go to {outlet.origin}/ {outlet.with_key}", "yellow")
    return recipe


def _confirmed(name: str, left: Sequence[Outlet]) -> bool:
    """The answer of whoever sits at the terminal; no where nobody does."""
    if not (sys.stdin.isatty() and err.is_terminal):
        return False
    for outlet in left:
        say(f"{name} sends the content of {outlet.key} to {outlet.origin}, and texts with it", "yellow")
    if not typer.confirm("is that right?", err=True):
        return False
    _keep(left)
    return True


def _file() -> Path:
    from el4ner.files import user_config

    return user_config() / "allowed-keys"


def _kept() -> Collection[tuple[str, str]]:
    """Variables and the servers that they may be sent to."""
    try:
        lines = _file().read_bytes().decode("utf-8", "replace").splitlines()
    except (OSError, ConfigError):  # nothing is kept yet, or there is no home to keep it in
        return set()
    pairs = [line.split() for line in lines]
    return {(pair[0], pair[1]) for pair in pairs if len(pair) == 2}


def _keep(allowed: Sequence[Outlet]) -> None:
    try:
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as stream:
            stream.writelines(f"{outlet.key} {outlet.origin}\n" for outlet in allowed)
    except (OSError, ConfigError) as error:
        say(f"warning: the answer is not kept ({error})", "yellow")
