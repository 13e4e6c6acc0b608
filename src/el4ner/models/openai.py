"""Any server that speaks the OpenAI API: vLLM, llama-server, Ollama, LM Studio, hosted ones.

Plain prompts go to `/completions`, chats to `/chat/completions`. What may go wrong, and what becomes of it:

    429, 5xx, a broken connection   asked again after a growing pause, or after the one that Retry-After names;
                                    5xx to the last try: the call's others get one try each, until one succeeds
    no answer in time               not asked again; after a whole round of silence, the call's others fail at once
    nobody listens                  two more tries within 1.5 s, then the call's others fail at once
    400 or 422 on a constraint      asked again without it; where none was ever taken, none is sent from then on
    anything else                   a failed reply that says what came back
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePath
from typing import Any, TypeVar

from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    OpenAIError,
    RateLimitError,
    Timeout,
)

from el4ner.errors import ModelError
from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.endpoint import Dialect, Endpoint
from el4ner.models.wire import body_of, constrain, dig, read_reply

_DIALECTS: dict[str, Dialect] = {"llamacpp": "gbnf", "vllm": "vllm"}  # by what servers call themselves
_TOKENIZE = {"llamacpp": "content", "vllm": "prompt"}  # the name of the text in a call of /tokenize
_CONTEXT = 4096  # tokens, where neither the settings nor the server tell
_CONNECT, _PROBE = 5.0, 10.0  # seconds until a connection stands; until a server has told what it is
_RECONNECTS = 2  # enough for a server that restarts; one that is down is not waited for
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds; doubled from try to try, less up to a half at random

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Card:
    """What a server tells of itself and the model; empty where it does not."""

    server: str = ""
    weights: str = ""
    context: int | None = None


class OpenAIModel:
    """A served model. One event loop, in a thread, serves all callers: one bound and one pool of connections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        timeout = Timeout(endpoint.timeout, connect=min(_CONNECT, endpoint.timeout))
        self._probe = Timeout(min(_PROBE, endpoint.timeout), connect=timeout.connect)
        # The package's own retries would wait as long for a server that is down as for one that is busy.
        self._client = AsyncOpenAI(base_url=endpoint.base_url, api_key=endpoint.key, timeout=timeout, max_retries=0)
        self._slots = asyncio.Semaphore(endpoint.concurrency)
        self._known: _Card | None = None
        self._takes: dict[str, bool] = {}  # path -> whether it takes constraints, once that is known
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="el4ner-openai", daemon=True)
        self._thread.start()

    @property
    def identity(self) -> str:
        """The model's id, what the server tells of its weights, and the settings that change replies; not the address.

        llama-server tells quantisation, parameters and bytes; vLLM the repository. Elsewhere, weights that are
        exchanged under the same id go unnoticed. While the server cannot be asked, there is nothing told in it.
        """
        name, card = PurePath(self.endpoint.model), self._run(self._card(_Health()))
        settings = {"grammar": self.endpoint.grammar, "logprobs": self.endpoint.logprobs, **self.endpoint.extra}
        said = [name.name if name.is_absolute() else str(name), card.server, card.weights]
        return " ".join(["openai", *filter(None, said), json.dumps(settings, sort_keys=True)])

    @property
    def context(self) -> int:
        """Tokens that a prompt and its reply may fill together."""
        return self.endpoint.context or self._run(self._card(_Health())).context or _CONTEXT

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the server's tokenizer (llama-server, vLLM); elsewhere `estimate`."""
        return self._run(self._count(texts))

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order."""
        return self._run(self._generate(requests)) if requests else []

    def close(self) -> None:
        """Break off what is under way and close the connections. Closing twice is harmless."""
        if not self._loop.is_closed():
            self._run(self._shut())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._loop.is_closed():
            work.close()
            raise ModelError(f"{self.endpoint.model}: this model has been closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise ModelError(f"{self.endpoint.model}: this model was closed while it was asked") from None
        except BaseException:  # an interrupt, say: what is under way ends with the call
            future.cancel()
            raise

    async def _shut(self) -> None:
        under_way = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)  # so that those who wait for them hear of it
        await self._client.close()

    async def _generate(self, requests: Sequence[Request]) -> list[Reply]:
        health = _Health()
        card = await self._card(health)
        return await asyncio.gather(*(self._reply(request, card, health) for request in requests))

    async def _reply(self, request: Request, card: _Card, health: _Health) -> Reply:
        async with self._slots:
            try:
                return read_reply(await self._ask(request, card, health), request)
            except (OpenAIError, ValueError) as error:  # ValueError: what came back, or is to be sent, is no JSON
                return Reply("", Outcome.FAILED, error=_one_line(error))

    async def _ask(self, request: Request, card: _Card, health: _Health) -> object:
        """The server's answer, under the request's constraint if the server takes it."""
        path, body = body_of(request, self.endpoint)
        constraint: dict[str, Any] = {}
        if request.constraint is not None and self._takes.get(path, True):
            constraint = constrain(request.constraint, self._dialect(request, card))
        if not constraint:
            return await self._send(path, body, health)
        try:
            answer = await self._send(path, body | constraint, health)
        except APIStatusError as error:
            if error.status_code not in (400, 422):
                raise
            answer = await self._send(path, body, health)
            self._takes.setdefault(path, False)
        else:
            self._takes[path] = True
        return answer

    def _dialect(self, request: Request, card: _Card) -> Dialect:
        if self.endpoint.grammar != "auto":
            return self.endpoint.grammar
        return _DIALECTS.get(card.server, "none" if isinstance(request.prompt, str) else "json_schema")

    async def _count(self, texts: Sequence[str]) -> list[int]:
        health = _Health()
        name = _TOKENIZE.get((await self._card(health)).server)
        if name is None:
            return [estimate(text) for text in texts]

        async def count(text: str) -> int:
            async with self._slots:
                found = await self._look("/tokenize", health, {"model": self.endpoint.model, name: text})
            tokens = dig(found, "tokens")
            return len(tokens) if isinstance(tokens, list) else estimate(text)

        return await asyncio.gather(*map(count, texts))

    async def _card(self, health: _Health) -> _Card:
        """What the server tells. Asked again as long as there is no answer."""
        if self._known is not None:
            return self._known
        try:
            models = dig(await self._send("/models", None, health), "data")
        except (OpenAIError, ValueError) as error:
            if _passing(error):
                return _Card()
            models = None
        models = models if isinstance(models, list) else []
        named = [model for model in models if dig(model, "id") == self.endpoint.model]
        model = (named or (models if len(models) == 1 else []) or [None])[0]  # llama-server takes any name for its one
        server = dig(model, "owned_by") or ""
        props = await self._look("/props", health) if server == "llamacpp" else None
        context = dig(model, "max_model_len") or dig(props, "default_generation_settings", "n_ctx")
        weights = [dig(model, "root"), *(dig(model, "meta", key) for key in ("ftype", "n_params", "size"))]
        self._known = _Card(server, " ".join(str(fact) for fact in weights if fact), context)
        return self._known

    async def _look(self, path: str, health: _Health, body: Mapping[str, Any] | None = None) -> object:
        """What stands outside the OpenAI API at a path; None if nothing does, or if it cannot be told now."""
        try:
            return await self._send(self.endpoint.root + path, body, health)
        except (OpenAIError, ValueError):
            return None

    async def _send(self, path: str, body: Mapping[str, Any] | None, health: _Health) -> object:
        """Post a body, or get without one, as often as the settings allow and there is hope. The answer's JSON."""
        waited = 0.0
        for attempt in itertools.count():
            if health.lost:
                raise OpenAIError(f"not asked: {health.lost}")
            try:
                if body is None:
                    answer = await self._client.get(path, cast_to=object, options={"timeout": self._probe})
                else:
                    answer = await self._client.post(path, cast_to=object, body=body)
            except (APIConnectionError, APIStatusError) as error:
                pause = self._pause(error, attempt, health)
                if pause is None or waited + pause > self.endpoint.timeout:
                    health.failed(error, self.endpoint.concurrency)
                    raise
            else:
                health.spent, health.silent = False, 0
                return answer
            waited += pause
            await asyncio.sleep(pause)
        raise AssertionError  # the count has no end

    def _pause(self, error: OpenAIError, attempt: int, health: _Health) -> float | None:
        """Seconds until the next try; None where there should be none."""
        tries = min(self.endpoint.retries, _RECONNECTS) if _unreachable(error) else self.endpoint.retries
        if health.spent or attempt >= tries or isinstance(error, APITimeoutError) or not _passing(error):
            return None
        named = error.response.headers.get("retry-after", "") if isinstance(error, APIStatusError) else ""
        pause = _retry_after(named)
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0) if pause is None else pause


