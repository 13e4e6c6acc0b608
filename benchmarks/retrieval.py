"""How fast and how exact retrieval by spans is, for pools of many sizes: `uv run benchmarks/retrieval.py POOL ...`.

The texts of a large pool are made up: each has the spans of one example of the given pools (of two, where the first has
fewer than four), and in each span half of the words are replaced by words of other spans with its label. Asked are 64
texts of six spans that follow each other in held-out examples (one in 50) of a pool. Vectors are the shipped
encoder's; `--double` sets those of the span and of its last word side by side, for twice the dimensions.

Times are for a text, medians over repeats of a batch of 64; recall is of the 8 best by exact search. GiB is the peak of
resident memory, mapped files included. On a busy machine look at processor time, with OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from el4ner.pool.pool import Pool
from el4ner.retrieval.approximate import Coarse
from el4ner.retrieval.encoder import Encoder, default_encoder
from el4ner.retrieval.index import embed
from el4ner.retrieval.spansim import Asked, Ranking, Vectors

T = TypeVar("T")
TEXTS, SPANS, K = 64, 6, 8
Spans = list[tuple[str, list[str]]]  # a label, and the words of a span


class Double:
    """The shipped encoder's vectors of a span and of its last word, side by side."""

    identity = "double"

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        one = default_encoder()
        last = [(text.split() or [""])[-1] for text in texts]
        return np.hstack([one.encode(texts), one.encode(last)]) / np.float32(np.sqrt(2))


def read(paths: list[Path]) -> tuple[list[list[Spans]], list[list[str]]]:
    """By pool, its examples' spans; and by pool, the spans that are held out."""
    kept, held = [], []
    for path in paths:
        examples = [e for e in Pool.read(path).examples if e.entities]
        found = [[(s.label or "", e.text[s.start : s.end].split()) for s in e.entities[:12]] for e in examples]
        kept.append([spans for i, spans in enumerate(found) if i % 50])
        held.append([" ".join(words) for spans in found[::50] for _, words in spans])
    return kept, [spans for spans in held if len(spans) >= SPANS]


def made_up(pools: list[list[Spans]], size: int) -> Iterator[list[str]]:
    """Texts with `size` spans together."""
    rng, vocabularies = random.Random(0), []
    for pool in pools:
        words: dict[str, list[str]] = {}
        for label, span in (pair for spans in pool for pair in spans):
            words.setdefault(label, []).extend(span)
        vocabularies.append(words)
    weights = [len(pool) for pool in pools]
    while size > 0:
        for number in rng.choices(range(len(pools)), weights, k=1000):
            spans = rng.choice(pools[number])
            spans = spans + rng.choice(pools[number]) if len(spans) < 4 else spans
            spans, size = spans[:size], size - len(spans)
            if spans:
                yield [
                    " ".join(w if rng.random() < 0.5 else rng.choice(vocabularies[number][label]) for w in words)
                    for label, words in spans
                ]


def questions(held: list[list[str]], encoder: Encoder) -> Asked:
    rng = random.Random(1)
    texts = []
    for spans in rng.choices(held, [len(spans) for spans in held], k=TEXTS):
        at = rng.randrange(len(spans) - SPANS + 1)
        texts.append((spans[at : at + SPANS], np.array([rng.choice([1.0, 2.0, 4.0]) for _ in range(SPANS)])))
    return Asked.of(texts, encoder)


def timed(search: Callable[[], list[Ranking]], repeats: int) -> tuple[list[Ranking], str]:
    """What is found, and milliseconds a text: medians of wall and processor time, after one search to warm up."""
    found, walls, works = search(), [], []
    for _ in range(repeats):
        wall, work = time.perf_counter(), time.process_time()
        search()
        walls.append((time.perf_counter() - wall) * 1000 / TEXTS)
        works.append((time.process_time() - work) * 1000 / TEXTS)
    return found, f"{statistics.median(walls):8.2f} {statistics.median(works):8.2f}"


def rate(make: Callable[[], T], spans: int) -> tuple[T, str]:
    """What is made, and how many spans a second of wall and of processor time."""
    wall, work = time.perf_counter(), time.process_time()
    made = make()
    return made, f"{spans / (time.perf_counter() - wall):11,.0f} {spans / (time.process_time() - work):11,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pools", type=Path, nargs="+", metavar="POOL", help="folders with train.jsonl, or JSONL files")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="spans of the pool")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--double", action="store_true", help="twice the dimensions")
    parser.add_argument("--folder", type=Path, help="where vectors are put for the time being")
    given = parser.parse_args()
    encoder: Encoder = Double() if given.double else default_encoder()
    pools, held = read(given.pools)
    asked = questions(held, encoder)
    print(f"{len(asked.vectors)} query spans of {asked.vectors.shape[1]} dimensions, {TEXTS} texts, k = {K}")
    print(
        " " * 20
        + "  embedded/s: wall, CPU   learnt/s: wall, CPU  exact ms: w, CPU coarse ms: w, CPU recall: mean median GiB"
    )
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            print(row(size, pools, asked, encoder, Path(folder), given.repeats), flush=True)


def row(size: int, pools: list[list[Spans]], asked: Asked, encoder: Encoder, folder: Path, repeats: int) -> str:
    def allocate(rows: int, width: int) -> Vectors:
        shape = (rows, width)
        return np.lib.format.open_memmap(folder / "vectors.npy", mode="w+", dtype=np.float32, shape=shape)

    surfaces: list[str] = []
    counts = []
    for spans in made_up(pools, size):
        surfaces += spans
        counts.append(len(spans))
    table, embedding = rate(lambda: embed(iter(surfaces), np.array(counts), 0, encoder, allocate), size)
    coarse, learning = rate(lambda: Coarse.of(table), size)
    exact, exact_ms = timed(lambda: table.rank(asked, K), repeats)
    near, coarse_ms = timed(lambda: coarse.rank(table, asked, K), repeats)
    # A text as good as the eighth counts as found: equals are many.
    hits = [float(np.mean(n.scores >= e.scores[-1])) for e, n in zip(exact, near, strict=True)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{size:10,} {len(counts):9,} {embedding} {learning} {exact_ms} {coarse_ms} {np.mean(hits):7.3f}"
        f" {np.median(hits):6.3f} {peak:4.1f}"
    )


if __name__ == "__main__":
    main()
