"""Labelled sentences written for training: sets of a subject each, with types of their own.

    # language: en
    # rider: people who race bicycles
    # person: people who are not riders: managers, doctors, officials

    [[Ana Ruiz|rider]] joined [[Team Verano|team]] after a call from [[Luc Moreau|person]].

Types and descriptions first, then a sentence a line. Markup is `[[surface|type]]`, not nested.

    python train/written.py [FILE ...]    checks them and says what is in them; with `--out DATA`, also writes each as a
                                          data set: every third text to dev.jsonl, the others to train.jsonl
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "written"
_MARK = re.compile(r"\[\[([^\[\]|]+)\|([^\[\]|]+)\]\]")


def read_written(path: Path) -> dict[str, Any]:
    """Name, language, types with descriptions, and [text, [[start, end, type], ...]] of each sentence of one file."""
    language, labels = "en", {}
    texts: list[list[Any]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("# "):
            name, _, words = line[2:].partition(": ")
            if name == "language":
                language = words.strip()
            else:
                labels[name.strip()] = words.strip()
        elif line.strip():
            texts.append(_sentence(line.strip(), labels, f"{path}:{number}"))
    return {"name": path.stem, "language": language, "labels": labels, "texts": texts}


def _sentence(line: str, labels: dict[str, str], where: str) -> list[Any]:
    text, at, entities = "", 0, []
    for mark in _MARK.finditer(line):
        surface, label = mark.groups()
        if label not in labels or surface != surface.strip():
            raise SystemExit(f"{where}: {mark[0]}: no such type, or a space at the edge")
        text += line[at : mark.start()]
        entities.append([len(text), len(text) + len(surface), label])
        text, at = text + surface, mark.end()
    text += line[at:]
    if "[[" in text or "]]" in text:
        raise SystemExit(f"{where}: a bracket that is not markup: {line}")
    return [text, entities]


def _report(table: dict[str, Any]) -> str:
    found = Counter(label for _, entities in table["texts"] for _, _, label in entities)
    bare = sum(not entities for _, entities in table["texts"])
    counts = ", ".join(f"{label} {found[label]}" for label in table["labels"])
    return f"{table['name']} ({table['language']}): {len(table['texts'])} texts, {bare} without entities; {counts}"


def _export(table: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {"train": [], "dev": []}
    for number, (text, entities) in enumerate(table["texts"]):
        spans = [{"start": start, "end": end, "label": label} for start, end, label in entities]
        row = {"id": f"{table['name']}-{number}", "text": text, "entities": spans}
        lines["train" if number % 3 else "dev"].append(json.dumps(row, ensure_ascii=False) + "\n")
    for split, rows in lines.items():
        (folder / f"{split}.jsonl").write_text("".join(rows), "utf-8")
    about = {"labels": table["labels"], "language": table["language"]}
    (folder / "meta.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), "utf-8")


def main() -> None:
    """Check files, say what is in them, and write them as data sets if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", default=sorted(FOLDER.rglob("*.txt")))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    for path in args.files:
        table = read_written(path)
        print(_report(table))
        if args.out:
            _export(table, args.out / table["name"])


if __name__ == "__main__":
    main()
