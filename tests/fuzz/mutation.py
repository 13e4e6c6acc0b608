"""Changes of valid inputs, and inputs that were never valid: bytes, texts and JSON values."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from fakes import NASTY

MARKS = (
    *NASTY, "\t", "\r", "\v", "\x1b[2J", "\x7f", "\u200b", "\u00ad", "\u2060", "\u200f", "\ufffd", "’", "“", "”", "–",
    "—", "（", "）", "；", "，", "：", "。", "ﬁ", "Å", "A\u030a", "ſ", "ǅ", "Σ", "ς", "서울에서", "בתל",
    "וباريس", "ไทย", "ﷺ",
    "𝒜", "\U0010ffff", "@@", "##", "@@@", "###", "|", " | true | ", "<think>", "</think>", "```json\n", "```", "**",
    "_", "- ", "* ", "1. ", ":", " - ", " (", ")", "[", "]", "{\"", "null", "NaN", "-1", "1e999", "0", "9" * 40, "=",
    "#", "\ufe0f",
)  # fmt: skip
WORDS = [
    "Anna", "Berg", "of", "Acme", "Corp", "moved", "from", "Porto", "to", "Lisbon", "on", "3", "May", "2024", ",",
    "O’Brien", "said", "Zoë", "and", "李明", "in", "北京", ".",
]  # fmt: skip
_BYTES = tuple(range(256))


def words(rng: random.Random, most: int = 14) -> str:
    """An ordinary text, now and then with something odd in it."""
    picked = rng.choices(WORDS, k=rng.randint(0, most))
    if rng.random() < 0.5:
        picked[rng.randint(0, len(picked)) : 0] = rng.choices(MARKS, k=rng.randint(1, 3))
    return rng.choice((" ", " ", " ", "", "\n")).join(picked)


def nasty(rng: random.Random, most: int = 12) -> str:
    """Odd pieces side by side: of texts, of what texts trip over, of any characters."""
    return "".join(_piece(rng) for _ in range(rng.randint(0, most)))


def _piece(rng: random.Random) -> str:
    match rng.randint(0, 5):
        case 0 | 1:
            return rng.choice(MARKS)
        case 2 | 3:
            return rng.choice(WORDS) + rng.choice((" ", "", ""))
        case 4:
            return chr(rng.choice((rng.randint(0, 0x2FF), rng.randint(0, 0xFFFF), rng.randint(0, 0x10FFFF))))
        case _:
            return rng.choice(MARKS) * rng.randint(2, 9)


def mutated_text(rng: random.Random, text: str) -> str:
    """A text with a few pieces cut, doubled, moved or put in."""
    for _ in range(rng.randint(1, 4)):
        start, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        match rng.randint(0, 4):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + text[start:end] * rng.randint(1, 3) + text[end:]
            case 2:
                text = text[:start] + rng.choice(MARKS) + text[start:]
            case 3:
                text = text[:start] + rng.choice(MARKS) + text[end:]
            case _:
                text = text[:start] + _piece(rng) + text[min(len(text), start + 1) :]
    return text


def mutated_bytes(rng: random.Random, content: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """Bytes with a few of them flipped, cut, doubled or put in; `tokens` are what is put in among others."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        start = rng.randint(0, len(data))
        end = min(len(data), start + rng.choice((1, 1, 2, 4, 8, 64, 1024)))
        match rng.randint(0, 5):
            case 0 if start < len(data):
                data[start] ^= 1 << rng.randint(0, 7)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * rng.randint(1, 3)
            case 3 if tokens:
                data[start : start + rng.choice((0, 1, 4))] = rng.choice(tokens)
            case 4:
                data[start:end] = bytes(rng.choices(_BYTES, k=end - start))
            case _:
                data[start:start] = rng.choice(MARKS).encode("utf-8", "surrogatepass")
    return bytes(data[: rng.randint(0, len(data))] if rng.random() < 0.1 else data)


SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 10**30, -(10**30), 2**63, 0.5, -0.0, 1e308, float("nan"), float("inf"),
    float("-inf"), "", " ", "none", "person", "7", "-1", "NaN", "é", "\ud800", "\0", "a\nb", "x" * 300,
)  # fmt: skip
KEYS = (
    "text",
    "type",
    "label",
    "entities",
    "answer",
    "content",
    "token",
    "logprob",
    "bytes",
    "error",
    "message",
    "",
    "\n",
)


def value(rng: random.Random, depth: int = 3) -> Any:
    """Any JSON value, NaN and infinities among them."""
    match rng.randint(0, 5 if depth else 2):
        case 0 | 1:
            return rng.choice(SCALARS)
        case 2:
            return nasty(rng, 3)
        case 3:
            return [value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
        case 4:
            return {rng.choice(KEYS): value(rng, depth - 1) for _ in range(rng.randint(0, 3))}
        case _:
            return nested(rng)


def nested(rng: random.Random) -> Any:
    """A value some levels deep."""
    deep: Any = rng.choice(SCALARS)
    for _ in range(rng.randint(3, 40)):
        deep = [deep] if rng.random() < 0.5 else {rng.choice(KEYS): deep}
    return deep


def mutated_value(rng: random.Random, given: Any) -> Any:
    """A JSON value with one place in it, at any depth, changed, gone, doubled or new."""
    if not given or not isinstance(given, dict | list) or rng.random() < 0.08:
        return mutated_text(rng, given) if isinstance(given, str) and rng.random() < 0.5 else value(rng)
    if isinstance(given, list):
        at = rng.randrange(len(given))
        match rng.randint(0, 9):
            case 0:
                return given[:at] + given[at + 1 :]
            case 1:
                return [*given, given[at]]
            case _:
                return [*given[:at], mutated_value(rng, given[at]), *given[at + 1 :]]
    key = rng.choice(list(given))
    match rng.randint(0, 11):
        case 0:
            return {name: kept for name, kept in given.items() if name != key}
        case 1:
            return given | {rng.choice(KEYS): value(rng)}
        case 2:
            return {mutated_text(rng, name) if name == key else name: kept for name, kept in given.items()}
        case _:
            return given | {key: mutated_value(rng, given[key])}
