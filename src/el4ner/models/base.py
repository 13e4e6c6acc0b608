"""The protocol between the stages and whatever answers them.

A model answers lists: a stage hands over all its requests for a window of texts, and the engine batches as it can. The
reply to one request never depends on another's failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from el4ner.models.constraint import Constraint


class Outcome(StrEnum):
    """How a request ended."""

    DONE = "done"
    CUT = "cut"  # the token limit ended it: the text is what there was until then
    FAILED = "failed"  # no answer: `Reply.error` says why


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat: `role` is "system" or "user"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    `prompt` is either plain text to be continued, or a chat whose template the engine applies. Generation ends at the
    model's end token, at a stop string (not part of the reply), or after `max_tokens`. `temperature` 0 is greedy.
    `stale`: an engine may cut a list off once so many entries in a row were there before; 0 is never. A saving that
    engines need not know, and no part of what the reply store keys on: what is left out are repeats, but for very few.
    """

    prompt: str | tuple[Message, ...]
    max_tokens: int
    stop: tuple[str, ...] = ()
    constraint: Constraint | None = None
    temperature: float = 0.0
    seed: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a reply and its natural-log probability under the unconstrained model."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request: read (of these, found in the engine's prefix cache, where it tells), and generated."""

    prompt: int = 0
    cached: int = 0
    generated: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request. `tokens` concatenate to `text`; empty where the engine gives no log-probabilities.

    `too_long`: it failed since prompt and answer do not fit; a shorter prompt may help.
    """

    text: str
    outcome: Outcome = Outcome.DONE
    tokens: tuple[Token, ...] = ()
    usage: Usage = Usage()
    error: str = ""
    too_long: bool = False


class Done(Protocol):
    """Hears of replies while a call is under way."""

    def __call__(self, told: Sequence[tuple[int, Reply]], /) -> None:
        """Replies, each with the position of its request."""
        ...


class Model(Protocol):
    """Anything that answers lists of requests. `examples/own_engine.py` is a small one, with its settings.

    Implement all of it; there is nothing to inherit. Plain attributes serve where properties stand. `generate` and
    `count` may be called from several threads at once: use a lock where the engine cannot bear it. A constraint or
    log-probabilities may be beyond an engine: then leave `Request.constraint` unheeded and `Reply.tokens` empty;
    `el4ner doctor` tells what an ensemble loses by it.
    """

    @property
    def overlaps(self) -> bool:
        """Whether several calls of `generate`, from several threads, are faster side by side: so with servers. Models
        for which it is false are asked one after the other."""
        ...

    @property
    def cached(self) -> int | None:
        """Tokens of prompts that are kept for later requests that begin with them, if the caller should mind: windows
        are then cut to what fits. None: the engine keeps none, or sees to it itself."""
        ...

    @property
    def identity(self) -> str:
        """What answers, in one line: weights and all settings that change an answer. Two models with one identity give
        the same reply to the same request: it is the first half of the reply store's key."""
        ...

    @property
    def context(self) -> int:
        """Tokens that a prompt and its reply may fill together."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; an upper estimate where the tokenizer is out of reach."""
        ...

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        """One reply a request, in order. A request that fails is a reply with `Outcome.FAILED`, not an exception.

        `done` hears of each reply once, from any thread, so that it can be kept while others are under way. An engine
        whose replies depend on what is read together, which half a call would not repeat, tells of all at once.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds. Closing twice is harmless; a closed model is not to be asked."""
        ...
