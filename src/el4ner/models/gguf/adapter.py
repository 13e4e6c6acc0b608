"""LoRA factors in a file: eight bits a number, with a scale for each of the rank's directions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from el4ner.errors import ModelError
from el4ner.text.printable import one_line

LAYERS = {  # GGUF's names of the linear layers: ours
    "attn_q": "q",
    "attn_k": "k",
    "attn_v": "v",
    "attn_output": "o",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
}


@dataclass(frozen=True)
class Adapter:
    """`factors` by layer ("0.q"): A (rank, in) and B (out, rank); the change of its weights is `scale * B @ A`.

    Rows of B are in Hugging Face's order.
    """

    factors: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    scale: float

    @classmethod
    def load(cls, path: Path) -> Adapter:
        """Read a file that `train/` wrote. Raises `ModelError` where it is none."""
        from safetensors import safe_open

        try:
            with safe_open(path, "numpy") as file:

                def rows(key: str) -> NDArray[np.float32]:
                    values, scales = file.get_tensor(key), file.get_tensor(f"{key}.scale")
                    if values.ndim != 2 or scales.shape != (len(values), 1):
                        raise ValueError(f"{key} is no matrix with a scale a row")
                    found = np.asarray(values.astype(np.float32) * scales, dtype=np.float32)
                    if not np.isfinite(found).all():
                        raise ValueError(f"{key} holds what is no number")
                    return found

                names = sorted(key.removesuffix(".a") for key in file.keys() if key.endswith(".a"))  # noqa: SIM118
                factors = {n: (rows(f"{n}.a"), rows(f"{n}.b").T) for n in names}
                scale = float(file.metadata()["scale"])
            if not np.isfinite(scale) or any(len(a) != b.shape[1] for a, b in factors.values()):
                raise ValueError("its scale is no number, or its factors do not fit each other")
            return cls(factors, scale)
        except Exception as error:  # a damaged file comes up as anything
            raise ModelError(f"{path}: not an adapter of el4ner ({one_line(str(error))})") from error

    def change(self, layer: str) -> NDArray[np.float32]:
        """What is added to the weights (out, in) of a layer that the adapter has factors for."""
        a, b = self.factors[layer]
        return np.asarray(self.scale * (b @ a), dtype=np.float32)
