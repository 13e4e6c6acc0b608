"""Models as GGUF files: every adapter merged into its base model, before it is used, or for other engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from el4ner.errors import ConfigError
from el4ner.models.gguf.header import read_header
from el4ner.models.gguf.merge import checksum_file, destination, intact, make
from el4ner.models.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class Expert:
    """A model as one GGUF file; `made`: this call wrote it. `context` is in tokens."""

    model: str
    path: Path
    made: bool
    context: int

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, if it is one that was made."""
        noted = checksum_file(self.path)
        return noted.read_text("utf-8").split()[0] if noted.exists() else ""


def built(models: Mapping[str, EngineSettings]) -> bool:
    """Whether every file that `build` makes is there, intact or not."""
    places = filter(None, (settings.gguf() for settings in models.values()))
    return all(not base.is_file() or destination(base, adapter).exists() for base, adapter in places)


def build(
    models: Mapping[str, EngineSettings], watch: Callable[[str, float], None] = lambda model, share: None
) -> Iterator[Expert]:
    """Make the file of every model that has none yet, or a damaged one; `watch` hears the share done.

    Models that are no GGUF files are passed over. Raises `ModelError` where one cannot be made; those made before stay.
    """
    for name, settings in models.items():
        if (places := settings.gguf()) is None:
            continue
        base, adapter = places
        if not base.is_file():
            raise ConfigError(f"models.{name}.path: {base}: no such file")
        target = destination(base, adapter)
        missing = target != base and not intact(target)
        if missing:
            make(base, adapter, target, partial(watch, name))
        watch(name, 1.0)
        trained = read_header(target).context or 2048
        yield Expert(name, target, missing, min(settings.context or trained, trained))
