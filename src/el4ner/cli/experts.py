"""`el4ner experts build` and `el4ner experts export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.console import err, out, say
from el4ner.cli.options import RecipeName

if TYPE_CHECKING:
    from el4ner.config import Recipe
    from el4ner.experts import Expert

Ollama = Annotated[
    Path, typer.Option("--ollama", metavar="DIR", help="Write Modelfiles, model files and a recipe here.")
]


def build(recipe: RecipeName = "nano") -> None:
    """Merge every adapter of a recipe into its base model now, rather than at first use; print where the files are."""
    from el4ner.experts import checksum
    from el4ner.recipes.load import load_recipe

    for expert in _built(load_recipe(recipe)):
        state = "made" if expert.made else "there already"
        size = f"{expert.path.stat().st_size / 1e6:,.0f} MB"
        out.print(Text(f"{expert.model}: {expert.path}"), soft_wrap=True)
        out.print(
            Text(f"  {state}, {size}, sha256 {checksum(expert) or 'not taken: the file as it was given'}"),
            soft_wrap=True,
        )


def export(ollama: Ollama, recipe: RecipeName = "nano") -> None:
    """Write a recipe's merged models in the form that another engine takes, with a recipe that asks it."""
    from el4ner.experts import export_ollama
    from el4ner.recipes.load import load_recipe

    settings = load_recipe(recipe)
    commands = export_ollama(settings, _built(settings), ollama)
    say(f"written to {ollama}; there, with Ollama running:", "dim")
    for command in commands:
        out.print(Text(command), soft_wrap=True)


def _built(recipe: Recipe) -> list[Expert]:
    """The recipe's experts, made with a bar on standard error."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from el4ner.experts import build, embedded

    columns = (TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks = {name: bar.add_task(name, total=1.0) for name in embedded(recipe)}
        return list(build(recipe, lambda name, share: bar.update(tasks[name], completed=share)))
