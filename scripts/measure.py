"""Micro-F1 of a recipe on a dataset folder: the ensemble, and each member alone.

    uv run python scripts/measure.py DATA/wnut17 [--recipe nano] [--split test] [--texts 200] [--store FILE]

The folder holds `train.jsonl` (the pool), `SPLIT.jsonl` and `meta.json`. Texts: `random.Random(0).sample(split, 200)`,
then more in the order of `random.Random(1)`. A member alone keeps its own proposals and its own votes, no threshold:
its first answer, in one step. p: share of 2,000 paired bootstrap draws over texts in which the ensemble is not better.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from el4ner import EL4NER, Document, Pool, Store
from el4ner.annotation import Annotation
from el4ner.formats import read_examples

DRAWS = 2000


def sample(rows: list, texts: int) -> list:
    first = random.Random(0).sample(range(len(rows)), min(200, len(rows)))
    rest = [i for i in range(len(rows)) if i not in set(first)]
    random.Random(1).shuffle(rest)
    return [rows[i] for i in (first + rest)[:texts]]


def alone(annotation: Annotation, member: str) -> Annotation:
    ballots = []
    for ballot in annotation.ballots:
        proposals = tuple(p for p in ballot.candidate.proposals if p.member == member)
        if proposals:
            candidate = replace(ballot.candidate, proposals=proposals)
            ballots.append(
                replace(ballot, candidate=candidate, votes=tuple(v for v in ballot.votes if v.member == member))
            )
    return replace(annotation, ballots=tuple(ballots)).decide(threshold=0.0, verify=False)


def counts(gold: list, annotations: list[Annotation]) -> np.ndarray:
    """Right, found and true entities of each text."""
    rows = []
    for example, annotation in zip(gold, annotations, strict=True):
        true = {(e.start, e.end, e.label) for e in example.entities}
        found = {(e.start, e.end, e.label) for e in annotation.entities}
        rows.append((len(true & found), len(found), len(true)))
    return np.array(rows)


def f1(table: np.ndarray) -> np.ndarray:
    right, found, true = np.moveaxis(table, -1, 0)
    return 2 * right / np.maximum(1, found + true)


def report(name: str, table: np.ndarray, draws: np.ndarray, ensemble: np.ndarray | None) -> None:
    right, found, true = table.sum(0)
    scores = f1(table[draws].sum(1))
    low, high = np.percentile(scores, (2.5, 97.5))
    against = f"  p {float((f1(ensemble[draws].sum(1)) <= scores).mean()):.3f}" if ensemble is not None else ""
    precision, recall = right / max(1, found), right / max(1, true)
    print(
        f"{name:24} P {precision:.3f} R {recall:.3f} F1 {float(f1(table.sum(0))):.3f} [{low:.3f}, {high:.3f}]{against}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--split", default="test")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--store", type=Path)
    args = parser.parse_args()
    gold = sample(list(read_examples(args.data / f"{args.split}.jsonl")), args.texts)
    store = Store.open(args.store) if args.store else None
    ner = EL4NER.from_recipe(args.recipe, Pool.read(args.data), store=store)
    began = time.perf_counter()
    annotations = list(ner.annotate([Document(e.id, e.text) for e in gold]))
    wall, inside = time.perf_counter() - began, sum(cost.seconds for cost in ner.costs)
    draws = np.random.default_rng(0).integers(0, len(gold), (DRAWS, len(gold)))
    ensemble = counts(gold, annotations)
    report("ensemble", ensemble, draws, None)
    report("  threshold 0", counts(gold, [a.decide(threshold=0.0) for a in annotations]), draws, ensemble)
    if any(ballot.verdicts for a in annotations for ballot in a.ballots):
        report("  without verification", counts(gold, [a.decide(verify=False) for a in annotations]), draws, ensemble)
    for member in ner.members:
        report(f"  {member.name} alone", counts(gold, [alone(a, member.name) for a in annotations]), draws, ensemble)
    entities = [(a, e) for a in annotations for e in a.entities]
    wrong = sum(a.text[e.start : e.end] != e.text for a, e in entities)
    ungrounded = sum(len(trace.ungrounded) for a in annotations for trace in a.traces)
    read, written = sum(cost.prompt for cost in ner.costs), sum(cost.generated for cost in ner.costs)
    print(
        f"{len(gold)} texts, {len(entities)} entities, {wrong} not at their offsets, {ungrounded} strings not grounded"
    )
    print(f"{wall:.0f} s, {1 - inside / wall:.1%} outside the engine; {read} prompt tokens, {written} generated")


if __name__ == "__main__":
    main()
