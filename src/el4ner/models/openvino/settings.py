"""What a recipe can say of an embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from el4ner.models.base import Model
from el4ner.models.locate import count_weights, locate, located
from el4ner.models.settings import EngineSettings


class OpenVINOSettings(EngineSettings):
    """A model in this process. `path` is a file or folder, or `package:NAME/FILE` for a file that a package carries.

    `adapter` is a file of LoRA factors that are merged into a GGUF model on first use.
    `exact` computes in 32 bits throughout, so that a reply does not depend on what is read beside it; it is slower.
    """

    engine: Literal["openvino"]
    path: str
    adapter: str | None = None
    exact: bool = False
    device: str = "CPU"

    shares_memory: ClassVar[bool] = True

    def open(self, sharing: int = 1) -> Model:
        """Open it. Raises `ModelError`."""
        from el4ner.models.openvino.engine import CACHED, OpenVINOModel

        adapter = locate(self.adapter) if self.adapter else None
        return OpenVINOModel.open(locate(self.path), self.device, self.context, adapter, self.exact, CACHED // sharing)

    def gguf(self) -> tuple[Path, Path | None] | None:
        """The base file and the adapter; None for an OpenVINO folder."""
        path = locate(self.path)
        return (path, locate(self.adapter) if self.adapter else None) if path.suffix == ".gguf" else None

    def files(self) -> tuple[Path, ...]:
        """The base file and the adapter; a folder counts by name."""
        return located(self.path, self.adapter)

    def count_parameters(self) -> int | None:
        """Those of a GGUF file."""
        return count_weights(self.path)
