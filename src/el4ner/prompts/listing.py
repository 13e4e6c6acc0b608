"""Reading listings. Nothing here raises: what cannot be read is said to be unreadable.

A listing is `a (person); b (location)`, or `a; b` where no types are asked, or `none`; from servers that were held to a
JSON schema it is `{"entities": [...]}`. Names may themselves hold separators and brackets, so that pieces are put
together again until they end in a known type. What chat models write besides is read by `layouts` and `json_reply`,
where this way of writing finds no type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from el4ner.models.base import Outcome, Reply
from el4ner.prompts.item import Item, probability_of
from el4ner.prompts.json_reply import json_items
from el4ner.prompts.layouts import other_layouts
from el4ner.prompts.spoken import spoken
from el4ner.prompts.type_names import type_names
from el4ner.text.ground import ground

_SEPARATORS = re.compile(r"[;\n,、]|\\n")  # a comma behind a known type only
_BULLET = re.compile(r"\s*(?:[-*•·–—](?:\s+|$))*")
_CONFIDENCE = r",\s*[01]\.\d+"  # models that read a tagger's hints write its confidence, too
_WIDE = str.maketrans("（）；，［］：", "();,[]:")  # as long as before, so that places stay
_REMARK = re.compile(
    r"\n\s{0,8}[*_#]*(?:explanations?|notes?|reasoning|rationale|justification|解释|说明)[*_]*\s*[:：]", re.IGNORECASE
)
_NO = r"(?:no|none|any|keine[rns]?|aucune?|nessun\w*|ningun\w*|zero|0)"
_NOTHING = re.compile(
    rf"(?:[^\n:：=]{{0,80}}[:：=]\s*)?(?:none|n/?a|nothing|null|nil|empty|keine|nada|rien|无|無|[沒没]有\w{{0,6}}"
    rf"|[^.。\n]{{0,80}}\b{_NO}\b[^.。\n]{{0,120}}\b(?:entit|mention|span|named?\b|type|found|present)[^\n]{{0,80}})"
    r"(?:\s+(?:of (?:these|the above|them)|found|present|mentioned)[^\n]{0,80})?",
    re.IGNORECASE,
)
_BLANK = re.compile(r"[\s()\[\]{}\-–—.∅/\"']+")
_MARKS = " \t\r*_`#\"'.。()[]-•"
_NEAR = 100  # characters between a name and its type
_FEW = 40  # lines that say "none", one a type


def read_listing(reply: Reply, labels: Collection[str], shown: str = "") -> list[Item]:
    """The entries of a listing, in order. An item that the token limit broke off is left out.

    With the text that it is about (`shown`), other layouts are read as well: that in which more is found there.

    Repeats are left out, but not those of a string that is listed with several types: their order tells which is where.
    With `labels`, an entry without a bracketed type has `label` None, and a type that is not among them is kept as
    it was written: the caller reports it. Without `labels`, no types are read.
    """
    place = spoken(reply.text)
    if place is None:
        return []
    start, end = place
    text = reply.text[start:end]
    structured = json_items(text, labels) if "{" in text or "[" in text else None
    if structured is not None and (
        not labels or text.lstrip().startswith(("{", "[")) or any(i.label for i in structured)
    ):
        return _distinct([_told(item if labels else replace(item, label=None), shown) for item in structured])
    if said := _REMARK.search(text):
        text = text[: said.start()]
    items = _canonical(reply, start, start + len(text), labels)
    if not (labels and shown):
        return _distinct(items)
    items = [item for item in items if not _strewn(item, labels) or ground(shown, item.text)]
    better = _better(items, text, labels, shown)
    return _distinct(items if better is items else list(_weighed(better, reply, start)))


def _strewn(item: Item, labels: Collection[str]) -> bool:
    """Whether types stand in a name: it is the text again, with types strewn in."""
    return "(" in item.text and any(f"({label})" in item.text for label in labels)


def _weighed(items: Sequence[Item], reply: Reply, start: int) -> Iterator[Item]:
    """Entries of another layout with the probability of their strings, and of the types next to them."""
    at = start
    for item in items:
        found = reply.text.find(item.text, at)
        if not reply.tokens or found < 0:
            yield item
            continue
        at, end, kind = found, found + len(item.text), item.label or ""
        behind = reply.text.find(kind, end, end + _NEAR)
        kind_at = behind if behind >= 0 else reply.text.rfind(kind, max(0, at - _NEAR), at)
        of_kind = probability_of(reply.tokens, kind_at, kind_at + len(kind)) if kind_at >= 0 else None
        yield replace(item, probability=probability_of(reply.tokens, at, end), label_probability=of_kind)


def _better(items: Sequence[Item], text: str, labels: Collection[str], shown: str) -> Sequence[Item]:
    """The entries, or those of another layout, if that has more of a known type that stand in the text."""

    def right(items: Sequence[Item]) -> int:  # of strings that are joined to one entry, the last has the type
        return sum(item.label in labels and bool(ground(shown, item.text.rsplit(";")[-1])) for item in items)

    typed, placed = sum(item.label in labels for item in items), right(items)
    if typed == placed and len(type_names(labels).pattern.findall(text)) <= typed:
        return items
    other = other_layouts(text, labels, shown)
    return other if other and (not typed or right(other) > placed) else items


def says_nothing(text: str) -> bool:
    """Whether an answer says, in whatever words, that there is no entity."""
    place = spoken(text)
    said = "" if place is None else text[place[0] : place[1]]
    lines = [line for line in said[: _FEW * 200].split("\n") if line.strip()]
    none = 0 < len(lines) <= _FEW and all(_NOTHING.fullmatch(line.strip(_MARKS)) for line in lines)
    return none or bool(said and _BLANK.fullmatch(said[:200])) or json_items(said, ()) == []


def _canonical(reply: Reply, start: int, end: int, labels: Collection[str]) -> list[Item]:
    plain = reply.text[start:end].translate(_WIDE)
    pieces = _pieces(plain, labels)
    if reply.outcome is Outcome.CUT and pieces:
        pieces.pop()
    return [_item(reply, plain, start, piece, labels) for piece in pieces]


def _told(item: Item, shown: str) -> Item:
    """An entry with its string, where offsets alone were given for it."""
    if item.at is None or item.text:
        return item
    start, end = item.at
    there = 0 <= start < end <= len(shown)
    return replace(item, text=shown[start:end]) if there else replace(item, text=f"{start} to {end}", at=None)


def _distinct(items: Sequence[Item]) -> list[Item]:
    """The first mention of each; all mentions of a string that has several types."""
    types: dict[str, set[str | None]] = {}
    for item in items:
        types.setdefault(item.text, set()).add(item.label)
    seen: set[tuple[object, ...]] = set()
    kept = []
    for item in items:
        key = item.text, item.label, item.at
        if not item.empty and (key not in seen or len(types[item.text]) > 1):
            kept.append(item)
        seen.add(key)
    return kept


def _pieces(text: str, labels: Collection[str]) -> list[tuple[int, int]]:
    """Places of the entries: split at separators and, within a line, joined again up to the next known type."""
    names = "|".join(re.escape(label) for label in labels)
    ending = re.compile(rf"\((?:{names})(?:{_CONFIDENCE})?\)[.。]?$", re.IGNORECASE) if labels else None
    pieces: list[tuple[int, int]] = []
    waiting: list[tuple[int, int]] = []  # entries that have no type yet
    start, reach = 0, max(map(len, labels), default=0) + 100  # so much of an entry's end is looked at
    for separator in _SEPARATORS.finditer(text + "\n"):
        piece = text[max(start, separator.start() - reach) : separator.start()].rstrip()
        typed = ending is not None and ending.search(piece) is not None
        if separator[0] in ",、" and not typed:
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


def _item(reply: Reply, plain: str, offset: int, place: tuple[int, int], labels: Collection[str]) -> Item:
    """The entry at a place of `plain`, which is the reply from `offset` on, in narrow brackets."""
    start, end = place
    piece = plain[start:end].rstrip()
    bullet = _BULLET.match(piece)
    lead = bullet.end() if bullet else 0
    start, piece = start + lead, piece[lead:]
    if any(piece.endswith((f"({label}).", f"({label})。")) for label in labels):
        piece = piece[:-1]
    label = next((label for label in labels if piece.endswith(f"({label})")), None)
    if label is None and labels and "(" in piece[1:] and piece.endswith(")"):
        opened = piece.rfind("(")
        if piece[opened - 1] == " " or _known(piece[opened + 1 : -1], labels) in labels:
            label = piece[opened + 1 : -1]
    at = offset + start
    if label is None:
        shown = reply.text[at : at + len(piece)]
        return Item(shown, None, probability_of(reply.tokens, at, at + len(piece)))
    length = len(piece[: -len(label) - 2].rstrip())
    label_at = at + len(piece) - len(label) - 1
    return Item(
        reply.text[at : at + length],
        _known(label, labels),
        probability_of(reply.tokens, at, at + length),
        probability_of(reply.tokens, label_at, label_at + len(label)),
    )


def _known(label: str, labels: Collection[str]) -> str:
    """The type that was meant: in other case, or with a confidence behind it; else what is written there."""
    bare = label if label in labels else re.sub(f"{_CONFIDENCE}$", "", label)
    alike = [known for known in labels if known.casefold() == bare.casefold()]
    return bare if bare in labels else alike[0] if len(alike) == 1 else label
