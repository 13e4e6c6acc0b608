"""What a server wants asked otherwise, found out by asking: fields that it refuses, reasoning before its answers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from el4ner.models.base import Message, Outcome, Reply, Request

if TYPE_CHECKING:
    from el4ner.models.openai.settings import OpenAISettings

# What a field may be renamed to, or left out for; in the order in which they are tried.
_EDITS = {
    "max_tokens": "max_completion_tokens",
    "top_logprobs": "",
    "logprobs": "",
    "seed": "",
    "temperature": "",
    "stop": "",
}
_ASK = Request(
    (Message("system", "Answer with one word."), Message("user", "What is the capital of France?")), 16, ("\n\n",)
)
_REFUSED = ("HTTP 400", "HTTP 422")


def find_fields(settings: OpenAISettings) -> dict[str, str] | None:
    """The fields to rename or leave out so that the server answers; {} where it needs none, None where none helps.

    A refusal that names a field is believed; otherwise each is tried alone.
    """
    fields: dict[str, str] = {}
    for _ in _EDITS:
        said = _asked(settings, fields)
        if said.outcome is not Outcome.FAILED:
            return fields
        if not said.error.startswith(_REFUSED):
            return None
        left = [name for name in _EDITS if name not in fields]
        named = [name for name in left if f"{name}" in said.error.replace(_EDITS["max_tokens"], "")]
        tried = named or [name for name in left if _asked(settings, fields | {name: _EDITS[name]}).error != said.error]
        if not tried:
            return None
        fields[tried[0]] = _EDITS[tried[0]]
    return fields if _asked(settings, fields).outcome is not Outcome.FAILED else None


def advice(settings: OpenAISettings) -> list[str]:
    """Lines for the model's table in the recipe, each with what it is for; none where all is well."""
    fields = find_fields(settings)
    lines = []
    if fields:
        told = ", ".join(f'{name} = "{value}"' for name, value in sorted(fields.items()))
        lines.append(f"fields = {{{told}}}  # this server refuses the fields as they are")
    said = _asked(settings, fields or {})
    if "reasoning" in said.error or "think>" in said.text[:200].lower():
        lines.append(
            "extra = {chat_template_kwargs = {enable_thinking = false}}  # it reasons before it answers: turn that off,"
            " or pay for it with thinking = 2048"
        )
    return lines


def _asked(settings: OpenAISettings, fields: dict[str, str]) -> Reply:
    with closing(settings.model_copy(update={"fields": settings.fields | fields}).open()) as model:
        return model.generate([_ASK])[0]
