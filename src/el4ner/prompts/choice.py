"""Reading which of several options a reply names. Never raises; where two are named, or one is denied, none is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from el4ner.data import EMPTY
from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.constraint import OneOf
from el4ner.prompts.item import probability_of
from el4ner.prompts.json_reply import json_answer
from el4ner.prompts.spoken import spoken
from el4ner.prompts.verdict import verdict
from el4ner.text.printable import one_line

_EDGES = " \n\t\"'`“”‘’「」().*"
_AROUND = " \n\t\"'`“”‘’「」『』（）()[]【】{}<>.。!！,，:：;；*_#|-–—•>"
_LEADING = re.compile(
    r"(?:\b(?:is|as|be|answer|type|label|category|class|entity type|verdict)\b|[:：=→?？]|->|=>|是|为|類型|类型)"
    r"\s{0,4}(?:an?|the|of type)?\s{0,4}$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|\w+n['’]t|no|neither|nor|never|cannot|instead of|rather than|keine?|pas|non|ni)\b|不|非|沒|没)"
    r"[^,.;:!?，。；]*$",
    re.IGNORECASE,
)
_NO_TYPE = re.compile(
    r"\s*(?:neither\b|null\b|no (?:type|label|category|class)\b"
    r"|(?:it|this) (?:does not|doesn['’]t) (?:belong|fit|match))",
    re.IGNORECASE,
)
_NONE_OF = re.compile(r"\s*none of", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“「‘`*]([^\"“”「」‘’`*]*)[\"”」’`*]")
_NEAR = 100  # characters before a word that are looked at
_LONGEST = 4000  # characters of a reply that are looked through: nobody says one word at greater length
_TRUTH = {"true", "false"}
_NONE = (
    *("none of the above", "none of these", "none of them", "no type", "not an entity", "no entity", "n/a"),
    *("无", "没有"),
)


def read_choice(reply: Reply, options: Collection[str]) -> tuple[str | None, float | None]:
    """Which of the options a reply names, and how probable it was; (None, None) if it names none, or several.

    Reasoning before the answer, words, marks and JSON around it, and case do not matter; yes stands for true.
    """
    place = spoken(reply.text)
    if place is None:
        return None, None
    start, end = place
    text = reply.text[start:end]
    stated = json_answer(text)
    chosen, at = _plain(stated or text, options)
    if chosen is None and stated is None:
        chosen, at = _in_words(text, options)
    if chosen is None:
        return None, None
    if stated is not None:  # the last: in JSON the key stands before it
        at = reply.text.rfind(stated.strip(_AROUND)), 0
        at = at[0] - start, at[0] - start + len(stated.strip(_AROUND))
    return chosen, probability_of(reply.tokens, start + at[0], start + at[1]) if at[0] + start >= 0 else None


def choice_amiss(request: Request, reply: Reply) -> str:
    """Why a reply to a choice is no answer, in a few words; "" if it is one."""
    if reply.outcome is Outcome.FAILED or not isinstance(request.constraint, OneOf):
        return ""
    if read_choice(reply, request.constraint.options)[0] is not None:
        return ""
    place = spoken(reply.text)
    if place is None:
        return "the reply ends within its reasoning, before an answer"
    said = reply.text[place[0] : place[1]].strip()
    return f"none of the answers to choose from: {one_line(said, 60)!r}" if said else "the reply is empty"


def _plain(text: str, options: Collection[str]) -> tuple[str | None, tuple[int, int]]:
    """The option that the text is, whatever stands around it: as little as possible is taken for that."""
    for edges in ("", _EDGES, _AROUND):
        bare = text.strip(edges) if edges else text.strip()
        start = text.find(bare)
        exact = [option for option in options if option == bare]
        stripped = [option for option in options if option.strip(edges or None) == bare]
        folded = [option for option in options if option.strip(edges or None).casefold() == bare.casefold()]
        if bare and (found := exact or stripped or folded):
            return found[0], (start, start + len(bare))
    said = EMPTY if EMPTY in options and bare.casefold() in _NONE else None
    return said, (start, start + len(bare))


def _in_words(text: str, options: Collection[str]) -> tuple[str | None, tuple[int, int]]:
    """The option that a sentence names: the first line, the first paragraph, or the last line tells it."""
    for start, end in _stretches(text[:_LONGEST]):
        chosen, at = _plain(text[start:end], options)
        if chosen is None:
            chosen, at = (_held if set(options) == _TRUTH else _named)(text[start:end], options)
        if chosen is not None:
            return chosen, (start + at[0], start + at[1])
    return None, (0, 0)


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
    lines = [(start, end) for start, end in zip(starts, [*(s - 1 for s in starts[1:]), len(text)], strict=True)]
    said = [number for number, (start, end) in enumerate(lines) if text[start:end].strip()]
    if not said:
        return
    yield lines[said[0]]
    last = next((n for n, then in pairwise(said) if then > n + 1), said[-1])
    if last > said[0]:
        yield lines[said[0]][0], lines[last][1]
    if len(said) > 1:
        yield lines[said[-1]]


def _held(sentence: str, options: Collection[str]) -> tuple[str | None, tuple[int, int]]:
    holds, place = verdict(sentence)
    return None if holds is None else str(holds).lower(), place


def _named(sentence: str, options: Collection[str]) -> tuple[str | None, tuple[int, int]]:
    """The one option that a sentence names and does not deny: at its end, behind "is" or a colon; or no other."""
    words = {f"{option}s": option for option in options} | {option: option for option in options}
    found = [(option, place) for option, place in _mentions(sentence, words) if not _denies(sentence, place[0])]
    if EMPTY in options:
        words |= dict.fromkeys(_NONE, EMPTY)
    ending = [
        (option, place)
        for option, place in _mentions(sentence, words)
        if not sentence[place[1] :].strip(_AROUND) and _leads(sentence[: place[0]]) and not _denies(sentence, place[0])
    ]
    if EMPTY in options and _says_none(sentence, options, found):
        return EMPTY, (0, 0)
    for mentions in (ending, found):
        if len({option for option, _ in mentions}) == 1:
            return mentions[0]
    return None, (0, 0)


def _says_none(sentence: str, options: Collection[str], found: Sequence[tuple[str, object]]) -> bool:
    """Whether it says that no type fits: in so many words, or by denying all of them."""
    if _NONE_OF.match(sentence):
        return True
    types = {option: option for option in options if option != EMPTY}
    denied = {option for option, _ in _mentions(sentence, types)} == set(types)
    return not found and (denied or _NO_TYPE.match(sentence) is not None)


def _leads(before: str) -> bool:
    return _LEADING.search(before[-_NEAR:].rstrip(_AROUND.replace(":", "").replace("：", ""))) is not None


def _denies(sentence: str, at: int) -> bool:
    """Whether what stands there is denied: a word for it before, in the same clause and outside of quotes."""
    return _DENIED.search(_QUOTED.sub(" ", sentence[max(0, at - _NEAR) : at])) is not None


def _mentions(sentence: str, words: Mapping[str, str]) -> list[tuple[str, tuple[int, int]]]:
    """Where the options that words stand for are named; of two words that overlap, the longer."""
    names = {word.casefold(): option for word, option in words.items() if word.strip(_AROUND)}
    ordered = sorted(names, key=len, reverse=True)
    pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, ordered))})(?![^\W_])" if ordered else "(?!)", re.I)
    found = []
    for match in pattern.finditer(sentence):
        if (option := names.get(match[0].casefold())) is not None:
            found.append((option, match.span()))
    return found
