"""Reading replies. Nothing here raises: what cannot be read is said to be unreadable.

A listing is `a (person); b (location)`, or `a; b` where no types are asked, or `none`; from servers that were held to a
JSON schema it is `{"entities": [...]}`. Names may themselves hold separators and brackets, so that pieces are put
together again until they end in a known type.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from el4ner.models.base import Outcome, Reply, Token
from el4ner.models.constraint import EMPTY

_SEPARATORS = re.compile(r"[;\n]")
_BULLET = " -*•"
_AROUND = " \n\t\"'`().*"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a listing: the span's string, the type written next to it, and the probability of each."""

    text: str
    label: str | None = None
    probability: float | None = None
    label_probability: float | None = None


def read_listing(reply: Reply, labels: Collection[str]) -> list[Item]:
    """The entries of a listing, in order and without repeats. An item that the token limit broke off is left out.

    With `labels`, an entry without a bracketed type has `label` None, and a type that is not among them is kept as
    it was written: the caller reports it. Without `labels`, no brackets are read.
    """
    text = reply.text
    if (answer := _json_object(text)) is not None:
        return _json_items(answer)
    pieces = _pieces(text, labels)
    if reply.outcome is Outcome.CUT and pieces:
        pieces.pop()
    items = [_item(reply, start, end, labels) for start, end in pieces]
    unique = {(item.text, item.label): item for item in reversed(items)}  # the first mention of each
    return [item for item in reversed(unique.values()) if item.text and item.text.casefold() != EMPTY]


def _pieces(text: str, labels: Collection[str]) -> list[tuple[int, int]]:
    """Places of the entries in the reply: split at separators, joined again up to the next known type."""
    cuts = [0, *(at for m in _SEPARATORS.finditer(text) for at in m.span()), len(text)]
    bounds = list(zip(cuts[::2], cuts[1::2], strict=True))
    if not labels:
        return bounds
    endings = tuple(f"({label})" for label in labels)
    pieces: list[tuple[int, int]] = []
    waiting: int | None = None  # where an entry began that has no type yet
    for start, end in bounds:
        piece = text[start:end].rstrip()
        if piece.endswith(endings):
            pieces.append((start if waiting is None else waiting, end))
            waiting = None
        elif piece.endswith(")"):
            pieces.append((start, end))  # it has a type, but one that nobody asked for
        elif waiting is None:
            waiting = start
    if waiting is not None:
        pieces.append((waiting, len(text)))
    return pieces


def _item(reply: Reply, start: int, end: int, labels: Collection[str]) -> Item:
    piece = reply.text[start:end].rstrip()
    start += len(piece) - len(piece.lstrip(_BULLET))
    piece = piece.lstrip(_BULLET)
    bracket = piece.rfind(" (")
    if not labels or bracket < 0 or not piece.endswith(")"):
        return Item(piece, None, _probability(reply.tokens, start, start + len(piece)))
    label_at = start + bracket + 2
    label = piece[bracket + 2 : -1]
    return Item(
        piece[:bracket].rstrip(),
        label,
        _probability(reply.tokens, start, start + bracket),
        _probability(reply.tokens, label_at, label_at + len(label)),
    )


def _probability(tokens: Sequence[Token], start: int, end: int) -> float | None:
    """Product of the probabilities of the tokens that share a character with `reply[start:end]`."""
    if not tokens:
        return None
    total, at = 0.0, 0
    for token in tokens:
        after = at + len(token.text)
        if at < end and after > start:
            total += token.logprob
        at = after
    return math.exp(total)


def read_choice(reply: Reply, options: Collection[str]) -> tuple[str | None, float | None]:
    """Which of the options a reply names, and how probable it was; (None, None) if it names none of them.

    Case, quotes, a full stop and a closing bracket around the answer do not matter.
    """
    answer = _json_object(reply.text)
    text = reply.text if answer is None else str(answer.get("answer", ""))
    plain = text.strip(_AROUND)
    chosen = next((o for o in options if o == plain), None)
    if chosen is None:
        chosen = next((o for o in options if o.casefold() == plain.casefold()), None)
    if chosen is None:
        return None, None
    start = reply.text.find(plain)
    return chosen, _probability(reply.tokens, start, start + len(plain)) if start >= 0 else None


def _json_object(text: str) -> dict[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _json_items(answer: dict[str, object]) -> list[Item]:
    entries = answer.get("entities")
    items = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, str):
            items.append(Item(entry))
        elif isinstance(entry, dict) and isinstance(entry.get("text"), str):
            items.append(Item(entry["text"], str(entry["type"]) if "type" in entry else None))
    return list(dict.fromkeys(items))
