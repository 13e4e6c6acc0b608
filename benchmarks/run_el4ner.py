"""el4ner on the benchmark's texts. Variants:

nano      the recipe as it ships: embedded engine, batches, prefix cache
cached    the same questions one at a time, text by text, with the prefix cache
plain     the same without it
engine    nano's questions handed to the engine in one list (needs the file that `nano` left beside its result)
single    the recipe of that name (one member, one step), over the llama.cpp server
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from plain import Forgetful, OneAtATime, text_by_text
from prefix import fresh_tokens
from server import CONTEXT
from task import Found, System, Task, run, server_meter

from el4ner.evaluate.experiment import plan
from el4ner.evaluate.sets.dataset import open_dataset
from el4ner.models.base import Done, Model, Reply, Request
from el4ner.models.locate import locate
from el4ner.models.open import open_models
from el4ner.models.openai.settings import OpenAISettings
from el4ner.models.openvino.settings import OpenVINOSettings
from el4ner.pipeline import EL4NER
from el4ner.recipes.load import load_recipe
from el4ner.recipes.settings import Recipe

Batch = tuple[str, list[Request]]  # a model's name, and what it was asked at once


class Recorder:
    """A model that writes down what it is asked, batch by batch, beside the others of its recipe."""

    overlaps = False

    def __init__(self, name: str, model: Model, batches: list[Batch]) -> None:
        self.identity, self.context, self.cached = model.identity, model.context, model.cached
        self.count, self.close = model.count, model.close
        self._name, self._model, self._batches = name, model, batches

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """One reply a request, in order."""
        self._batches.append((self._name, list(requests)))
        return self._model.generate(requests, done)


def prepare(variant: str, task: Task, url: str) -> System:
    """The system of a variant's name."""
    if variant == "single":
        recipe = single(url)
        return _pipeline(recipe, task, open_models(recipe.used), url)
    recipe = load_recipe("nano")
    if variant == "plain":
        return _pipeline(text_by_text(recipe), task, {n: OneAtATime(m) for n, m in _forgetful(recipe).items()})
    opened = open_models(recipe.used)
    if variant == "engine":
        return _engine(opened)
    batches: list[Batch] = []
    recorders: dict[str, Model] = {name: Recorder(name, model, batches) for name, model in opened.items()}
    if variant == "cached":
        recipe, recorders = text_by_text(recipe), {name: OneAtATime(model) for name, model in recorders.items()}
    return _counted(_pipeline(recipe, task, recorders), opened, batches)


def _forgetful(recipe: Recipe) -> dict[str, Model]:
    opened: dict[str, Model] = {}
    for name, settings in recipe.models.items():
        embedded = cast(OpenVINOSettings, settings)
        adapter = locate(embedded.adapter) if embedded.adapter else None
        opened[name] = Forgetful.open(locate(embedded.path), adapter=adapter)
    return opened


def single(url: str) -> Recipe:
    """One member, one step, on a server."""
    recipe = load_recipe("single")
    (name,) = recipe.models
    served = OpenAISettings(engine="openai", base_url=url, model="smollm2", context=CONTEXT)
    return recipe.model_copy(update={"models": {name: served}})


def _pipeline(recipe: Recipe, task: Task, models: dict[str, Model], url: str = "") -> System:
    data = open_dataset(Path(task["data"]))
    ner = EL4NER.on_models(recipe, models, plan(recipe, data, limit=task["limit"]).pool)
    candidates = 0

    def annotate(texts: Sequence[str]) -> Found:
        nonlocal candidates
        annotations = list(ner.annotate(texts))
        candidates += sum(len(annotation.ballots) for annotation in annotations)
        return [[[e.start, e.end, e.label] for e in annotation.entities] for annotation in annotations]

    def meter() -> dict[str, float]:
        costs = ner.costs
        totals: dict[str, float] = {"asked": sum(c.calls for c in costs), "candidates": candidates}
        totals |= {"cut": sum(c.cut for c in costs), "failed": sum(c.failed for c in costs)}
        if url:
            return totals | server_meter(url)()
        totals["engine_seconds"] = sum(c.seconds for c in costs)
        prompts = {stage: sum(c.prompt for c in costs if c.stage == stage) for stage in ("extract", "classify")}
        generated = {stage: sum(c.generated for c in costs if c.stage == stage) for stage in prompts}
        totals |= {f"{stage}_prompt": n for stage, n in prompts.items()}
        totals |= {f"{stage}_generated": n for stage, n in generated.items()}
        return totals | {"prompt": sum(prompts.values()), "generated": sum(generated.values())}

    return System(annotate, meter)


def _counted(inner: System, models: dict[str, Model], batches: list[Batch]) -> System:
    """The system, with a count of the prompt tokens that are read anew, and all questions kept beside the result."""

    def annotate(texts: Sequence[str]) -> Found:
        batches.clear()
        return inner.annotate(texts)

    def after() -> dict[str, Any]:
        beside(Path(sys.argv[3])).write_bytes(pickle.dumps(batches))
        return {"fresh": fresh(models, batches)}

    return System(annotate, inner.meter, after)


def _engine(models: dict[str, Model]) -> System:
    batches: list[Batch] = pickle.loads(beside(Path(sys.argv[3]).with_name("nano.json")).read_bytes())
    lists = [(name, [r for model, batch in batches if model == name for r in batch]) for name in models]
    totals = {"prompt": 0.0, "generated": 0.0}

    def annotate(texts: Sequence[str]) -> Found:
        for name, everything in lists:
            replies = models[name].generate(everything if len(texts) > 1 else everything[:1])
            totals["prompt"] += sum(reply.usage.prompt for reply in replies)
            totals["generated"] += sum(reply.usage.generated for reply in replies)
        return []

    return System(annotate, totals.copy, lambda: {"fresh": fresh(models, lists)})


def fresh(models: Mapping[str, Any], batches: Sequence[Batch]) -> int:
    """Prompt tokens that the models read anew; each keeps what it has read to itself."""
    total = 0
    for name, model in models.items():
        mine = [batch for owner, batch in batches if owner == name]
        total += fresh_tokens([[model._encode(str(r.prompt)).data[0].tolist() for r in batch] for batch in mine])
    return total


def beside(result: Path) -> Path:
    """Where nano's questions are kept."""
    return result.with_suffix(".pickle")


if __name__ == "__main__":
    run(prepare)
