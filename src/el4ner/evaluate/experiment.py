"""From a recipe and a data set to a run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from el4ner.annotation import Annotation
from el4ner.data import Document, Example
from el4ner.errors import DataError
from el4ner.evaluate.run import Run, Setup
from el4ner.evaluate.sets.dataset import Dataset, leaked, sample
from el4ner.evaluate.stages import Judged
from el4ner.models.base import Model
from el4ner.models.gguf.header import count_parameters
from el4ner.models.gguf.merge import file_digest
from el4ner.models.open import locate, open_model
from el4ner.models.settings import ServerSettings
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
    """Runs plans. Recipes that name the same model share it, so that it is opened once."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
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
        return Run(plan.setup, plan.pool.labels, judged, ner.costs, seconds, parameters(plan.setup.recipe))

    def ensemble(self, recipe: Recipe, pool: Pool) -> EL4NER:
        """A recipe's ensemble on the models that are open already, and those that it needs beside them."""
        for name in {member.model for member in recipe.members}:
            if (key := _key(recipe, name)) not in self._models:
                self._models[key] = open_model(recipe, name)
        models = {member.model: self._models[_key(recipe, member.model)] for member in recipe.members}
        return EL4NER.on_models(recipe, models, pool, store=self._store)

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
    used = [recipe.models[name] for name in sorted({member.model for member in recipe.members})]
    local = [settings for settings in used if not isinstance(settings, ServerSettings)]
    named = [path for settings in local for path in (settings.path, settings.adapter) if path]
    files = [file for file in map(locate, named) if file.is_file()]
    return hashlib.sha256(b"".join(map(file_digest, files))).hexdigest() if files else ""


def parameters(recipe: Recipe) -> int | None:
    """Weights of all the models that a recipe's members use, each counted once; None where one does not tell."""
    total = 0
    for name in {member.model for member in recipe.members}:
        settings = recipe.models[name]
        if isinstance(settings, ServerSettings):
            known = settings.parameters
        else:
            path = locate(settings.path)
            known = count_parameters(path) if path.suffix == ".gguf" and path.is_file() else None
        if known is None:
            return None
        total += known
    return total


def _key(recipe: Recipe, model: str) -> str:
    return recipe.models[model].model_dump_json()
