"""In-context episodes: from labelled texts to token files, in the exact prompts of the compact style.

    python train/episodes.py CORPUS.json.xz TOKENIZER.json OUT --experts reader --tokens 60000000

An episode is a list of types, some demonstrations, a text, and the questions about it with their answers, each of which
sees what they share and no other. The loss falls on the lists of the demonstrations too, so that one sequence trains
every number of shots up to its own. The prompts come from `el4ner.prompts.style` itself. Needs el4ner's source on the
path, `tokenizers` and numpy; nothing else.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mixes import MIXES, PUBLISHED, TRUNK
from questions import KINDS, Episode, Episodes
from sets import read_corpora
from tokenizers import Tokenizer

LONGEST, RARELY = 1280, 1792  # tokens of a sequence; the second for one in ten
_CHUNK = 1000  # sequences a worker makes at a time
_DEV = 480


class Tokens(NamedTuple):
    """An episode: what is shared, then its branches. Of each token: what it counts as a target, its branch, its kind.

    Branch 0 is what is shared; there, a token is of no kind (0), else of `KINDS[kind - 1]`.
    """

    ids: np.ndarray
    weights: np.ndarray
    branches: np.ndarray
    kinds: np.ndarray


def encoded(tokenizer: Tokenizer, episode: Episode) -> Tokens:
    """The tokens of every question as they are at inference, what is shared once."""
    branches = episode.branches
    texts = [episode.shared + b.asked + b.answer for b in branches]
    coded = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    starts = [np.array([start for start, _ in c.offsets]) for c in coded]
    cut = _common([c.ids[: np.searchsorted(s, len(episode.shared))] for c, s in zip(coded, starts, strict=True)])
    weights = np.zeros(cut, np.uint8)
    for start, end, weight, first in episode.targets:
        low, high = np.searchsorted(starts[0][:cut], [start, end])
        weights[low + (not first) : high] = weight
    parts = [Tokens(np.array(coded[0].ids[:cut]), weights, np.zeros(cut), np.zeros(cut))]
    for number, (branch, c, s) in enumerate(zip(branches, coded, starts, strict=True), 1):
        own = s[cut:] >= len(episode.shared + branch.asked)
        parts.append(
            Tokens(
                np.array(c.ids[cut:]),
                own * np.uint8(branch.weight),
                np.full(len(own), number),
                np.full(len(own), branch.kind + 1),
            )
        )
    ids, weights, numbers, kinds = (np.concatenate(group) for group in zip(*parts, strict=True))
    return Tokens(ids.astype(np.uint16), weights, numbers.astype(np.uint8), kinds.astype(np.uint8))


def _common(lists: Sequence[list[int]]) -> int:
    """How many tokens all of them begin with."""
    return next((i for i, group in enumerate(zip(*lists, strict=False)) if len(set(group)) > 1), min(map(len, lists)))


_state: dict[str, Any] = {}


def _start(corpus: Path, tokenizer: Path) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _state["corpora"] = read_corpora(corpus)
    _state["tokenizer"] = Tokenizer.from_file(str(tokenizer))


def _chunk(task: tuple[str, int, int, bool]) -> list[Tokens]:
    expert, number, count, dev = task
    mix = MIXES[expert]
    dice = random.Random(f"{mix.seed}/{number}/{dev}")
    episodes = Episodes(_state["corpora"], mix, dice)
    made: list[Tokens] = []
    while len(made) < count:
        tokens = encoded(_state["tokenizer"], episodes.draw(dev))
        if len(tokens.ids) <= (RARELY if dice.random() < 0.1 else LONGEST):
            made.append(tokens)
    return made


def main() -> None:
    """Write the token files of each expert, and of its dev episodes; what is there already is left alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--experts", nargs="+", default=[TRUNK, *PUBLISHED], choices=list(MIXES))
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
    made: list[Tokens] = []
    count = _DEV // 4 if dev else _CHUNK
    tasks = ((expert, n, count, dev) for n in range(4 if dev else 1 + tokens // (_CHUNK * 100)))
    wave = 4 if dev else multiprocessing.cpu_count()
    while total <= tokens and (batch := list(islice(tasks, wave))):
        for part in pool.map(_chunk, batch, chunksize=1):
            made += part
            total += sum(len(t.ids) for t in part)
    lengths = np.array([len(t.ids) for t in made], np.int32)
    whole = Tokens(*(np.concatenate(group) for group in zip(*made, strict=True)))
    for suffix, array in (*whole._asdict().items(), ("lengths", lengths)):
        np.save(out.with_name(f"{out.name}.{suffix}.npy"), array)
    asked = Counter(int(k) for t in made for k in t.kinds[np.unique(t.branches, return_index=True)[1]] if k)
    facts = {
        "sequences": len(lengths),
        "tokens": total,
        "targets": int((whole.weights > 0).sum()),
        "longest": int(lengths.max()),
        "questions": {KINDS[k - 1]: n for k, n in sorted(asked.items())},
        "targets by kind": {
            name: int(((whole.kinds == k) & (whole.weights > 0)).sum()) for k, name in enumerate(("shared", *KINDS))
        },
        "seconds": round(time.monotonic() - began, 1),
    }
    out.with_name(f"{out.name}.json").write_text(json.dumps(facts))
    print(out.name, json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
