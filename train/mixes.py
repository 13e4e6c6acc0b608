"""What each expert reads: how often which data set, and how its types, texts and demonstrations are changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_SHARES = {
    "wikigold": 8, "uner_en_ewt": 13, "btc": 12, "litbank": 6, "annoctr": 8, "sec_filings": 3, "tasteset": 8,
    "bc5cdr": 6, "bionlp13cg": 8, "bc2gm": 4, "ncbi_disease": 3, "anem": 4,
    "uner_zh_gsdsimp": 10, "germeval2014": 5, "gum": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Mix:
    """What one expert reads. `shots`: weights of 0, 1-3, 4-8 and 9-12 demonstrations; `shares`, `written`: how often a
    set is read, and all those together that were written for training; the others are chances."""

    seed: int
    rename: float = 0.4
    nonsense: float = 0.10
    described: float = 0.5
    finer: float = 0.30
    merged: float = 0.07
    patterns: float = 0.10
    free: float = 0.22
    shots: tuple[float, float, float, float] = (0.10, 0.20, 0.55, 0.15)
    shares: dict[str, float] = field(default_factory=lambda: dict(_SHARES))
    written: float = 150

    def weights(self, names: Sequence[str]) -> list[float]:
        """How often each of these sets is read; those that were written for training share `written` among them."""
        own = sum(name.startswith("written/") for name in names)
        return [self.written / own if name.startswith("written/") else self.shares.get(name, 5) for name in names]


MIXES = {
    "general": Mix(seed=1),
    "technical": Mix(
        seed=5,
        rename=0.6,
        nonsense=0.15,
        finer=0.5,
        merged=0.15,
        patterns=0.2,
        shots=(0.02, 0.13, 0.55, 0.30),
        written=110,
        shares={
            "wikigold": 5, "uner_en_ewt": 4, "btc": 5, "litbank": 4, "annoctr": 12, "sec_filings": 6, "tasteset": 14,
            "bc5cdr": 9, "bionlp13cg": 13, "bc2gm": 6, "ncbi_disease": 4, "anem": 7, "uner_zh_gsdsimp": 4,
            "germeval2014": 3, "gum": 4,
        },
    ),
    "reader": Mix(
        seed=2, rename=0.7, nonsense=0.28, described=0.35, merged=0.12, finer=0.35, shots=(0.02, 0.13, 0.60, 0.25)
    ),
    "breadth": Mix(
        seed=3,
        described=0.95,
        finer=0.45,
        free=0.33,
        shots=(0.22, 0.33, 0.37, 0.08),
        shares={
            "wikigold": 10, "uner_en_ewt": 18, "btc": 17, "litbank": 5, "annoctr": 8, "sec_filings": 2, "tasteset": 9,
            "bc5cdr": 3, "bionlp13cg": 5, "bc2gm": 2, "ncbi_disease": 1, "anem": 3, "uner_zh_gsdsimp": 14,
            "germeval2014": 4, "gum": 4,
        },
    ),
    # For a set of one's own: its types keep their names more often, and are not cut up or put together.
    "own": Mix(seed=4, rename=0.15, nonsense=0.05, finer=0.0, merged=0.0, patterns=0.0, shares={}),
}  # fmt: skip
TRUNK = "general"
PUBLISHED = ("technical", "reader", "breadth")
