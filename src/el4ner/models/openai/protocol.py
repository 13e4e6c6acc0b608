"""Requests and replies as the OpenAI API spells them, with what servers make of it."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import Any

import httpx2

from el4ner.models.base import Outcome, Reply, Request, Token, Usage
from el4ner.models.constraint import Constraint, to_ebnf, to_json_schema
from el4ner.models.openai.settings import Dialect, OpenAISettings
from el4ner.models.partial_reply import stop_at

_JSON_ROOM = 32  # tokens of `{"answer": ""}`, however it is spaced


def dig(value: Any, *path: str | int) -> Any:
    """What lies at a path in JSON; None where nothing does."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def read_json(answer: httpx2.Response) -> object:
    """The JSON of a server's answer; its text where it is none."""
    try:
        return answer.json()
    except ValueError:
        return answer.text


def body_of(request: Request, settings: OpenAISettings) -> tuple[str, dict[str, Any]]:
    """The path to ask and what to send there, all but the constraint."""
    body: dict[str, Any] = {"model": settings.model, "max_tokens": request.max_tokens}
    body |= {"temperature": request.temperature, "seed": request.seed}
    if request.stop:
        body["stop"] = list(request.stop)
    if isinstance(request.prompt, str):
        path, body["prompt"], logprobs = "/completions", request.prompt, {"logprobs": 1}
    else:
        path, body["messages"] = "/chat/completions", [{"role": m.role, "content": m.content} for m in request.prompt]
        logprobs = {"logprobs": True, "top_logprobs": 1}  # llama-server lists twenty where no number is given
    return path, body | (logprobs if settings.logprobs else {}) | settings.extra


def constrain(constraint: Constraint, dialect: Dialect, max_tokens: int) -> dict[str, Any]:
    """The fields that hold a reply to a constraint; JSON is given room for what stands around an answer of so many."""
    match dialect:
        case "gbnf":
            return {"grammar": to_ebnf(constraint)}
        case "vllm":
            return {"structured_outputs": {"grammar": to_ebnf(constraint)}}
        case "json_schema":
            schema = {"name": "reply", "strict": True, "schema": to_json_schema(constraint)}
            form = {"type": "json_schema", "json_schema": schema}
            return {"response_format": form, "max_tokens": 2 * max_tokens + _JSON_ROOM}
        case _:
            return {}


def read_reply(answer: object, request: Request) -> Reply:
    """The reply that a server's answer holds."""
    choice = dig(answer, "choices", 0)
    said = dig(choice, "text") if isinstance(request.prompt, str) else dig(choice, "message", "content")
    usage = Usage(
        dig(answer, "usage", "prompt_tokens") or 0,
        dig(answer, "usage", "prompt_tokens_details", "cached_tokens") or 0,
        dig(answer, "usage", "completion_tokens") or 0,
    )
    end = dig(choice, "finish_reason")
    if not isinstance(said, str) or end in ("content_filter", "error", "abort"):
        error = f"no text in the answer ({end or 'not of the OpenAI API'})"
        return Reply("", Outcome.FAILED, usage=usage, error=error)
    text = said[: stop_at(said, request.stop)]
    outcome = Outcome.CUT if end == "length" and text == said else Outcome.DONE
    return Reply(text, outcome, tokens_of(dig(choice, "logprobs"), text, usage.generated), usage)


def tokens_of(logprobs: object, text: str, generated: int) -> tuple[Token, ...]:
    """The tokens that make up a text; none if they do not. A stop string and the end token are left out.

    llama-server lists one token for a character that took several, with the probability of the last. So a text that
    is not ASCII has tokens only if as many are listed as were generated.
    """
    try:
        pieces = _pieces(logprobs)
    except (LookupError, TypeError, ValueError):
        return ()
    if len(pieces) < generated and not text.isascii():
        return ()
    decoder = getincrementaldecoder("utf-8")()
    tokens, left = [], text.encode()
    for piece, logprob in pieces:
        if not left:
            break
        if not left.startswith(piece := piece[: len(left)]):
            return ()
        left = left[len(piece) :]
        tokens.append(Token(decoder.decode(piece), min(logprob, 0.0)))
    return () if left else tuple(tokens)


def _pieces(logprobs: Any) -> list[tuple[bytes, float]]:
    """Bytes and log-probability of each token: `content` of chats (llama-server: always), two lists of completions."""
    if dig(logprobs, "content") is None:
        return [(t.encode(), float(p)) for t, p in zip(logprobs["tokens"], logprobs["token_logprobs"], strict=True)]
    return [
        (bytes(raw) if (raw := dig(t, "bytes")) is not None else t["token"].encode(), float(t["logprob"]))
        for t in logprobs["content"]
    ]
