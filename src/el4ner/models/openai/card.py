"""What a server tells of itself and of the model that it serves."""

from __future__ import annotations

from dataclasses import dataclass

from el4ner.models.openai.protocol import dig
from el4ner.text.printable import one_line

_MOST = 10**8  # tokens: a context above it is no context


@dataclass(frozen=True, slots=True)
class Card:
    """Who serves (`llamacpp`, `vllm`, ...), which weights, and how many tokens fit; empty where it does not tell."""

    server: str = ""
    weights: str = ""
    context: int | None = None


def model_of(models: object, name: str) -> object:
    """The entry of a list of models that is meant; llama-server takes any name for its only one."""
    listed = dig(models, "data")
    found = listed if isinstance(listed, list) else []
    named = [model for model in found if dig(model, "id") == name]
    return (named or (found if len(found) == 1 else []) or [None])[0]


def read_card(model: object, props: object) -> Card:
    """What an entry of `/models` and the answer of llama-server's `/props` tell."""
    server = dig(model, "owned_by")
    context = _context(dig(model, "max_model_len")) or _context(dig(props, "default_generation_settings", "n_ctx"))
    facts = [dig(model, "root"), *(dig(model, "meta", key) for key in ("ftype", "n_params", "size"))]
    weights = " ".join(str(fact) for fact in facts if fact and isinstance(fact, str | int | float))
    return Card(one_line(server, 60) if isinstance(server, str) else "", one_line(weights, 500), context)


def _context(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 < said < _MOST else None
