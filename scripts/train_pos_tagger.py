"""Trains the part-of-speech tagger that el4ner ships, and says how good it is.

    uv run --with scikit-learn python scripts/train_pos_tagger.py TRAIN.conllu DEV.conllu [TEST.conllu] --out FOLDER

TRAIN, DEV and TEST are the files of UD English EWT. The result is deterministic: seeded, and the archive holds no time
stamps. Two more commands measure without training:

    uv run python scripts/train_pos_tagger.py DEV.conllu TEST.conllu --evaluate FOLDER
    uv run python scripts/train_pos_tagger.py DATA --spans

(DATA is a folder of datasets; what the shipped tagger's weights say of gold spans and of random ones).
"""

from __future__ import annotations

import argparse
import json
import random
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import mean
from typing import Literal

import numpy as np

from el4ner.data import Span
from el4ner.retrieval.pos_weights import PosWeights, span_weights
from el4ner.text.pos_tagger import PosTagger, features
from el4ner.text.words import words

Sentence = tuple[list[str], list[str]]  # words and their tags
MIN_FEATURE = 4  # copies of the training sentences count
MIN_KNOWN = 10
WORDS: tuple[Literal["max", "first", "head"], ...] = ("max", "first", "head")
DATASETS = ["wnut17", "wnut16", "btc", "conll2003", "crossner_music", "bc5cdr", "genia", "mit_restaurant", "gum"]
DATASETS += ["tasteset", "germeval2014", "conll2002_es", "weibo_zh"]
CASINGS: dict[str, Callable[[str], str]] = {"as is": str, "lower": str.lower, "upper": str.upper, "title": str.title}


