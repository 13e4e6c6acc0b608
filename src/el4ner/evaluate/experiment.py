"""From a recipe and a data set to a run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from el4ner.annotation import Annotation
from el4ner.data import Document, Example
from el4ner.ensemble.costs import silent
from el4ner.errors import DataError
from el4ner.evaluate.run import Run, Setup
from el4ner.evaluate.sets.dataset import Dataset, leaked, sample
from el4ner.evaluate.stages import Judged
from el4ner.models.base import Model
from el4ner.models.gguf.merge import file_digest
from el4ner.models.open import open_models
from el4ner.models.replay import recorded, replayed
from el4ner.models.settings import EngineSettings
from el4ner.models.store import Store
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool, digest
from el4ner.recipes.settings import Recipe

Watch = Callable[[Iterator[Annotation], EL4NER, int], Iterator[Annotation]]


@dataclass(frozen=True)
class Plan:
    """An experiment to be made: that of `setup`, on `texts` (a sample of its split), shown examples of `pool`."""

    setup: Setup
    pool: Pool
    texts: tuple[Example, ...]


class Workshop:
    """Runs plans. Recipes that name the same model share it, so that it is opened once; with `replay`, never."""

    def __init__(self, store: Store | None = None, replay: bool = False) -> None:
        self._store = store
        self._replay = replay
        self._models: dict[str, Model] = {}

    def run(self, plan: Plan, watch: Watch | None = None) -> Run:
        """Annotate the plan's texts. `watch` may wrap the annotations, to show how far they are."""
        ner = self.ensemble(plan.setup.recipe, plan.pool)
        documents = [Document(text.id, text.text) for text in plan.texts]
        began = time.perf_counter()
        annotations = ner.annotate(documents)
        if watch is not None:
            annotations = watch(annotations, ner, len(documents))
        judged = tuple(Judged(t.entities, a) for t, a in zip(plan.texts, annotations, strict=True))
        seconds = time.perf_counter() - began
        weights = parameters(plan.setup.recipe, silent(ner.costs))
        return Run(plan.setup, plan.pool.labels, judged, ner.costs, seconds, weights)

    def ensemble(self, recipe: Recipe, pool: Pool) -> EL4NER:
        """A recipe's ensemble on the models that are open already, and those that it needs beside them."""
        for name, settings in recipe.used.items():
            if (key := _key(settings)) not in self._models:
                self._models[key] = self._model(name, settings)
        models = {name: self._models[_key(settings)] for name, settings in recipe.used.items()}
        return EL4NER.on_models(recipe, models, pool, store=self._store)

    def _model(self, name: str, settings: EngineSettings) -> Model:
        one = {name: settings}
        return replayed(one, self._store)[name] if self._replay else recorded(open_models(one), one, self._store)[name]

    def close(self) -> None:
        """Give back what the models hold."""
        for model in self._models.values():
            model.close()


def plan(
    recipe: Recipe,
    data: Dataset,
    split: str = "test",
    pool: Pool | None = None,
    limit: int | None = None,
    seed: int = 0,
    keep_leaks: bool = False,
) -> Plan:
    """What to run: `limit` texts of the split, drawn by `seed`; the pool is the train split unless another is given.

    Pool examples whose text is among those to be annotated are left out of the pool, unless `keep_leaks`.
    """
    texts = sample(data.split(split), limit, seed)
    if not texts:
        raise DataError(f"{data.source}: the split {split!r} holds no texts")
    if pool is None and "train" not in data.splits:
        raise DataError(f"{data.source}: no train split to take demonstrations from; give a pool (--pool)")
    pool = pool if pool is not None else Pool.of(data.split("train"), data.labels)
    leaks = [] if keep_leaks else leaked(pool.examples, texts)
    if leaks:
        pool = pool.without(example.text for example in leaks)
    told = version("el4ner"), weights(recipe)
    setup = Setup(recipe, data.name, split, limit, seed, digest(texts), pool.digest, len(leaks), *told)
    return Plan(setup, pool, texts)


def weights(recipe: Recipe) -> str:
    """A digest of the files that hold the weights of the recipe's members; folders and what is served count by name."""
    files = [file for _, settings in sorted(recipe.used.items()) for file in settings.files()]
    return hashlib.sha256(b"".join(map(file_digest, files))).hexdigest() if files else ""


def parameters(recipe: Recipe, silent: Collection[str] = ()) -> int | None:
    """Weights of all the models that a recipe's members use, each counted once; None where one does not tell.

    Members that are `silent` add nothing to it.
    """
    models = {member.model for member in recipe.members if member.name not in silent}
    told = [settings.count_parameters() for name, settings in recipe.used.items() if name in models]
    known = [count for count in told if count is not None]
    return sum(known) if len(known) == len(told) else None


def _key(settings: EngineSettings) -> str:
    return settings.model_dump_json()
