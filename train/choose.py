"""F1 by threshold on dev texts that no expert was trained on: what chooses between experts, votes and thresholds.

    python train/choose.py DATA [-r nano ...] [--texts 50]

Eight public sets in the folder DATA, each with its own train texts as pool, and the written sets in `written/dev`, each
text with the others of its set. Recipes are names or files (`adapter = "FILE"` in one names another expert). What
models have answered stays in the reply store. About a quarter of an hour a recipe on two cores.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from written import FOLDER, read_written

from el4ner.data import Example, Label, Span
from el4ner.errors import El4nerError
from el4ner.evaluate.experiment import Workshop
from el4ner.evaluate.score import total
from el4ner.evaluate.sets.dataset import open_dataset, sample
from el4ner.evaluate.tuning.leave_one_out import Evidence
from el4ner.models.store import Store, store_path
from el4ner.pool.pool import Pool
from el4ner.recipes.load import load_recipe
from el4ner.recipes.settings import Recipe

THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
# May not be given away, so that nothing was trained on them. Where there is no dev split, so many train texts are.
PUBLIC = {
    "conll2003": 0, "scierc": 0, "conll2002_es": 0, "e_ner": 0, "malwaretextdb": 0,
    "indian_legal": 400, "re3d": 150, "wikineural_en": 1000,
}  # fmt: skip
_SPARSE = ("e_ner", "malwaretextdb")  # most of their texts have no entities: three in ten are enough
_MOST = 8000  # texts of a set that is cut in two

Set = tuple[str, Pool, Sequence[Example]]


def main() -> None:
    """Print a table of each recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-r", "--recipe", action="append")
    parser.add_argument("--texts", type=int, default=50, help="of each public set")
    parser.add_argument("--store", type=Path, help="the reply store; default: EL4NER_STORE, else in the user's cache")
    args = parser.parse_args()
    try:
        recipes = [load_recipe(name) for name in args.recipe or ["nano"]]
        workshop = Workshop(Store.open(store_path(args.store)))
        sets = [*_public(args.data, args.texts), *_written()]
        for recipe in recipes:
            _report(recipe, sets, workshop)
    except El4nerError as error:
        raise SystemExit(f"error: {error}") from error


def _public(data: Path, count: int) -> Iterator[Set]:
    for name, cut in PUBLIC.items():
        source = open_dataset(data / name)
        if cut:
            texts = list(source.splits.get("train") or source.split("dev"))
            random.Random(0).shuffle(texts)
            dev, train = texts[:cut], texts[cut:_MOST]
        else:
            dev, train = list(source.split("dev")), list(source.split("train"))
        if name in _SPARSE:
            random.Random(0).shuffle(dev)
            bare = [text for text in dev if not text.entities][: count * 3 // 10]
            dev = [text for text in dev if text.entities][: count - len(bare)] + bare
        yield name, Pool.of(train, source.labels), sample(dev, count, 0)


def _written() -> Iterator[Set]:
    for path in sorted((FOLDER / "dev").glob("*.txt")):
        table = read_written(path)
        texts = tuple(Example(str(i), t, tuple(Span(*e) for e in es)) for i, (t, es) in enumerate(table["texts"]))
        yield f"written/{path.stem}", Pool.of(texts, [Label(*item) for item in table["labels"].items()]), texts


def _report(recipe: Recipe, sets: Sequence[Set], workshop: Workshop) -> None:
    print(f"\n{recipe.name:<24}" + "".join(f"{threshold:6g}" for threshold in THRESHOLDS))
    rows: dict[bool, list[list[float]]] = {False: [], True: []}
    for name, pool, texts in sets:
        evidence = Evidence(pool, texts, workshop.ensemble)
        found = [total(evidence.table(_at(recipe, threshold))).f1 for threshold in THRESHOLDS]
        rows[name.startswith("written/")].append(found)
        _line(name, found)
    for written, what in ((False, "mean, public"), (True, "mean, written")):
        _line(what, np.mean(rows[written], axis=0).tolist())


def _line(name: str, values: Sequence[float]) -> None:
    print(f"{name:<24}" + "".join(f"{value:6.3f}" for value in values), flush=True)


def _at(recipe: Recipe, threshold: float) -> Recipe:
    return recipe.model_copy(update={"decide": recipe.decide.model_copy(update={"threshold": threshold})})


if __name__ == "__main__":
    main()
