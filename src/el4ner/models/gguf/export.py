"""Experts as files: every adapter of a recipe merged into its base model, before it is used, or for other engines."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from el4ner.errors import ConfigError, DataError
from el4ner.files import whole, write_whole
from el4ner.models.gguf.header import read_header
from el4ner.models.gguf.merge import checksum_file, destination, intact, make
from el4ner.models.open import locate
from el4ner.models.settings import EmbeddedSettings
from el4ner.recipes.settings import Recipe

_OLLAMA = "http://localhost:11434/v1"
# Prompts of the compact style are continued as they are: Ollama must not put its chat template around them.
_MODELFILE = """\
FROM ./{file}
TEMPLATE \"\"\"{{{{ .Prompt }}}}\"\"\"
PARAMETER num_ctx {context}
PARAMETER temperature 0
"""


@dataclass(frozen=True, slots=True)
class Expert:
    """A model of a recipe as one GGUF file; `made`: this call wrote it. `context` is in tokens."""

    model: str
    path: Path
    made: bool
    context: int


def embedded(recipe: Recipe) -> dict[str, EmbeddedSettings]:
    """The models of a recipe that members use and that are GGUF files. Raises `ConfigError` where there is none."""
    found = _gguf(recipe)
    if not found:
        raise ConfigError(
            f"recipe {recipe.name}: no member uses a GGUF model in this process, so there is nothing to do"
        )
    return found


def built(recipe: Recipe) -> bool:
    """Whether every file that `build` makes is there, intact or not."""
    places = (_places(settings) for settings in _gguf(recipe).values())
    return all(not base.is_file() or destination(base, adapter).exists() for base, adapter in places)


def build(recipe: Recipe, watch: Callable[[str, float], None] = lambda model, share: None) -> Iterator[Expert]:
    """Make the file of every embedded model that has none yet, or a damaged one; `watch` hears the share done.

    Raises `ModelError` where one cannot be made; those made before stay.
    """
    for name, settings in embedded(recipe).items():
        base, adapter = _places(settings)
        if not base.is_file():
            raise ConfigError(f"models.{name}.path: {base}: no such file")
        target = destination(base, adapter)
        missing = target != base and not intact(target)
        if missing:
            make(base, adapter, target, partial(watch, name))
        watch(name, 1.0)
        trained = read_header(target).context or 2048
        yield Expert(name, target, missing, min(settings.context or trained, trained))


def _gguf(recipe: Recipe) -> dict[str, EmbeddedSettings]:
    used = {member.model for member in recipe.members}
    return {
        name: settings
        for name, settings in recipe.models.items()
        if name in used and isinstance(settings, EmbeddedSettings) and locate(settings.path).suffix == ".gguf"
    }


def _places(settings: EmbeddedSettings) -> tuple[Path, Path | None]:
    """Where the base model and the adapter are."""
    return locate(settings.path), locate(settings.adapter) if settings.adapter else None


def export_ollama(recipe: Recipe, experts: list[Expert], folder: Path) -> list[str]:
    """Write into a folder what `ollama create` takes, a recipe that asks Ollama, and a README with the commands.

    Gives the commands. The model files are linked where the file system can, else copied. Raises `DataError`.
    """
    names = _names(recipe, experts)
    commands = [f"ollama create {names[e.model]} -f {names[e.model]}.Modelfile" for e in experts]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for expert in experts:
            name = names[expert.model]
            _link(expert.path, folder / f"{name}.gguf")
            modelfile = _MODELFILE.format(file=f"{name}.gguf", context=expert.context)
            write_whole(folder / f"{name}.Modelfile", [modelfile])
        write_whole(folder / "recipe.toml", [_served(recipe, {e.model: (names[e.model], e.context) for e in experts})])
        steps = "\n".join(f"    {line}" for line in [*commands, "el4ner doctor -r recipe.toml"])
        head = f"# {recipe.name} for Ollama\n\nIn this folder, with Ollama running:\n\n"
        write_whole(folder / "README.md", [head, steps, "\n"])
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror}); give another folder") from error
    return commands


def _names(recipe: Recipe, experts: list[Expert]) -> dict[str, str]:
    """Names that Ollama takes: small letters, digits, hyphens; a number where two would be the same."""
    names: dict[str, str] = {}
    for expert in experts:
        name = re.sub(r"[^a-z0-9]+", "-", f"{recipe.name}-{expert.model}".lower()).strip("-") or "expert"
        names[expert.model] = name if name not in names.values() else f"{name}-{len(names) + 1}"
    return names


def _link(source: Path, target: Path) -> None:
    with whole(target) as part:
        try:
            os.link(source.resolve(), part)
        except OSError:
            shutil.copyfile(source, part)


def _served(recipe: Recipe, served: dict[str, tuple[str, int]]) -> str:
    """The recipe in TOML, the exported models answered by Ollama."""
    table = recipe.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    for model, (name, context) in served.items():
        table["models"][model] = {"engine": "openai", "base_url": _OLLAMA, "model": name, "context": context}
    lines = [f"{key} = {_toml(value)}" for key, value in table.items() if not isinstance(value, dict | list)]
    lines += [
        line for name, model in table.pop("models").items() for line in _section(f"[models.{_toml(name)}]", model)
    ]
    lines += [line for member in table.pop("members") for line in _section("[[members]]", member)]
    lines += [line for key, value in table.items() if isinstance(value, dict) for line in _section(f"[{key}]", value)]
    return "\n".join(lines) + "\n"


def _section(head: str, table: dict[str, Any]) -> list[str]:
    return ["", head, *(f"{key} = {_toml(value)}" for key, value in table.items())]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def checksum(expert: Expert) -> str:
    """The checksum of an expert's file, if it is one that was made."""
    noted = checksum_file(expert.path)
    return noted.read_text("utf-8").split()[0] if noted.exists() else ""