@dataclass(slots=True)
class _Health:
    """What the requests of one call have learned of the server, so that they do not all wait for one that is down."""

    lost: str = ""  # nobody listens, or nobody answers
    spent: bool = False  # a request has used up its tries, and none has succeeded since
    silent: int = 0  # requests in a row without an answer in time

    def failed(self, error: OpenAIError, concurrency: int) -> None:
        """Learn from a request that will not be tried again."""
        self.silent += isinstance(error, APITimeoutError)
        if _unreachable(error) or self.silent >= max(2, concurrency):
            self.lost = _one_line(error)
        elif _passing(error) and not isinstance(error, APITimeoutError | RateLimitError):
            self.spent = True


def estimate(text: str) -> int:
    """Tokens of a text where no tokenizer is at hand: half a one for an ASCII letter or blank, one for any other byte.

    More than byte-level vocabularies take, in English prose about twice as many.
    """
    cheap = sum(c.isascii() and (c.isalpha() or c.isspace()) for c in text)
    return len(text.encode("utf-8", "replace")) - cheap // 2


def _passing(error: Exception) -> bool:
    """Whether it may be a fault of the moment."""
    if isinstance(error, APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, APIConnectionError)


def _unreachable(error: Exception) -> bool:
    """Whether no connection came about at all. The package tells that by the name of the cause only."""
    return isinstance(error, APIConnectionError) and type(error.__cause__).__name__.startswith("Connect")


def _retry_after(header: str) -> float | None:
    """Seconds that a Retry-After header asks to wait, be it a number or a date; None if it is neither."""
    if header.replace(".", "", 1).isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):  # TypeError: a date without a zone
        return None


def _one_line(error: Exception) -> str:
    """What went wrong, fit for a log: at most 200 characters."""
    said = str(dig(getattr(error, "body", None), "message") or error)
    if isinstance(error, APIStatusError):
        said = f"HTTP {error.status_code}: {said}"
    elif isinstance(error, APIConnectionError) and error.__cause__:
        said = f"{said} {error.__cause__}"
    return " ".join(said.split())[:200]
