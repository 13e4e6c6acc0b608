"""Public data sets that are known by name: where their files are, how they are read, and what must come out.

They are listed in `known.toml`. Nothing of them is part of the package: `el4ner.evaluate.sets.fetch` gets them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urljoin

from el4ner.data import Label
from el4ner.errors import DataError


@dataclass(frozen=True, slots=True)
class KnownSplit:
    """A split as it is published, and what it must hold.

    Every tag column of every file is one layer of entities over the same texts. `columns` are counted from 0: the
    token's, then those of the tags; without them the first and the last. `documents` are those that belong to the
    split, counted from 0 between `-DOCSTART-` lines; without them all. `digest` is `raw.digest` of the examples, ""
    where it is recorded at the first download.
    """

    files: tuple[str, ...]
    texts: int
    entities: int
    digest: str = ""
    columns: tuple[int, ...] = ()
    documents: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A public data set. `base` is the address that its files' names are relative to, at a commit that stays."""

    name: str
    base: str
    licence: str
    notice: str
    language: str
    labels: tuple[Label, ...]
    splits: Mapping[str, KnownSplit]
    notes: str = ""

    def url(self, file: str) -> str:
        """The address of one of its files."""
        return urljoin(self.base, quote(file, safe="/:"))


@cache
def known_sets() -> Mapping[str, KnownSet]:
    """All known sets by name, in the file's order."""
    text = files("el4ner.evaluate.sets").joinpath("known.toml").read_text(encoding="utf-8")
    return {name: _known(name, table) for name, table in tomllib.loads(text).items()}


def known_set(name: str) -> KnownSet:
    """The set of that name. Raises `DataError`, which names the nearest one."""
    known = known_sets()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise DataError(f"{name!r} is neither a file or folder nor a known data set; {advice}")
    return known[name]


def _known(name: str, table: Mapping[str, Any]) -> KnownSet:
    return KnownSet(
        name=name,
        base=table["base"],
        licence=table["licence"],
        notice=table["notice"],
        language=table["language"],
        labels=tuple(Label(label, description) for label, description in table["labels"].items()),
        splits={split: _split(content) for split, content in table["splits"].items()},
        notes=table.get("notes", ""),
    )


def _split(table: Mapping[str, Any]) -> KnownSplit:
    return KnownSplit(
        files=tuple(table["files"]),
        texts=table["texts"],
        entities=table["entities"],
        digest=table.get("digest", ""),
        columns=tuple(table.get("columns", ())),
        documents=tuple(table.get("documents", ())),
    )
