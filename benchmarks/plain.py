"""el4ner without its measures: what is left where one request is asked after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from el4ner.models.base import Done, Model, Reply, Request
from el4ner.models.openvino.engine import OpenVINOModel
from el4ner.recipes.settings import Recipe


class OneAtATime:
    """A model that is asked one request at a time, whatever list it is given."""

    overlaps = False

    def __init__(self, model: Model) -> None:
        self.identity, self.context, self.cached = model.identity, model.context, model.cached
        self.count, self.close = model.count, model.close
        self._model = model

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """One reply a request, in order. Nothing is kept, so nobody hears of them on the way."""
        return [reply for request in requests for reply in self._model.generate([request])]


class Forgetful(OpenVINOModel):
    """The embedded engine without a prefix cache: every prompt is read from its first token."""

    def _open(self) -> Any:
        import openvino_genai as genai

        scheduler = genai.SchedulerConfig()
        scheduler.enable_prefix_caching = False
        scheduler.cache_size = 1
        return genai.ContinuousBatchingPipeline(self.path, scheduler, self._device)


def text_by_text(recipe: Recipe) -> Recipe:
    """The same recipe, which finishes a text before it looks at the next."""
    return recipe.model_copy(update={"window": 1})
