"""The engines by name: those built in, then those that installed packages bring along (`el4ner.engines`)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from inspect import isabstract
from typing import Annotated, Any

from pydantic import SerializeAsAny, ValidatorFunctionWrapHandler, WrapValidator

from el4ner.errors import did_you_mean
from el4ner.models.openai.settings import OpenAISettings
from el4ner.models.openvino.settings import OpenVINOSettings
from el4ner.models.settings import EngineSettings
from el4ner.models.transformers.settings import TransformersSettings

GROUP = "el4ner.engines"  # of entry points; each names a subclass of `EngineSettings`
_BUILT_IN: dict[str, type[EngineSettings]] = {
    "openvino": OpenVINOSettings,
    "openai": OpenAISettings,
    "transformers": TransformersSettings,
}


def engines() -> tuple[dict[str, type[EngineSettings]], dict[str, str]]:
    """The settings of every engine, by its name; and of those that cannot be loaded, why."""
    found, broken = dict(_BUILT_IN), {}
    for entry in entry_points(group=GROUP):
        try:
            brought = entry.load()
        except Exception as error:  # another's package may raise anything, and recipes that do without it are to work
            broken[entry.name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            continue
        if not (isinstance(brought, type) and issubclass(brought, EngineSettings)):
            broken[entry.name] = f"{entry.value} is no subclass of el4ner.EngineSettings"
        elif isabstract(brought):
            broken[entry.name] = f"{entry.value} has no method `open`"
        else:
            found.setdefault(entry.name, brought)
    return found, broken


def _engine(name: object) -> type[EngineSettings]:
    if isinstance(name, str) and name in _BUILT_IN:  # without a look at what is installed
        return _BUILT_IN[name]
    found, broken = engines()
    if isinstance(name, str) and name in found:
        return found[name]
    known = f"name one of {', '.join(sorted(found))}"
    said = f"engine {name!r} is not known" if name is not None else "no engine"
    near = did_you_mean(name, found) if isinstance(name, str) else ""
    amiss = "".join(f"; {other!r} is installed and cannot be loaded ({why})" for other, why in broken.items())
    raise ValueError(f"{said}; {known}{near}{amiss}")


def _by_engine(table: Any, check: ValidatorFunctionWrapHandler) -> EngineSettings:
    if isinstance(table, Mapping):
        return _engine(table.get("engine")).model_validate(table)
    checked: EngineSettings = check(table)
    return checked


ModelSettings = Annotated[SerializeAsAny[EngineSettings], WrapValidator(_by_engine)]
"""A model's table in a recipe, checked by the class of the engine that it names."""
