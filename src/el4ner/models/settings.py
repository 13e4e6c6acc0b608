"""What a recipe can say of a model, whichever engine runs it: a table with the engine's name, checked by its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from el4ner.models.base import Model
from el4ner.models.masked import masked
from el4ner.models.outlet import Outlet

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """A table of a recipe. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class EngineSettings(Settings, ABC):
    """The settings of a model, and the door to its engine: an engine is a subclass of this, with fields of its own.

        class MySettings(EngineSettings):
            engine: Literal["mine"]
            words: dict[str, str]

            def open(self, sharing: int = 1) -> Model:
                return MyModel(self)

    It is found by name where its package says `[project.entry-points."el4ner.engines"] mine = "my_package:MySettings"`.
    `open` is all that an engine must have; what stands below it, some can tell and others cannot.
    `context` limits prompt and reply together, in tokens; None is what the model, or its server, says.
    What is written of it (JSON, TOML) and shown (`repr`) holds no passwords and keys: they are masked. Settings that
    differ in these alone are equal: they are of the same model.
    """

    engine: str
    context: Positive | None = None

    shares_memory: ClassVar[bool] = False  # whether models of this engine keep what they have read in this process

    @abstractmethod
    def open(self, sharing: int = 1) -> Model:
        """Open the model; import what is heavy here. Raises `ModelError`, `ConfigError` or `MissingExtraError`.

        `sharing` counts the open models whose `shares_memory` holds, this one included: take so small a part of it.
        """

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        table: dict[str, Any] = write(self)
        return masked(table) if info.mode == "json" else table

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EngineSettings) or type(self) is not type(other):
            return NotImplemented
        return self.model_dump(mode="json") == other.model_dump(mode="json")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield from ((name, masked(value, name or "")) for name, value in super().__repr_args__())

    def outlet(self) -> Outlet | None:
        """The server that texts are sent to; None where the model works in this process."""
        return None

    def known_by(self) -> str:
        """What the reply store knows a model with these settings by, for `--replay`."""
        return self.model_dump_json()

    def gguf(self) -> tuple[Path, Path | None] | None:
        """A GGUF file, and LoRA factors to be merged into it ahead of use (`el4ner experts build`); None: no such."""
        return None

    def files(self) -> tuple[Path, ...]:
        """The files on this machine that hold the weights: a run keeps a digest of them. Those that are not there are
        left out."""
        return ()

    def count_parameters(self) -> int | None:
        """The number of weights; None where it cannot be told."""
        return None

    def price(self) -> tuple[float, float] | None:
        """What a million tokens cost, read and generated; None where nothing is paid."""
        return None

    def advice(self) -> list[str]:
        """Lines for the model's table, found out by asking it (`el4ner doctor`); none where all is well."""
        return []

    def mended(self) -> EngineSettings:
        """The settings that the model takes, found out by asking it; these, where they are taken as they are."""
        return self

    def real_context(self, model: Model) -> int:
        """The tokens that the open model holds in truth: for engines that take `context` on trust."""
        return model.context
