"""Texts that are held out, and what is too much like them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELD_OUT = ("wnut17", "wnut16", "genia", "mit_restaurant", "weibo_zh", "msra_zh")  # and every crossner_*
_HAN = re.compile("[\u4e00-\u9fff]")


class Outside:
    """Texts that must not be trained on: all of the held-out sets, and every test and dev split there is."""

    def __init__(self) -> None:
        self.exact: set[str] = set()
        self.shingles: dict[int, list[int]] = {}
        self.sizes: list[int] = []
        self.descriptions: set[str] = set()  # of types, of more than three words

    @classmethod
    def read(cls, folders: Sequence[Path]) -> Outside:
        """All of them in these data sets. Leaves with a message where a held-out set is not among them."""
        outside = cls()
        there = {folder.name for folder in folders}
        if len(folders) > 1 and (missing := [name for name in HELD_OUT if name not in there]):
            raise SystemExit(f"error: held out, but not there to be compared with: {', '.join(missing)}")
        for folder in folders:
            all_of_it = folder.name in HELD_OUT or folder.name.startswith("crossner_")
            about = folder / "meta.json"
            if all_of_it and about.exists():
                told = json.loads(about.read_text("utf-8"))["labels"]
                outside.descriptions |= {d.casefold() for d in told.values() if len(d.split()) > 3}
            for split in ("train", "dev", "test") if all_of_it else ("dev", "test"):
                if (folder / f"{split}.jsonl").exists():
                    for row in rows(folder / f"{split}.jsonl"):
                        outside.add(row["text"])
        return outside

    def add(self, text: str) -> None:
        """Hold out a text."""
        self.exact.add(plain(text))
        own = shingles(text)
        for shingle in own:
            self.shingles.setdefault(shingle, []).append(len(self.sizes))
        self.sizes.append(len(own))

    def verdict(self, text: str) -> str:
        """Why a text may not be trained on: "verbatim", "near", or "" if it may."""
        if plain(text) in self.exact:
            return "verbatim"
        own = shingles(text)
        if not own:
            return ""
        if 2 * sum(s in self.shingles for s in own) > len(own):
            return "near"
        hits = Counter(d for s in own for d in self.shingles.get(s, ()))
        return "near" if any(2 * n > self.sizes[d] for d, n in hits.items()) else ""


def plain(text: str) -> str:
    """Casefolded, without white space."""
    return "".join(text.casefold().split())


def shingles(text: str) -> set[int]:
    """Hashes of runs of eight words (letters and digits only); of eight characters where Chinese is written."""
    if _HAN.search(text):
        line = "".join(c for c in text.casefold() if c.isalnum())
        return {hash(line[i : i + 8]) for i in range(len(line) - 7)}
    words = re.findall(r"\w+", text.casefold())
    return {hash(" ".join(words[i : i + 8])) for i in range(len(words) - 7)}


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
