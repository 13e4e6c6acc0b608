"""The labelled texts of a corpus file, with their neighbours: see `corpus.py`."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from el4ner.data import Example, Span


class Corpus:
    """The texts of one data set, with neighbours; see `corpus.py`."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.name, self.language, self.join = table["name"], table["language"], table["join"]
        self.labels: dict[str, str] = dict(table["labels"])
        if self.name == "btc":
            self.labels["USER"] = "user names of social media"
        self.size = len(table["texts"])
        self.examples = [
            Example(str(i), text, tuple(_handles(text, [Span(*e) for e in entities])))
            for i, (text, entities) in enumerate([*table["texts"], *table["dev"]])
        ]
        self.phrases, self.near, self.free = table["phrases"], table["near"], table["free"]
        self.bearing = [i for i in range(self.size) if self.examples[i].entities]
        self.bare = [i for i in range(self.size) if not self.examples[i].entities]
        self.watched = range(self.size, len(self.examples))
        self.surfaces: dict[str, list[str]] = {label: [] for label in self.labels}
        for example in self.examples[: self.size]:
            for e in example.entities:
                if len(self.surfaces[e.label]) < 400 and e.end - e.start < 30:
                    self.surfaces[e.label].append(example.text[e.start : e.end])


def _handles(text: str, entities: Sequence[Span]) -> Iterator[Span]:
    """User names as one entity of their own type: btc has the sign and the name as two people or organisations."""
    signs = {e.end for e in entities if text[e.start : e.end] == "@"}
    for e in entities:
        if text[e.start : e.end] != "@":
            sign = next((at for at in (e.start, e.start - 1) if at in signs), None)
            yield e if sign is None else Span(sign - 1, e.end, "USER")


def read_corpora(path: Path) -> list[Corpus]:
    """All data sets of a corpus file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [Corpus(table) for table in json.load(file)["sets"]]
