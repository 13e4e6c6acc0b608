"""In-context episodes: from labelled texts to token files, in the exact prompts of the compact style.

    python train/episodes.py CORPUS.json.xz TOKENIZER.json OUT --experts general reader breadth --tokens 60000000

An episode is a list of types, some demonstrations, a text, and one question with its answer. The loss falls on the
lists of the demonstrations too, so that one sequence trains every number of shots up to its own. The prompts come from
`el4ner.prompts.style` itself. Needs el4ner's source on the path, `tokenizers` and numpy; nothing else.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from mixes import MIXES, PUBLISHED
from questions import KINDS, Episodes, Question
from sets import read_corpora
from tokenizers import Tokenizer

LONGEST, RARELY = 1024, 1536  # tokens of a sequence; the second for one in ten
_CHUNK = 1000  # sequences a worker makes at a time
_DEV = 480


def encoded(tokenizer: Tokenizer, question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Tokens, and what each counts as a target."""
    coded = tokenizer.encode(question.text, add_special_tokens=False)
    starts = np.array([start for start, _ in coded.offsets])
    weights = np.zeros(len(starts), np.uint8)
    for start, end, weight, first in question.targets:
        low, high = np.searchsorted(starts, [start, end])
        weights[low + (not first) : high] = weight
    return np.array(coded.ids, np.uint16), weights


_state: dict[str, Any] = {}


def _start(corpus: Path, tokenizer: Path) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _state["corpora"] = read_corpora(corpus)
    _state["tokenizer"] = Tokenizer.from_file(str(tokenizer))


def _chunk(task: tuple[str, int, int, bool]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    expert, number, count, dev = task
    mix = MIXES[expert]
    dice = random.Random(f"{mix.seed}/{number}/{dev}")
    episodes = Episodes(_state["corpora"], mix, dice)
    ids, weights, kinds = [], [], []
    while len(ids) < count:
        question = episodes.draw(dev)
        limit = RARELY if dice.random() < 0.1 else LONGEST
        tokens, targets = encoded(_state["tokenizer"], question)
        if len(tokens) <= limit:
            ids.append(tokens)
            weights.append(targets)
            kinds.append(question.kind)
    lengths = np.array([len(i) for i in ids], np.int32)
    return np.concatenate(ids), np.concatenate(weights), lengths, np.array(kinds, np.uint8)


def main() -> None:
    """Write the token files of each expert, and of its dev episodes; what is there already is left alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--experts", nargs="+", default=PUBLISHED, choices=list(MIXES))
    parser.add_argument("--tokens", type=int, default=60_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(args.workers, _start, (args.corpus, args.tokenizer)) as pool:
        for expert in args.experts:
            for name, tokens, dev in ((f"{expert}-dev", 0, True), (expert, args.tokens, False)):
                if not (args.out / f"{name}.json").exists():
                    _write(pool, args.out / name, expert, tokens, dev)


def _write(pool: Any, out: Path, expert: str, tokens: int, dev: bool) -> None:
    began, total = time.monotonic(), 0
    parts = []
    count = _DEV // 4 if dev else _CHUNK
    tasks = ((expert, n, count, dev) for n in range(4 if dev else 1 + tokens // (_CHUNK * 100)))
    wave = 4 if dev else multiprocessing.cpu_count()
    while total <= tokens:
        batch = list(islice(tasks, wave))
        if not batch:
            break
        for part in pool.map(_chunk, batch, chunksize=1):
            parts.append(part)
            total += len(part[0])
        if dev:
            break
    ids, weights, lengths, kinds = (np.concatenate(group) for group in zip(*parts, strict=True))
    for suffix, array in (("tokens", ids), ("weights", weights), ("lengths", lengths), ("kinds", kinds)):
        np.save(out.with_name(f"{out.name}.{suffix}.npy"), array)
    facts = {
        "sequences": len(lengths),
        "tokens": int(total),
        "targets": int((weights > 0).sum()),
        "longest": int(lengths.max()),
        "kinds": {KINDS[k]: n for k, n in sorted(Counter(kinds.tolist()).items())},
        "tokens by kind": {KINDS[k]: int(lengths[kinds == k].sum()) for k in range(len(KINDS))},
        "seconds": round(time.monotonic() - began, 1),
    }
    out.with_name(f"{out.name}.json").write_text(json.dumps(facts))
    print(out.name, json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
