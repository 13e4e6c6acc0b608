"""The same client for programs with an event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Self

import httpx2

import el4ner.serve.wire as wire
from el4ner.annotation import Annotation
from el4ner.concurrency import windows
from el4ner.data import Document, Example, Label
from el4ner.pool.labels import Labels
from el4ner.pool.pool import Pool


class AsyncClient:
    """As `el4ner.serve.Client`, with its methods to be awaited."""

    def __init__(self, url: str = wire.URL, token: str | None = None, *, timeout: float = wire.SECONDS) -> None:
        """`url`: where `el4ner serve` listens. `token`: what its token file holds. `timeout`: seconds for an answer."""
        self._way = way = wire.Way.to(url, token)
        self._http = httpx2.AsyncClient(
            base_url=way.url, headers=way.headers, verify=way.verify, trust_env=way.trust_env, timeout=timeout
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __call__(self, text: str, labels: Labels | None = None) -> Annotation:
        """Annotate one text."""
        return await anext(self.annotate([text], labels))

    async def annotate(
        self, texts: Iterable[str | Document], labels: Labels | None = None
    ) -> AsyncIterator[Annotation]:
        """Annotations with all their evidence, in the order of the texts, in bounded memory. See `EL4NER.annotate`.

        A service that is full is asked again for a minute.
        """
        under_way: deque[asyncio.Task[list[Annotation]]] = deque()
        try:
            for window in windows(wire.documents_of(texts), wire.TOGETHER):
                under_way.append(asyncio.create_task(self._annotated(window, labels)))
                if len(under_way) >= wire.UNDER_WAY:
                    for annotation in await under_way.popleft():
                        yield annotation
            while under_way:
                for annotation in await under_way.popleft():
                    yield annotation
        finally:
            for task in under_way:
                task.cancel()

    async def labels(self) -> tuple[Label, ...]:
        """The types of the service's pool."""
        return wire.labels_of(await self._asked("GET", "/v1/labels"))

    async def pool(self) -> Pool:
        """The service's pool."""
        return wire.pool_of(await self._asked("GET", "/v1/pool"))

    async def add(self, examples: Iterable[Example]) -> str:
        """Append examples to the service's pool, all of them or none. The pool's new digest."""
        return wire.digest_of(await self._asked("POST", "/v1/pool", wire.to_add(examples)))

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _annotated(self, documents: Sequence[Document], labels: Labels | None) -> list[Annotation]:
        body, until = wire.asked_for(documents, labels), time.monotonic() + wire.PATIENCE
        answer = await self._asked("POST", "/v1/annotate", body)
        while (wait := wire.wait_for(answer, until - time.monotonic())) is not None:
            await asyncio.sleep(wait)
            answer = await self._asked("POST", "/v1/annotate", body)
        if wire.too_large(answer, documents):
            half = len(documents) // 2
            first = await self._annotated(documents[:half], labels)
            return first + await self._annotated(documents[half:], labels)
        return wire.annotations_of(answer, documents)

    async def _asked(self, method: str, path: str, body: str | None = None) -> httpx2.Response:
        try:
            return await self._http.request(method, path, content=body, headers=wire.JSON if body else {})
        except httpx2.HTTPError as error:
            raise wire.unreached(error, self._way) from None
