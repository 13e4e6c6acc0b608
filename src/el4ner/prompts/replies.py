"""Reading replies. Nothing here raises: what cannot be read is said to be unreadable.

A listing is `a (person); b (location)`, or `a; b` where no types are asked, or `none`; from servers that were held to a
JSON schema it is `{"entities": [...]}`. Names may themselves hold separators and brackets, so that pieces are put
together again until they end in a known type.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from el4ner.data import EMPTY
from el4ner.models.base import Outcome, Reply, Token

_SEPARATORS = re.compile(r"[;\n,]")  # a comma behind a known type only
_BULLET = re.compile(r"\s*(?:[-*•](?:\s+|$))*")
_JSON_LISTING = re.compile(r'\s*\{\s*"entities"\s*:\s*\[')
_JSON_ANSWER = re.compile(r'\s*\{\s*"answer"\s*:\s*("(?:[^"\\]|\\.)*")')
_JSON_GAP = re.compile(r"[\s,]*")
_CONFIDENCE = r",\s*[01]\.\d+"  # models that read a tagger's hints write its confidence, too
_AROUND = " \n\t\"'`“”‘’「」().*"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of an answer: the span's string, the type written next to it, and the probability of each.

    `at` is its place in the shown text where the answer itself tells it; otherwise it is to be looked for.
    """

    text: str
    label: str | None = None
    probability: float | None = None
    label_probability: float | None = None
    at: tuple[int, int] | None = None


def read_listing(reply: Reply, labels: Collection[str]) -> list[Item]:
    """The entries of a listing, in order and without repeats. An item that the token limit broke off is left out.

    With `labels`, an entry without a bracketed type has `label` None, and a type that is not among them is kept as
    it was written: the caller reports it. Without `labels`, no brackets are read.
    """
    text = reply.text
    if (answer := _json_object(text)) is not None:
        return _json_items(answer.get("entities"))
    if broken := _JSON_LISTING.match(text):
        return _json_items(_complete(text, broken.end()))
    pieces = _pieces(text, labels)
    if reply.outcome is Outcome.CUT and pieces:
        pieces.pop()
    items = [_item(reply, start, end, labels) for start, end in pieces]
    unique = {(item.text, item.label): item for item in reversed(items)}  # the first mention of each
    return [item for item in reversed(unique.values()) if _is_entry(item)]


def _pieces(text: str, labels: Collection[str]) -> list[tuple[int, int]]:
    """Places of the entries: split at separators and, within a line, joined again up to the next known type."""
    names = "|".join(re.escape(label) for label in labels)
    ending = re.compile(rf"\((?:{names})(?:{_CONFIDENCE})?\)\.?$", re.IGNORECASE) if labels else None
    pieces: list[tuple[int, int]] = []
    waiting: list[tuple[int, int]] = []  # entries that have no type yet
    start = 0
    for separator in _SEPARATORS.finditer(text + "\n"):
        piece = text[start : separator.start()].rstrip()
        typed = ending is not None and ending.search(piece) is not None
        if separator[0] == "," and not typed:
            continue
        waiting.append((start, separator.start()))
        if typed:
            pieces.append((waiting[0][0], separator.start()))
            waiting = []
        elif not labels or piece.endswith(")") or separator[0] == "\n":
            pieces += waiting
            waiting = []
        start = separator.end()
    return pieces


def _item(reply: Reply, start: int, end: int, labels: Collection[str]) -> Item:
    piece = reply.text[start:end].rstrip()
    bullet = _BULLET.match(piece)
    lead = bullet.end() if bullet else 0
    start, piece = start + lead, piece[lead:]
    if any(piece.endswith(f"({label}).") for label in labels):
        piece = piece[:-1]
    label = next((label for label in labels if piece.endswith(f"({label})")), None)
    if label is None and labels and " (" in piece and piece.endswith(")"):
        label = piece[piece.rfind(" (") + 2 : -1]
    if label is None:
        return Item(piece, None, probability_of(reply.tokens, start, start + len(piece)))
    text = piece[: -len(label) - 2].rstrip()
    label_at = start + len(piece) - len(label) - 1
    return Item(
        text,
        _known(label, labels),
        probability_of(reply.tokens, start, start + len(text)),
        probability_of(reply.tokens, label_at, label_at + len(label)),
    )


def _known(label: str, labels: Collection[str]) -> str:
    """The type that was meant: in other case, or with a confidence behind it; else what is written there."""
    bare = label if label in labels else re.sub(f"{_CONFIDENCE}$", "", label)
    alike = [known for known in labels if known.casefold() == bare.casefold()]
    return bare if bare in labels else alike[0] if len(alike) == 1 else label


def probability_of(tokens: Sequence[Token], start: int, end: int) -> float | None:
    """Product of the probabilities of the tokens that share a character with `reply[start:end]`."""
    if not tokens:
        return None
    total, at = 0.0, 0
    for token in tokens:
        after = at + len(token.text)
        if at < end and after > start:
            total += token.logprob
        at = after
    return math.exp(min(total, 0.0))


def read_choice(reply: Reply, options: Collection[str]) -> tuple[str | None, float | None]:
    """Which of the options a reply names, and how probable it was; (None, None) if it names none of them.

    Case, quotes, a full stop and a closing bracket around the answer do not matter.
    """
    answer = _json_object(reply.text)
    text = reply.text if answer is None else str(answer.get("answer", ""))
    if answer is None and (broken := _JSON_ANSWER.match(reply.text)):
        text = str(_loaded(broken[1]))
    plain = text.strip(_AROUND)
    alike: list[Callable[[str], bool]] = [
        lambda option: option == text.strip(),
        lambda option: option.strip(_AROUND) == plain,
        lambda option: option.strip(_AROUND).casefold() == plain.casefold(),
    ]
    chosen = next((option for same in alike for option in options if same(option)), None)
    if chosen is None or not plain:
        return None, None
    start = reply.text.rfind(plain)  # the last: in JSON the key stands before it
    return chosen, probability_of(reply.tokens, start, start + len(plain)) if start >= 0 else None


def _json_object(text: str) -> dict[str, object] | None:
    value = _loaded(text) if text.lstrip().startswith("{") else None
    return value if isinstance(value, dict) else None


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _complete(text: str, at: int) -> list[object]:
    """The entries of a JSON list that was broken off: those that were complete."""
    entries: list[object] = []
    decoder = json.JSONDecoder()
    while gap := _JSON_GAP.match(text, at):
        try:
            entry, at = decoder.raw_decode(text, gap.end())
        except (ValueError, RecursionError):
            break
        entries.append(entry)
    return entries


def _json_items(entries: object) -> list[Item]:
    items = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, str):
            items.append(Item(entry))
        elif isinstance(entry, dict) and isinstance(entry.get("text"), str):
            label = entry.get("type")
            items.append(Item(entry["text"], label if isinstance(label, str) else None))
    return [item for item in dict.fromkeys(items) if _is_entry(item)]


def _is_entry(item: Item) -> bool:
    return bool(item.text.strip()) and item.text.casefold() != EMPTY
