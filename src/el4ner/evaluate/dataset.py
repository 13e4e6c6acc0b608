"""stand-in"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from el4ner.data import Example, Label
from el4ner.errors import DataError
from el4ner.formats import read_examples, read_labels


@dataclass(frozen=True)
class Dataset:
    name: str
    labels: tuple[Label, ...]
    splits: Mapping[str, tuple[Example, ...]]
    source: str

    def split(self, name: str) -> tuple[Example, ...]:
        if name not in self.splits:
            raise DataError(f"{self.source}: no split {name}")
        return self.splits[name]


def open_dataset(path: str | Path) -> Dataset:
    path = Path(path)
    splits = {s: tuple(read_examples(path / f"{s}.jsonl")) for s in ("train", "dev", "test")}
    return Dataset(path.name, tuple(read_labels(path / "meta.json")), splits, str(path))


def leaked(pool: Sequence[Example], texts: Sequence[Example]) -> list[Example]:
    known = {" ".join(t.text.split()) for t in texts}
    return [e for e in pool if " ".join(e.text.split()) in known]


def sample(examples: Sequence[Example], limit: int | None, seed: int) -> list[Example]:
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    return [examples[i] for i in sorted(order[:limit])]
