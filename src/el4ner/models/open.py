"""From settings to open models."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from el4ner.concurrency import together
from el4ner.models.base import Model
from el4ner.models.settings import EngineSettings

log = logging.getLogger(__name__)


def open_models(settings: Mapping[str, EngineSettings]) -> dict[str, Model]:
    """Open models, side by side; by the same names. Raises `ModelError` where one cannot be opened.

    Those in this process share the memory for what they have read.
    """
    log.info("opening %s", ", ".join(settings) or "no model")
    sharing = max(1, sum(one.shares_memory for one in settings.values()))
    opened = together(lambda one: one.open(sharing), settings.values())
    return dict(zip(settings, opened, strict=True))
