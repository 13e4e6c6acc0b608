"""Answers of servers that speak the OpenAI API: as they should be, to be changed."""

from __future__ import annotations

from typing import Any

from el4ner.models.base import Message, Request
from el4ner.models.constraint import OneOf

CHAT = Request((Message("system", "You find entities."), Message("user", "Text: Anna in Porto")), 40)
PLAIN = Request("Text: Anna in Porto\nEntities:", 40, ("\n",))
CHOICE = Request((Message("user", "which?"),), 9, (), OneOf(("person", "none")))
REQUESTS = (CHAT, PLAIN, CHOICE)
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "prompt_tokens_details": {"cached_tokens": 2}}
_LISTED = "Anna (person)"
_PIECES = [("Anna", -0.1), (" (", -0.2), ("person", -0.3), (")", -0.4)]
CHAT_ANSWER: dict[str, Any] = {
    "id": "c1", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
    "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": _LISTED, "reasoning_content": None},
        "logprobs": {"content": [
            {"token": text, "logprob": logprob, "bytes": list(text.encode()), "top_logprobs": []}
            for text, logprob in _PIECES
        ]},
    }],
}  # fmt: skip
PLAIN_ANSWER: dict[str, Any] = {
    "id": "p1", "object": "text_completion", "usage": USAGE,
    "choices": [{
        "index": 0, "finish_reason": "length", "text": _LISTED,
        "logprobs": {
            "tokens": [t for t, _ in _PIECES], "token_logprobs": [p for _, p in _PIECES], "text_offset": [0, 4, 6, 12],
        },
    }],
}  # fmt: skip
PARTS: dict[str, Any] = {
    "choices": [{"message": {"content": [{"type": "text", "text": "Anna"}, {"type": "text", "text": " (person)"}]}}]
}
ERRORS: tuple[dict[str, Any], ...] = (
    {"error": {"message": "Rate limit reached", "type": "rate_limit_error", "code": 429}},
    {"error": "model not found"},
    {"object": "error", "message": "maximum context length is 4096 tokens", "code": 400},
    {"detail": [{"loc": ["body", "max_tokens"], "msg": "extra fields not permitted"}]},
    {
        "error": {
            "code": 400,
            "message": "exceeds",
            "type": "exceed_context_size_error",
            "n_ctx": 2048,
            "n_prompt_tokens": 9000,
        }
    },
)
ANSWERS = (CHAT_ANSWER, CHAT_ANSWER, PLAIN_ANSWER, PLAIN_ANSWER, PARTS, *ERRORS)
CARDS: tuple[dict[str, Any], ...] = (
    {"object": "list", "data": [{"id": "m", "owned_by": "vllm", "root": "a/m", "max_model_len": 2048}]},
    {
        "data": [
            {"id": "m", "owned_by": "llamacpp", "meta": {"n_params": 1, "size": 2, "n_ctx_train": 512, "ftype": "Q8_0"}}
        ]
    },
    {"data": [{"id": "other", "owned_by": "library"}, {"id": "m", "owned_by": "library"}]},
)
PROPS = {"default_generation_settings": {"n_ctx": 512}, "total_slots": 1}
