"""Requests and replies as the OpenAI API spells them, with what servers make of it."""

from __future__ import annotations

import json
import math
from codecs import getincrementaldecoder
from typing import Any

import httpx2

from el4ner.models.base import Outcome, Reply, Request, Token, Usage
from el4ner.models.constraint import Constraint, to_ebnf, to_json_schema
from el4ner.models.openai.settings import Dialect, OpenAISettings
from el4ner.models.partial_reply import stop_at
from el4ner.text.printable import one_line

REASONING = (
    "the model spent its tokens on reasoning; turn that off, with extra = {chat_template_kwargs = {enable_thinking ="
    ' false}} or extra = {reasoning_effort = "none"}, or pay for it, with thinking = 2048'
)
_LONGEST_TOKEN = 256  # characters: no vocabulary's longest (runs of blanks) has more
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
    """The JSON of a server's answer; its text where it is none. Read as UTF-8, whatever the answer calls itself."""
    said = answer.content.decode("utf-8", "replace")
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return said


def body_of(request: Request, settings: OpenAISettings) -> tuple[str, dict[str, Any]]:
    """The path to ask and what to send there, all but the constraint."""
    thinking = 0 if isinstance(request.prompt, str) else settings.thinking
    body: dict[str, Any] = {"model": settings.model, "max_tokens": request.max_tokens + thinking}
    body |= {"temperature": request.temperature, "seed": request.seed}
    if request.stop:
        body["stop"] = list(request.stop)
    if isinstance(request.prompt, str):
        path, body["prompt"], logprobs = "/completions", request.prompt, {"logprobs": 1}
    else:
        path, body["messages"] = "/chat/completions", [{"role": m.role, "content": m.content} for m in request.prompt]
        logprobs = {"logprobs": True, "top_logprobs": 1}  # llama-server lists twenty where no number is given
    body |= (logprobs if settings.logprobs else {}) | settings.extra
    renamed = {settings.fields.get(name, name): value for name, value in body.items()}
    return path, {name: value for name, value in renamed.items() if name}


def constrain(constraint: Constraint, dialect: Dialect, max_tokens: int, settings: OpenAISettings) -> dict[str, Any]:
    """The fields that hold a reply to a constraint; JSON is given room for what stands around an answer of so many."""
    match dialect:
        case "gbnf":
            return {"grammar": to_ebnf(constraint)}
        case "vllm":
            return {"structured_outputs": {"grammar": to_ebnf(constraint)}}
        case "json_schema":
            schema = {"name": "reply", "strict": True, "schema": to_json_schema(constraint)}
            form = {"type": "json_schema", "json_schema": schema}
            room = 2 * max_tokens + _JSON_ROOM + settings.thinking
            return {"response_format": form, settings.fields.get("max_tokens", "max_tokens"): room}
        case _:
            return {}


def read_reply(answer: object, request: Request, thinking: int = 0) -> Reply:
    """The reply that a server's answer holds. One longer than its tokens could be is a failure."""
    choice = _first(dig(answer, "choices"))
    chat = not isinstance(request.prompt, str)
    said = _joined(dig(choice, "message", "content")) if chat else dig(choice, "text")
    usage = Usage(
        _count(dig(answer, "usage", "prompt_tokens")),
        _count(dig(answer, "usage", "prompt_tokens_details", "cached_tokens")),
        _count(dig(answer, "usage", "completion_tokens")),
    )
    end = dig(choice, "finish_reason")
    thought = dig(choice, "message", "reasoning_content") or dig(choice, "message", "reasoning")
    if thought and not said:
        return Reply("", Outcome.FAILED, usage=usage, error=REASONING)
    if not isinstance(said, str) or end in ("content_filter", "error", "abort") or (chat and not said.strip()):
        missing = "an empty answer" if said == "" else "no text in the answer"
        return Reply("", Outcome.FAILED, usage=usage, error=f"{missing} ({_why(answer, choice)})")
    if len(said) > _LONGEST_TOKEN * (request.max_tokens + thinking):
        error = f"an answer of {len(said):,} characters, where {request.max_tokens} tokens were asked for"
        return Reply("", Outcome.FAILED, usage=usage, error=error)
    text = said[: stop_at(said, request.stop)]
    outcome = Outcome.CUT if end == "length" and text == said else Outcome.DONE
    return Reply(text, outcome, tokens_of(dig(choice, "logprobs"), text, usage.generated), usage)


def _first(choices: object) -> object:
    """The first of the choices by their own numbers."""
    numbered = [one for one in choices if dig(one, "index") == 0] if isinstance(choices, list) else []
    return numbered[0] if numbered else dig(choices, 0)


def _why(answer: object, choice: object) -> str:
    """What the server says of an answer without text."""
    end, refused = dig(choice, "finish_reason"), dig(choice, "message", "refusal")
    if isinstance(refused, str) and refused.strip():
        return f"refused: {one_line(refused, 120)!r}"
    if isinstance(end, str):
        return one_line(end, 60)
    said = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return f"not of the OpenAI API: {one_line(said, 120)!r}" if said.strip() else "nothing came"


def _joined(content: object) -> object:
    """Content as a list of parts, put together; of these, only text counts."""
    if not isinstance(content, list):
        return content
    parts = [part if isinstance(part, str) else dig(part, "text") for part in content]
    return "".join(part for part in parts if isinstance(part, str))


def _count(said: object) -> int:
    """A number of tokens, if it is one."""
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 10**9 else 0


def refusal(answer: object) -> tuple[int, str] | None:
    """The status and the words of an error that comes as an answer of status 200; None where there is none."""
    error = dig(answer, "error") or (answer if dig(answer, "object") == "error" else None)
    if not error or dig(answer, "choices"):
        return None
    words = error if isinstance(error, str) else dig(error, "message") or dig(error, "type") or error
    code = next((c for c in (dig(error, "code"), dig(error, "status"), dig(answer, "code")) if c), 0)
    number = int(code) if isinstance(code, int | str) and str(code).isascii() and str(code).isdecimal() else 0
    kind = str(dig(error, "type"))
    return number or (429 if "rate" in kind or "overloaded" in kind else 0), str(words)[:500]


def tokens_of(logprobs: object, text: str, generated: int) -> tuple[Token, ...]:
    """The tokens that make up a text; none if they do not. A stop string and the end token are left out.

    llama-server lists one token for a character that took several, with the probability of the last. So a text that
    is not ASCII has tokens only if as many are listed as were generated.
    """
    try:
        pieces = _pieces(logprobs)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return ()
    if not all(math.isfinite(logprob) for _, logprob in pieces):  # not told
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
