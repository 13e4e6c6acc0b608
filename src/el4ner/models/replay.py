"""A run again from the reply store alone: no engine is opened, and no model file need be there.

Replies are kept by what a model calls itself, and prompts are fitted by its context and its tokens. So all that a model
tells is kept beside its replies while it is at work, under a digest of its settings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from el4ner.errors import ConfigError, ModelError
from el4ner.models.base import Done, Model, Reply, Request
from el4ner.models.settings import EngineSettings
from el4ner.models.store import Store, key

_ASK = "a run without --replay asks the model"


def recorded(
    models: Mapping[str, Model], settings: Mapping[str, EngineSettings], store: Store | None
) -> dict[str, Model]:
    """The same models; what they tell of themselves is kept in the store, if there is one."""
    if store is None:
        return dict(models)
    return {name: RecordedModel(model, _digest(settings[name]), store) for name, model in models.items()}


def replayed(settings: Mapping[str, EngineSettings], store: Store | None) -> dict[str, Model]:
    """Models that answer from the store.

    Raises `ModelError` where it holds no reply of a model with these settings, `ConfigError` where there is no store.
    """
    if store is None:
        raise ConfigError("replay: there is no reply store to answer from; name one")
    return {name: ReplayModel(name, _digest(one), store) for name, one in settings.items()}


def _digest(settings: EngineSettings) -> bytes:
    return hashlib.sha256(settings.known_by().encode()).digest()


class RecordedModel:
    """A model at work, and what it tells."""

    def __init__(self, model: Model, settings: bytes, store: Store) -> None:
        self.overlaps, self.cached = model.overlaps, model.cached
        self.generate, self.close = model.generate, model.close
        self._model = model
        self._settings = settings
        self._store = store
        self._told = ""  # the identity that was kept last: a server's may change

    @property
    def identity(self) -> str:
        """The model's own."""
        return self._model.identity

    @property
    def context(self) -> int:
        """The model's own."""
        return self._model.context

    @property
    def waiting(self) -> str:
        """What the model says that it waits for, if it does."""
        return str(getattr(self._model, "waiting", ""))

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, kept."""
        counts, identity = self._model.count(texts), self.identity
        if identity != self._told:
            self._store.put_model(self._settings, identity, self.context)
            self._told = identity
        self._store.put_counts(identity, zip(texts, counts, strict=True))
        return counts


class ReplayModel:
    """Answers what was answered before."""

    overlaps = False
    cached: int | None = None

    def __init__(self, name: str, settings: bytes, store: Store) -> None:
        found = store.get_model(settings)
        if found is None:
            raise ModelError(f"model {name}: {store.path} holds no replies of it, as it is set here; {_ASK}")
        self.identity, self.context = found
        self._name = name
        self._store = store

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the model counted them. Raises `ModelError`."""
        counts = self._store.get_counts(self.identity, texts)
        self._all_there(len(set(texts)) - len(counts), "lengths of texts")
        return [counts[text] for text in texts]

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """The replies that are kept. Raises `ModelError` where some are not."""
        keys = [key(self.identity, request) for request in requests]
        known = self._store.get(keys)
        self._all_there(len(set(keys)) - len(known), "questions")
        replies = [known[k] for k in keys]
        if done is not None:
            done(list(enumerate(replies)))
        return replies

    def _all_there(self, missing: int, what: str) -> None:
        if missing:
            raise ModelError(f"model {self._name}: {missing} {what} are not in {self._store.path}; {_ASK}")

    def close(self) -> None:
        """Nothing is held: the store is its opener's to close."""
