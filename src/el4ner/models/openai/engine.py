"""Any server that speaks the OpenAI API: vLLM, llama-server, Ollama, LM Studio, hosted ones.

Plain prompts go to `/completions`, chats to `/chat/completions`. What may go wrong, and what becomes of it:

    429, 5xx, a broken connection   asked again after a growing pause, or after the one that Retry-After names; after
                                    429 and 503 with fewer under way (see `limit`);
                                    5xx to the last try: the call's others get one try each, until one succeeds
    no answer in time               not asked again; after a whole round of silence, the call's others fail at once
    nobody listens                  two more tries within 1.5 s, then the call's others fail at once
    400 or 422 on a constraint      asked again without it; where none of its kind was ever taken, no more are sent
    anything else                   a failed reply that says what came back
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

import httpx2

from el4ner.models.base import Done, Outcome, Reply, Request
from el4ner.models.masked import masked, without
from el4ner.models.openai.card import Card, model_of, read_card
from el4ner.models.openai.client import fetch, open_client, unsaid
from el4ner.models.openai.health import Health
from el4ner.models.openai.limit import Slots
from el4ner.models.openai.loop import Loop
from el4ner.models.openai.protocol import body_of, constrain, dig, read_json, read_reply, refusal
from el4ner.models.openai.retry import Refused, one_line, overload, passing, pause, too_long
from el4ner.models.openai.settings import Dialect, OpenAISettings

_DIALECTS: dict[str, Dialect] = {"llamacpp": "gbnf", "vllm": "vllm"}  # by what servers call themselves
log = logging.getLogger(__name__)
_TOKENIZE = {"llamacpp": "content", "vllm": "prompt"}  # the name of the text in a call of /tokenize
_LEAST = 256  # tokens of a context that is believed
_CONTEXT = 4096  # tokens, where neither the settings nor the server tell
_PROBE, _FORGET = 5.0, 15.0  # seconds until a server has told what it is; until it is asked that again

_T = TypeVar("_T")


class OpenAIModel:
    """A served model. One event loop, in a thread, serves all callers: one bound and one pool of connections."""

    overlaps = True
    cached: int | None = None  # the server's memory is the server's business

    def __init__(self, settings: OpenAISettings) -> None:
        self.settings = settings
        self._client = open_client(settings)
        self._secrets = settings.secrets
        self._slots = Slots(settings.concurrency)
        self._health = Health(settings.patience, settings.concurrency)
        self._known: Card | None = None
        self._unknown_until = 0.0  # a server that did not tell what it is, is not asked again before
        self._told: int | None = None  # tokens that fit, as a refusal told
        self._takes: dict[tuple[str, type], bool] = {}  # path, kind of constraint -> whether taken, once that is known
        self._loop = Loop(settings.model)

    @property
    def identity(self) -> str:
        """The model's id, what the server tells of its weights, and the settings that change replies; not the address.

        llama-server tells quantisation, parameters and bytes; vLLM the repository. Elsewhere, weights that are
        exchanged under the same id go unnoticed. While the server cannot be asked, there is nothing told in it.
        """
        name, card = PurePath(self.settings.model), self._loop.run(self._card())
        how = {"grammar": self.settings.grammar, "logprobs": self.settings.logprobs, **masked(self.settings.extra)}
        how |= {k: v for k, v in (("fields", self.settings.fields), ("thinking", self.settings.thinking)) if v}
        told = [without(one, self._secrets) for one in (card.server, card.weights)]
        said = [name.name if name.is_absolute() else str(name), *told]
        return " ".join(["openai", *filter(None, said), json.dumps(how, sort_keys=True)])

    @property
    def context(self) -> int:
        """Tokens that a prompt and its reply may fill together."""
        known = self.settings.context or self._loop.run(self._card()).context or _CONTEXT
        return min(known, self._told or known)

    @property
    def waiting(self) -> str:
        """What is waited for, in a few words; "" where nothing keeps it."""
        why = without(self._health.waiting, self._secrets)
        return f"{self.settings.model}: {why}" if why else ""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the server's tokenizer (llama-server, vLLM); elsewhere `estimate`."""
        return self._loop.run(self._count(texts))

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """One reply a request, in order. `done` hears of each as soon as it is there."""
        return self._loop.run(self._generate(requests, done)) if requests else []

    def close(self) -> None:
        """Break off what is under way and close the connections. Closing twice is harmless."""
        self._loop.close(self._client.aclose())

    async def _generate(self, requests: Sequence[Request], done: Done | None) -> list[Reply]:
        card = await self._card()

        async def reply(number: int, request: Request) -> Reply:
            said = unsaid(await self._reply(request, card), self._secrets)
            if done is not None:
                done([(number, said)])
            return said

        return await asyncio.gather(*(reply(number, request) for number, request in enumerate(requests)))

    async def _reply(self, request: Request, card: Card) -> Reply:
        """Whatever goes wrong with one answer is that answer's failure, and nothing else."""
        async with self._slots:
            try:
                return read_reply(await self._ask(request, card), request, self.settings.thinking)
            except httpx2.HTTPError as error:
                said = one_line(error)
                if "connection" in said.casefold():  # which of several servers is down?
                    said = f"{self.settings.address.origin}: {said}"
                if (tokens := too_long(error)) is None:
                    return Reply("", Outcome.FAILED, error=said)
                if tokens >= _LEAST:  # less is a slip, or a server that would have nobody ask it
                    self._told = min(tokens, self._told or tokens)
                return Reply("", Outcome.FAILED, error=said, too_long=True)
            except Exception as error:
                said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                return Reply("", Outcome.FAILED, error=f"cannot be asked or read ({said})")

    async def _ask(self, request: Request, card: Card) -> object:
        """The server's answer, under the request's constraint if the server takes it."""
        path, body = body_of(request, self.settings)
        constraint: dict[str, Any] = {}
        kind = path, type(request.constraint)
        if request.constraint is not None and self._takes.get(kind, True):
            constraint = constrain(request.constraint, self._dialect(request, card), request.max_tokens, self.settings)
        if not constraint:
            return await self._send(path, body)
        try:
            answer = await self._send(path, body | constraint)
        except httpx2.HTTPStatusError as error:
            if error.response.status_code not in (400, 422):
                raise
            answer = await self._send(path, body)
            self._takes.setdefault(kind, False)
        else:
            self._takes[kind] = True
        return answer

    def _dialect(self, request: Request, card: Card) -> Dialect:
        if self.settings.grammar != "auto":
            return self.settings.grammar
        return _DIALECTS.get(card.server, "none" if isinstance(request.prompt, str) else "json_schema")

    async def _count(self, texts: Sequence[str]) -> list[int]:
        name = _TOKENIZE.get((await self._card()).server)
        if name is None:
            return [estimate(text) for text in texts]

        async def count(text: str) -> int:
            async with self._slots:
                found = await self._look("/tokenize", {"model": self.settings.model, name: text})
            tokens = dig(found, "tokens")
            return len(tokens) if isinstance(tokens, list) else estimate(text)

        return await asyncio.gather(*map(count, texts))

    async def _card(self) -> Card:
        """What the server tells. Where there is no answer, it is asked again, but not at once."""
        if self._known is not None:
            return self._known
        if time.monotonic() < self._unknown_until:
            return Card()
        try:
            models = await self._send("/models", None)
        except (httpx2.HTTPError, ValueError) as error:
            if passing(error):
                self._unknown_until = time.monotonic() + _FORGET
                return Card()
            models = None
        model = model_of(models, self.settings.model)
        props = await self._look("/props") if dig(model, "owned_by") == "llamacpp" else None
        self._known = read_card(model, props)
        return self._known

    async def _look(self, path: str, body: Mapping[str, Any] | None = None) -> object:
        """What stands outside the OpenAI API at a path; None if nothing does, or if it cannot be told now."""
        try:
            return await self._send(self.settings.root + path, body)
        except (httpx2.HTTPError, ValueError):
            return None

    async def _send(self, path: str, body: Mapping[str, Any] | None) -> object:
        """Post a body, or get without one, as often as the settings allow and there is hope."""
        waited, health = 0.0, self._health
        for attempt in itertools.count():
            if lost := health.lost():
                raise httpx2.HTTPError(f"not asked: {lost}")
            era = self._slots.era
            try:
                answer = await self._try(path, body)
            except httpx2.HTTPError as error:
                if overload(error):
                    self._slots.overloaded(era)
                tries = self.settings.retries if body is not None else min(1, self.settings.retries)
                wait = None if health.noticed(error) else pause(error, attempt, tries, health.spent)
                if wait is None or waited + wait > self.settings.timeout:
                    health.failed(error)
                    raise
                log.info("%s: %s; next try in %.0f s", self.settings.model, one_line(error)[:80], wait)
                health.waiting = f"{one_line(error)[:80]}, next try in {wait:.0f} s"
            else:
                health.succeeded()
                self._slots.succeeded()
                return answer
            waited += wait
            await asyncio.sleep(wait)
        raise AssertionError  # the count has no end

    async def _try(self, path: str, body: Mapping[str, Any] | None) -> object:
        """One try, which ends in time however slowly the answer comes in."""
        seconds = self.settings.timeout if body is not None else min(_PROBE, self.settings.timeout)
        request = self._client.build_request("GET" if body is None else "POST", path, json=body)
        try:
            async with asyncio.timeout(seconds):
                answer = await fetch(self._client, request)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no whole answer within {seconds:g} s") from None
        answer.raise_for_status()
        said = read_json(answer)
        if (refused := refusal(said)) is not None:
            raise Refused(*refused)
        return said


def estimate(text: str) -> int:
    """Tokens of a text where no tokenizer is at hand: half a one for an ASCII letter or blank, one for any other byte.

    More than byte-level vocabularies take, in English prose about twice as many.
    """
    cheap = sum(c.isascii() and (c.isalpha() or c.isspace()) for c in text)
    return len(text.encode("utf-8", "replace")) - cheap // 2
