"""Vectors of spans, so that spans can be compared by their cosine (paper, stage 1).

Two ways, chosen text by text. Texts in Latin script go to a small static model distilled from all-MiniLM-L6-v2, the
encoder that a public reproduction of the paper uses (`scripts/distill_encoder.py`; figures in
`assets/encoder/README.md`). That model's vocabulary holds words of Latin script only: it sees Chinese as a few single
characters and drops the others. So texts mostly in other scripts get a vector of their characters and pairs of
characters instead. Both ways give as many dimensions; the cosine of a text of the one and a text of the other is chance
(0 with a standard deviation of 0.09) and means nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from model2vec import StaticModel

ASSET = Path(__file__).parents[1] / "assets" / "encoder"
_FALLBACK = "chars1"  # the version of `_characters`; part of the identity
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")
_LETTER = re.compile(r"[^\W\d_]")


@runtime_checkable
class Encoder(Protocol):
    """Anything that turns texts into vectors."""

    @property
    def identity(self) -> str:
        """Names the vectors: encoders of the same identity give the same vectors, so stored ones can be used again."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """An array of shape (len(texts), d) whose rows have length 1, or are zero where nothing was recognised."""
        ...


@dataclass(frozen=True, slots=True)
class StaticEncoder:
    """A model2vec model for Latin script, characters for the others. Any text goes, the empty one gets a zero row."""

    model: StaticModel
    identity: str

    @classmethod
    def load(cls, folder: Path) -> StaticEncoder:
        """The encoder in a folder written by `scripts/distill_encoder.py`; nothing is downloaded.

        A missing file is an OSError.
        """
        from model2vec import StaticModel  # a third of a second to import, so not before it is needed

        digest = hashlib.sha256()
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            digest.update((folder / name).read_bytes())
        return cls(StaticModel.from_pretrained(folder), f"static-{digest.hexdigest()[:16]}+{_FALLBACK}")

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows of shape (len(texts), d); see `Encoder.encode`."""
        vectors = np.zeros((len(texts), self.model.dim), dtype=np.float32)
        other = np.fromiter((_is_other_script(t) for t in texts), dtype=bool, count=len(texts))
        if not other.all():
            # A lone surrogate cannot be passed to the tokenizer. `max_length=None`: nothing is cut off in silence.
            latin = [t.encode("utf-8", "replace").decode() for t, skip in zip(texts, other, strict=True) if not skip]
            vectors[~other] = self.model.encode(latin, max_length=None, normalize=False)
        for i in np.flatnonzero(other).tolist():
            vectors[i] = _characters(texts[i], vectors.shape[1])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        lengths[lengths == 0] = 1
        vectors /= lengths
        return vectors


@cache
def default_encoder() -> Encoder:
    """The encoder that el4ner ships, loaded once."""
    return StaticEncoder.load(ASSET)


def _is_other_script(text: str) -> bool:
    """Whether more than half of the letters are not Latin."""
    return not text.isascii() and 2 * len(_LATIN.findall(text)) < len(_LETTER.findall(text))


def _characters(text: str, dimensions: int) -> NDArray[np.float32]:
    """The sum of fixed random sign vectors, one for each character and each pair of neighbours; the text's edges count.

    Random signs keep unlike texts near a cosine of 0. The last pair counts twice: endings tell types (city, company).
    """
    text = f"\x02{text.casefold()}\x03"
    pairs = [text[i : i + 2] for i in range(len(text) - 1)]
    signs = np.zeros(dimensions, dtype=np.float32)
    for gram in (*text[1:-1], *pairs, pairs[-1]):
        signs += _signs(gram, dimensions)
    return signs


@lru_cache(maxsize=1 << 15)
def _signs(gram: str, dimensions: int) -> NDArray[np.int8]:
    digest = hashlib.shake_128(gram.encode("utf-8", "surrogatepass")).digest((dimensions + 7) // 8)
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8), count=dimensions)
    return bits.astype(np.int8) * 2 - 1
