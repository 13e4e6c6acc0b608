"""`el4ner experts build` and `el4ner experts export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.opening import merged
from el4ner.cli.options import RecipeName

Ollama = Annotated[
    Path, typer.Option("--ollama", metavar="DIR", help="Write Modelfiles, model files and a recipe here.")
]


def build(recipe: RecipeName = "nano") -> None:
    """Merge every adapter of a recipe into its base model now, rather than at first use; print where the files are."""
    from el4ner.recipes.load import load_recipe

    for expert in merged(load_recipe(recipe)):
        state = "made" if expert.made else "there already"
        size = f"{expert.path.stat().st_size / 1e6:,.0f} MB"
        out.print(Text(f"{expert.model}: {expert.path}"), soft_wrap=True)
        out.print(
            Text(f"  {state}, {size}, sha256 {expert.checksum or 'not taken: the file as it was given'}"),
            soft_wrap=True,
        )


def export(ollama: Ollama, recipe: RecipeName = "nano") -> None:
    """Write a recipe's merged models in the form that another engine takes, with a recipe that asks it."""
    from el4ner.recipes.export import export_ollama
    from el4ner.recipes.load import load_recipe

    settings = load_recipe(recipe)
    commands = export_ollama(settings, merged(settings), ollama)
    say(f"written to {ollama}; there, with Ollama running:", "dim")
    for command in commands:
        out.print(Text(command), soft_wrap=True)
