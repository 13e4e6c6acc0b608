"""What a recipe can say of a Hugging Face model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from el4ner.models.base import Model
from el4ner.models.locate import count_weights, locate, located
from el4ner.models.settings import EngineSettings, Positive


class TransformersSettings(EngineSettings):
    """A Hugging Face model in this process: see `el4ner.models.transformers.engine`.

    `path` is a folder, a `.gguf` file (also `package:NAME/FILE`), or a name on the hub, there at `revision`.
    `adapter` is a PEFT folder or a file of LoRA factors. `batch_tokens` bounds what is read and written side by side.
    """

    engine: Literal["transformers"]
    path: str
    revision: str | None = None
    adapter: str | None = None
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch_tokens: Positive = 16384

    def open(self, sharing: int = 1) -> Model:
        """Open it. Raises `ModelError`, `MissingExtraError`."""
        from el4ner.models.transformers.engine import TransformersModel

        return TransformersModel.open(
            str(locate(self.path)) if self.path.startswith("package:") else self.path,
            self.revision,
            locate(self.adapter) if self.adapter else None,
            self.device,
            self.dtype,
            self.batch_tokens,
            self.context,
        )

    def files(self) -> tuple[Path, ...]:
        """Those that are named one by one; folders, and models of the hub, count by name."""
        return located(self.path, self.adapter)

    def count_parameters(self) -> int | None:
        """Those of a GGUF file."""
        return count_weights(self.path)
