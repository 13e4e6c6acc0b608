"""The labelled texts to train on: read, freed of what is held out, with their neighbours, in one compressed file.

    python train/corpus.py DATA OUT.json.xz

DATA is the folder of the data sets, or one set of your own: a folder with train.jsonl, perhaps dev.jsonl and meta.json.
Runs where el4ner is installed (its encoder, tagger and SpanSim find the neighbours). `episodes.py` needs the file only.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from kinds import KINDS
from neighbours import neighbours
from outside import Outside, plain, rows
from written import FOLDER as WRITTEN
from written import read_written

from el4ner.data import Example, Span
from el4ner.errors import El4nerError
from el4ner.pool.pool import Pool
from el4ner.text.noun_phrases import phrases
from el4ner.text.passage import show

# The most texts taken of each data set; all of them may be given away with the weights (`redistribution` in meta.json).
CAPS = {
    "anem": 2815, "annoctr": 5500, "bc2gm": 5000, "bc5cdr": 4560, "bionlp13cg": 3033, "btc": 6338, "germeval2014": 6000,
    "gum": 3707, "litbank": 5500, "ncbi_disease": 3500, "sec_filings": 1164, "tasteset": 3099, "uner_en_ewt": 9000,
    "uner_zh_gsdsimp": 3997, "wikigold": 1243,
}  # fmt: skip
GUM_GENRES = ("news", "interview", "academic", "bio", "voyage", "court")
_DEV = 60  # texts a data set to watch the loss on
_FEWEST = 20  # texts with entities that one's own set must have

Row = list[Any]  # a text and its entities: [text, [[start, end, type], ...]]


class Source(NamedTuple):
    """One data set: what stands between its texts' tokens, its types, the texts to train on, and a few to watch."""

    name: str
    language: str
    join: str
    labels: dict[str, str]
    kept: list[Row]
    watched: list[Row]


def main() -> None:
    """Write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    began = time.monotonic()
    data = args.data.resolve()
    own = (data / "train.jsonl").exists()
    if own:
        try:
            Pool.read(data)
        except El4nerError as error:
            raise SystemExit(f"error: {error}") from error
    outside = Outside.read([data] if own else sorted(data.iterdir()))
    print(f"held out: {len(outside.exact)} texts, {len(outside.shingles)} shingles ({time.monotonic() - began:.0f} s)")
    described = {text.casefold() for _, texts in KINDS.values() for text in texts}
    if shared := described & outside.descriptions:
        raise SystemExit(f"error: kinds.py describes types in the words of held-out sets: {sorted(shared)}")
    report: dict[str, Any] = {}
    sources = [_source(folder, outside, report, own) for folder in ([data] if own else [data / name for name in CAPS])]
    sources += [] if own else _written(outside, report)
    with ProcessPoolExecutor(args.workers) as pool:
        sets = list(pool.map(_prepare, sources))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    part = args.out.with_name(f"{args.out.name}.part")
    with lzma.open(part, "wt", preset=6, encoding="utf-8") as file:
        json.dump({"sets": sets, "report": report}, file, ensure_ascii=False, separators=(",", ":"))
    part.replace(args.out)
    print(json.dumps(report, indent=1))
    print(f"{args.out}: {args.out.stat().st_size / 2**20:.1f} MiB, {time.monotonic() - began:.0f} s")


def _source(folder: Path, outside: Outside, report: dict[str, Any], own: bool) -> Source:
    """A data set's folder."""
    about = folder / "meta.json"
    meta = json.loads(about.read_text("utf-8")) if about.exists() else {}
    kept, watched = _split(folder, _kept(folder, outside, report), own)
    found = sorted({label for _, entities in [*kept, *watched] for _, _, label in entities})
    given = meta.get("labels", {})
    labels = dict.fromkeys(found, "") | (given if isinstance(given, dict) else dict.fromkeys(given, ""))
    return Source(folder.name, meta.get("language", "en"), meta.get("token_join", " "), labels, kept, watched)


def _written(outside: Outside, report: dict[str, Any]) -> Iterator[Source]:
    """The sets that were written for training, under names of `written/`."""
    counts: Counter[str] = Counter()
    for path in sorted(WRITTEN.glob("*.txt")):
        table = read_written(path)
        kept = [row for row in table["texts"] if not outside.verdict(row[0])]
        counts.update({"sets": 1, "train": len(table["texts"]), "used": len(kept)})
        join = "" if table["language"] == "zh" else " "
        yield Source(f"written/{table['name']}", table["language"], join, table["labels"], kept, [])
    report["written"] = dict(counts)


def _kept(folder: Path, outside: Outside, report: dict[str, Any]) -> list[Row]:
    """The train texts that may be used, sampled to the cap, in the order of the file."""
    counts: Counter[str] = Counter()
    kept: list[Row] = []
    seen: set[str] = set()
    for row in rows(folder / "train.jsonl"):
        counts["train"] += 1
        if folder.name == "gum" and row["id"].split("_")[1] not in GUM_GENRES:
            counts["genre"] += 1
        elif why := outside.verdict(row["text"]):
            counts[why] += 1
        elif plain(row["text"]) in seen or len(row["text"]) < 8 or len(row["text"]) > 900:
            counts["repeated, tiny or huge"] += 1
        else:
            seen.add(plain(row["text"]))
            kept.append(_row(row))
    rng = random.Random(0)
    cap = CAPS.get(folder.name, len(kept))
    if len(kept) > cap:
        places = sorted(rng.sample(range(len(kept)), cap))
        kept = [kept[i] for i in places]
    counts["used"] = len(kept)
    report[folder.name] = dict(counts)
    return kept


def _row(row: dict[str, Any]) -> Row:
    return [row["text"], [[e["start"], e["end"], e["label"]] for e in row["entities"]]]


def _split(folder: Path, kept: list[Row], own: bool) -> tuple[list[Row], list[Row]]:
    """The texts to train on, and a few to watch the loss on: of dev.jsonl; of one's `own` set without that, a tenth."""
    if own and sum(bool(entities) for _, entities in kept) < _FEWEST:
        raise SystemExit(f"{folder / 'train.jsonl'}: fewer than {_FEWEST} texts of 8 to 900 characters with entities")
    dev, dice = folder / "dev.jsonl", random.Random(1)
    if own and not dev.exists():
        places = set(dice.sample(range(len(kept)), min(_DEV, len(kept) // 10)))
        return [row for i, row in enumerate(kept) if i not in places], [kept[i] for i in sorted(places)]
    watched = [_row(r) for r in rows(dev)] if dev.exists() else []
    return kept, dice.sample(watched, min(_DEV, len(watched)))


def _prepare(source: Source) -> dict[str, Any]:
    """One data set with phrases and neighbours of its texts, and a few dev texts with theirs among the train texts."""
    kept, watched = source.kept, source.watched
    examples = [Example(str(i), t, tuple(Span(*e) for e in es)) for i, (t, es) in enumerate(kept)]
    asked = [show(text) for text, _ in [*kept, *watched]]
    spans = [phrases(shown) for shown in asked]
    near, free = neighbours(examples, asked, spans)
    found = [
        [[s.start, s.end] for s in group] if shown == text else []
        for shown, group, (text, _) in zip(asked, spans, [*kept, *watched], strict=True)
    ]
    print(source.name, len(kept), flush=True)
    return {
        "name": source.name,
        "language": source.language,
        "join": source.join,
        "labels": source.labels,
        "texts": kept,
        "dev": watched,
        "phrases": found,
        "near": near,
        "free": free,
    }


if __name__ == "__main__":
    main()
