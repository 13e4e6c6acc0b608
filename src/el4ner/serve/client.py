"""A client of the service that annotates as `EL4NER` does."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Self

import httpx2

import el4ner.serve.wire as wire
from el4ner.annotation import Annotation
from el4ner.concurrency import ahead, windows
from el4ner.data import Document, Example, Label
from el4ner.pool.labels import Labels
from el4ner.pool.pool import Pool


class Client:
    """A service's ensemble, used as if it were here. Threads may share it; as a context manager it closes itself.

    Raises what `EL4NER` would: `DataError` for a text or an example, `ConfigError` for types (and for the address and
    the token), `ModelError` where no model, or no service, answers.
    """

    def __init__(self, url: str = wire.URL, token: str | None = None, *, timeout: float = wire.SECONDS) -> None:
        """`url`: where `el4ner serve` listens. `token`: what its token file holds. `timeout`: seconds for an answer."""
        self._way = way = wire.Way.to(url, token)
        self._http = httpx2.Client(
            base_url=way.url, headers=way.headers, verify=way.verify, trust_env=way.trust_env, timeout=timeout
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, text: str, labels: Labels | None = None) -> Annotation:
        """Annotate one text."""
        return next(self.annotate([text], labels))

    def annotate(self, texts: Iterable[str | Document], labels: Labels | None = None) -> Iterator[Annotation]:
        """Annotations with all their evidence, in the order of the texts, in bounded memory. See `EL4NER.annotate`.

        A service that is full is asked again for a minute.
        """
        documents = wire.documents_of(texts)
        for done in ahead(partial(self._annotated, labels=labels), windows(documents, wire.TOGETHER), wire.UNDER_WAY):
            yield from done

    def labels(self) -> tuple[Label, ...]:
        """The types of the service's pool."""
        return wire.labels_of(self._asked("GET", "/v1/labels"))

    def pool(self) -> Pool:
        """The service's pool."""
        return wire.pool_of(self._asked("GET", "/v1/pool"))

    def add(self, examples: Iterable[Example]) -> str:
        """Append examples to the service's pool, all of them or none; what is asked next is read with them.

        The pool's new digest.
        """
        return wire.digest_of(self._asked("POST", "/v1/pool", wire.to_add(examples)))

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _annotated(self, documents: Sequence[Document], labels: Labels | None) -> list[Annotation]:
        body, until = wire.asked_for(documents, labels), time.monotonic() + wire.PATIENCE
        answer = self._asked("POST", "/v1/annotate", body)
        while (wait := wire.wait_for(answer, until - time.monotonic())) is not None:
            time.sleep(wait)
            answer = self._asked("POST", "/v1/annotate", body)
        if wire.too_large(answer, documents):
            half = len(documents) // 2
            return self._annotated(documents[:half], labels) + self._annotated(documents[half:], labels)
        return wire.annotations_of(answer, documents)

    def _asked(self, method: str, path: str, body: str | None = None) -> httpx2.Response:
        try:
            return self._http.request(method, path, content=body, headers=wire.JSON if body else {})
        except httpx2.HTTPError as error:
            raise wire.unreached(error, self._way) from None
