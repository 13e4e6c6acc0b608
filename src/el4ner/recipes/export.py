"""A recipe's experts for other engines: their files, and a recipe that asks there."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from el4ner.errors import ConfigError, DataError
from el4ner.files import whole, write_whole
from el4ner.models.gguf.build import Expert
from el4ner.models.settings import EngineSettings
from el4ner.recipes.load import parse_recipe
from el4ner.recipes.settings import Recipe
from el4ner.recipes.write import recipe_toml

_OLLAMA = "http://localhost:11434/v1"
# Prompts of the compact style are continued as they are: Ollama must not put its chat template around them.
_MODELFILE = """\
FROM ./{file}
TEMPLATE \"\"\"{{{{ .Prompt }}}}\"\"\"
PARAMETER num_ctx {context}
PARAMETER temperature 0
"""


def experts(recipe: Recipe) -> dict[str, EngineSettings]:
    """The models of a recipe that members use and that are GGUF files. Raises `ConfigError` where there is none."""
    found = {name: settings for name, settings in recipe.used.items() if settings.gguf()}
    if not found:
        raise ConfigError(
            f"recipe {recipe.name}: no member uses a GGUF model in this process, so there is nothing to do"
        )
    return found


def export_ollama(recipe: Recipe, made: list[Expert], folder: Path) -> list[str]:
    """Write into a folder what `ollama create` takes, a recipe that asks Ollama, and a README with the commands.

    Gives the commands. The model files are linked where the file system can, else copied. Raises `DataError`.
    """
    names = _names(recipe, made)
    commands = [f"ollama create {names[e.model]} -f {names[e.model]}.Modelfile" for e in made]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for expert in made:
            name = names[expert.model]
            _link(expert.path, folder / f"{name}.gguf")
            modelfile = _MODELFILE.format(file=f"{name}.gguf", context=expert.context)
            write_whole(folder / f"{name}.Modelfile", [modelfile])
        write_whole(folder / "recipe.toml", [_served(recipe, {e.model: (names[e.model], e.context) for e in made})])
        steps = "\n".join(f"    {line}" for line in [*commands, "el4ner doctor -r recipe.toml"])
        head = f"# {recipe.name} for Ollama\n\nIn this folder, with Ollama running:\n\n"
        write_whole(folder / "README.md", [head, steps, "\n"])
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror}); give another folder") from error
    return commands


def _names(recipe: Recipe, made: list[Expert]) -> dict[str, str]:
    """Names that Ollama takes: small letters, digits, hyphens; a number where two would be the same."""
    names: dict[str, str] = {}
    for expert in made:
        name = re.sub(r"[^a-z0-9]+", "-", f"{recipe.name}-{expert.model}".lower()).strip("-") or "expert"
        names[expert.model] = name if name not in names.values() else f"{name}-{len(names) + 1}"
    return names


def _link(source: Path, target: Path) -> None:
    with whole(target) as part:
        try:
            part.unlink()
            os.link(source.resolve(), part)
        except OSError:
            shutil.copyfile(source, part)


def _served(recipe: Recipe, served: dict[str, tuple[str, int]]) -> str:
    """The recipe in TOML, the exported models answered by Ollama."""
    table = recipe.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    for model, (name, context) in served.items():
        table["models"][model] = {"engine": "openai", "base_url": _OLLAMA, "model": name, "context": context}
    return recipe_toml(parse_recipe(table, recipe.name))