def tokens(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The sentences of a CoNLL-U file: the text and its (form, UPOS)."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = block.split("\n")
        text = next((line[9:] for line in lines if line.startswith("# text = ")), None)
        rows = [line.split("\t") for line in lines if line and line[0] != "#"]
        if text is not None:
            yield text, [(row[1], row[3]) for row in rows if row[0].isdigit()]


def on_our_words(text: str, gold: list[tuple[str, str]]) -> Sentence:
    """The tags carried over to el4ner's own words, so that training and use see the same units.

    A word takes the tag of the token it starts in; punctuation inside a longer token ("Mr.") is punctuation.
    """
    spans, at = [], 0
    for form, upos in gold:
        at = text.index(form, at)
        spans.append((at, at + len(form), upos))
        at += len(form)
    forms, tags, k = [], [], 0
    for span in words(text):
        while spans[k][1] <= span.start:
            k += 1
        start, end, upos = spans[k]
        word = text[span.start : span.end]
        inside = len(word) < end - start and not any(c.isalnum() for c in word)
        forms.append(word)
        tags.append("PUNCT" if inside else upos)
    return forms, tags


def recased(sentences: list[Sentence], seed: int) -> Iterator[Sentence]:
    """Each sentence as it is and in small letters, some in capitals or title case: casing must not be everything."""
    rng = random.Random(seed)
    for forms, tags in sentences:
        copies: list[Callable[[str], str]] = [str, str.lower]
        draw = rng.random()
        copies += [str.upper] if draw < 0.15 else [str.title] if draw < 0.3 else []
        for case in copies:
            yield [case(w) for w in forms], tags


def train(sentences: list[Sentence], epochs: int, seed: int) -> dict[str, np.ndarray]:
    import scipy.sparse as sparse
    from sklearn.linear_model import SGDClassifier

    rows: list[list[str]] = []
    gold: list[str] = []
    for forms, tags in recased(sentences, seed):
        rows += features(forms)
        gold += tags
    counts = Counter(f for row in rows for f in row)
    names = sorted(f for f, n in counts.items() if n >= MIN_FEATURE)
    index = {name: i for i, name in enumerate(names)}
    ids = [[index[f] for f in row if f in index] for row in rows]
    ends = np.cumsum([0] + [len(row) for row in ids])
    flat = np.fromiter((i for row in ids for i in row), dtype=np.int32, count=int(ends[-1]))
    matrix = sparse.csr_matrix((np.ones(len(flat), np.float32), flat, ends), shape=(len(ids), len(names)))
    model = SGDClassifier(
        loss="hinge", alpha=3e-6, average=True, max_iter=epochs, tol=None, random_state=seed, n_jobs=2
    ).fit(matrix, gold)
    scale = np.abs(model.coef_).max() / 127
    weights = np.rint(model.coef_.T / scale).astype(np.int8)
    kept = np.flatnonzero(weights.any(axis=1))
    frequent = Counter(w.lower() for forms, _ in sentences for w in forms if w.isalpha())
    return {
        "tags": packed(model.classes_),
        # Row 0 is a feature that no word has: a zero row to stand for "nothing known of this word".
        "features": packed(["", *(names[i] for i in kept)]),
        "weights": np.vstack([np.zeros((1, weights.shape[1]), np.int8), weights[kept]]),
        "bias": np.rint(model.intercept_ / scale).astype(np.int32),
        "known": packed(sorted(w for w, n in frequent.items() if n >= MIN_KNOWN)),
    }


def packed(names: Iterable[str]) -> np.ndarray:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def save(arrays: dict[str, np.ndarray], path: Path) -> None:
    """An .npz as numpy reads it, but without the hour of its making."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def report(tagger: PosTagger, path: Path) -> None:
    sentences = [on_our_words(*s) for s in tokens(path)]
    original = [([w for w, _ in gold], [t for _, t in gold]) for _, gold in tokens(path)]
    for name, case in CASINGS.items():
        for unit, data in (("el4ner words", sentences), ("UD tokens", original)):
            started = time.perf_counter()
            guess = [t for forms, _ in data for t in tagger.tag([case(w) for w in forms])]
            seconds = time.perf_counter() - started
            gold = [t for _, tags in data for t in tags]
            hits = sum(g == t for g, t in zip(gold, guess, strict=True))
            proper = sum(g == t == "PROPN" for g, t in zip(gold, guess, strict=True))
            print(
                f"{path.stem:18} {name:6} {unit:13} accuracy {hits / len(gold):.4f}  "
                f"PROPN P {proper / max(guess.count('PROPN'), 1):.3f} R {proper / gold.count('PROPN'):.3f}  "
                f"{len(gold) / seconds:,.0f} words/s"
            )


def spans(data: Path, name: str, rows: int = 800) -> None:
    """Weights of gold spans and of random spans of as many words, for the three choices of the word that decides."""
    path = data / name / "dev.jsonl"
    lines = (path if path.exists() else path.with_name("test.jsonl")).read_text("utf-8").splitlines()[:rows]
    rng = random.Random(0)
    weights: dict[tuple[str, str], list[float]] = defaultdict(list)
    sources: list[str] = []
    for record in map(json.loads, lines):
        text, units = record["text"], words(record["text"])
        gold = [Span(e["start"], e["end"]) for e in record["entities"]]
        drawn = []
        for length in (sum(g.overlaps(u) for u in units) for g in gold):
            first = rng.randrange(len(units))
            drawn.append(Span(units[first].start, units[min(first + length, len(units)) - 1].end))
        drawn = [d for d in drawn if not any(d.overlaps(g) for g in gold)]
        for word in WORDS:
            found = span_weights(text, gold + drawn, PosWeights(word=word))
            if gold and word == "max":
                sources.append(found.source)
            if found.source == "pos":
                weights[word, "gold"] += found.values[: len(gold)].tolist()
                weights[word, "random"] += found.values[len(gold) :].tolist()
    cells = [f"{sources.count('uniform') / len(sources):.3f}"]
    for word in WORDS:
        gold_weights, random_weights = weights[word, "gold"], weights[word, "random"]
        nothing = gold_weights.count(0) / max(len(gold_weights), 1)
        cells.append(f"{nothing:.3f}, {mean(gold_weights or [0]):.2f} : {mean(random_weights or [0]):.2f}")
    print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CoNLL-U; the first is trained on")
    parser.add_argument("--out", type=Path, help="folder to write pos_tagger.npz to")
    parser.add_argument("--evaluate", type=Path, help="measure this folder's tagger on all the files; do not train")
    parser.add_argument("--spans", action="store_true", help="measure span weights on the datasets in the folder FILE")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.spans:
        print("| dataset | texts weighed uniformly | max | first | head |\n|---|---|---|---|---|")
        for name in DATASETS:
            spans(args.files[0], name)
        return
    if not args.evaluate and not args.out:
        parser.error("give --out to train, --evaluate or --spans to measure")
    if not args.evaluate:
        save(
            train([on_our_words(*s) for s in tokens(args.files.pop(0))], args.epochs, args.seed),
            args.out / "pos_tagger.npz",
        )
    path = (args.evaluate or args.out) / "pos_tagger.npz"
    tagger = PosTagger.load(path)
    size = f"{path.stat().st_size / 1e6:.2f} MB"
    print(f"{path.name}: {size}, {len(tagger.weights) - 1:,} features, {len(tagger.tags)} tags")
    for file in args.files:
        report(tagger, file)


if __name__ == "__main__":
    main()
