"""How chat models lay entities out, if not as they were asked: sentences, tables, headings, tags, fields, outlines.

All are read in one way: by the known types that stand in their places, and by the strings next to them that stand in
the text. What is around them (brackets, dashes, links, keys, reasons) need not be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from el4ner.prompts.item import Item
from el4ner.prompts.type_names import TypeNames, type_names
from el4ner.text.ground import ground

_LONGEST = 100_000  # characters of a reply that are looked through, and
_MOST = 2_000  # strings that are looked for: what is longer is no list of a passage's entities
_LONGEST_NAME = 300
_PROSE = 5  # words: so long a string that is the whole text is its echo
_LIST = r"[;；,，、]|\s(?:and|und|et|y|&)\s|\s?[和及]\s?"
_PART = re.compile(rf"((?:\s*(?:{_LIST}|[|\t()\[\]{{}}<>（）［］【】「」『』=:：→⇒#\"“”«»]|\s[-–—~/]+\s|[-=]+>))+\s*)")
_JOINS = re.compile(_LIST)
_OPENS = re.compile(r"[\[{<\"“«【［(（「『]")
_LEAD = re.compile(r"[\s>+*•·#_`~|–—-]*(?:\(?\d{1,3}[.):、）]\s{0,8})?")
_EDGES = " \t\"'‘’“”«»「」『』`*_.。!~|/\\–—•-"
_KEY = re.compile(
    r"/?(?:entity|entities|names?|text|span|mention|type|label|category|class|item|value)"
    r"(?:[ _](?:type|name|text|\d+))?"
    r"|(?:this|it|that) is(?: an?| the)?|(?:refers? |tagged |labell?ed |classified )?(?:is|are|as|to)(?: an?| the)?"
    r"|an?|the|es una?|\d+[-–:]\d+|first|second|third|then|next|also|finally|and|li|td|tr|table|tbody|\d{1,3}",
    re.IGNORECASE,
)
_ADDED = re.compile(r"['’]s?$|^(?:and|also|then|first|next|finally)\s|\s(?:is|as)(?: an?| the)?$", re.IGNORECASE)
_TAG = re.compile(
    r"<(?P<tag>\w+)(?:[^<>\"']{0,40}[\"'](?P<type>[^<>\"']{1,80})[\"'][^<>]{0,80})?>"
    r"(?P<name>[^<>]{1,300})</(?P=tag)>"
)
_TAGGED = re.compile(r"(?P<token>\S+)[\s|:]+(?:(?P<part>[BIESLU])-(?P<label>\S+)|O)", re.IGNORECASE)
_TOKENS = 0.8  # share of the lines that are a token and its tag, where a reply is a list of these
_VERB = re.compile(r"\s(?:is|are|was|were|refers|denotes|names|means|as|tagged|labell?ed|classified)\b.{0,40}$|[是为]$")
_SIGNS = re.compile(r"^[^\w$€£¥₹%°§@+−-]+|[^\w$€£¥₹%°+)]+$")
_BOLD = re.compile(r"(\*\*|__|`)([^*_`\n]{1,300})\1")
_MARKUP = re.compile(
    r"\*\*|__|`|^\s{0,8}#{1,6}\s|\\(?:textbf|textit|emph|text)(?=\{)|\\item\b|</?(?:li|ul|ol|b|i|em|strong|p|td|tr|br)\s{0,8}/?>",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class _Word:
    """A part of a line: a string that stands in the text (`name`), one that does not (`other`), or a type.

    `joined`: whether what stands before it goes on with a list; `opened`: whether a bracket or quote opens before it;
    `parted`: whether a semicolon stands there.
    """

    kind: str
    text: str
    joined: bool = False
    opened: bool = False
    parted: bool = False


def other_layouts(text: str, labels: Collection[str], shown: str) -> list[Item]:
    """The typed entries of a reply about the text `shown`, in whatever layout; none where nothing is plain.

    A name belongs to the type on its line: that behind it, or where the line begins with a type, that before it. A type
    on a line of its own belongs to the names above where names come first, else to the names below. A name that stands
    nowhere in the text is kept where only it can be meant, so that it is told.
    """
    if len(text) > _LONGEST:
        return []
    types, known = type_names(labels), _looking(shown)
    plain = _MARKUP.sub(" ", _BOLD.sub(r"“\2”", text.replace("\\n", "\n")))
    if tokens := list(_tokens(plain, types)):
        return tokens
    if tagged := list(_tags(plain, types)):
        return tagged
    try:
        lines = [line for one in plain.split("\n") if (line := list(_words(one, types, known)))]
    except OverflowError:
        return []
    if len(lines) == 1 and _echoes(lines[0], shown):
        return []
    return list(_paired(lines))


def _looking(shown: str) -> Callable[[str], bool]:
    """Whether a string stands in the text and can be a name. Raises `OverflowError` once too many were asked about."""
    tried: dict[str, bool] = {}
    echo = shown.strip() if len(shown.split()) > _PROSE else ""

    def stands(name: str) -> bool:
        if name not in tried:
            if len(tried) >= _MOST:
                raise OverflowError
            tried[name] = 0 < len(name) <= _LONGEST_NAME and name.strip(_EDGES) != echo.strip(_EDGES or None)
            tried[name] = tried[name] and bool(ground(shown, name))
        return tried[name]

    return stands


def _tags(text: str, types: TypeNames) -> Iterator[Item]:
    """`<person>Anna Berg</person> lives in <entity type="location">Oslo</entity>`."""
    for match in _TAG.finditer(text):
        if label := types.get(match["type"] or match["tag"]):
            yield Item(match["name"].strip(), label)


def _tokens(text: str, types: TypeNames) -> Iterator[Item]:
    """A token a line with its tag: `Anna B-person`, `Berg I-person`, `of O`."""
    rows = [match for line in text.split("\n") if (match := _TAGGED.fullmatch(line.strip()))]
    if not any(row["label"] for row in rows) or len(rows) < _TOKENS * text.strip().count("\n"):
        return
    name, label = list[str](), ""
    for row in (*rows, None):
        if name and (row is None or row["part"] is None or row["part"] in "BSbs"):
            if kind := types.get(label):
                yield Item(" ".join(name), kind)
            name = []
        if row is not None and row["label"]:
            name, label = [*name, row["token"]], row["label"]


def _words(line: str, types: TypeNames, known: Callable[[str], bool]) -> Iterator[_Word]:
    at = 0
    for start, end, label in types.in_places(line):
        yield from _parts(line[at:start], known)
        yield _Word("type", label)
        at = end
    yield from _parts(line[at:], known)


def _parts(text: str, known: Callable[[str], bool]) -> Iterator[_Word]:
    """What stands between two types: as a whole, where that is in the text, else in parts."""
    lead = text[: len(text) - len(text.lstrip(_EDGES + "()[]{}<>:,;=#"))]
    if name := _name(text.strip(_EDGES + "()[]{}<>:,;=#（）［］【】「」『』：，；"), known):
        yield _Word("name", name, bool(_JOINS.search(lead)), bool(_OPENS.search(lead)))
        return
    between, *rest = "", *_PART.split(text)
    for part in rest:
        if _PART.fullmatch(part):
            between = part
            continue
        bare = (part[match.end() :] if (match := _LEAD.match(part)) else part).strip(_EDGES)
        if bare and not _KEY.fullmatch(bare):
            name, joined, opened = _name(bare, known), _JOINS.search(between), _OPENS.search(between)
            yield _Word("name" if name else "other", name or bare, bool(joined), bool(opened), ";" in between)


def _name(said: str, known: Callable[[str], bool]) -> str:
    """The name that a string is, in the end without a word that leads in, or a genitive's end; "" if it is none."""
    for name in (said, _LEAD.sub("", said, count=1), _ADDED.sub("", said), _SIGNS.sub("", said), _VERB.sub("", said)):
        if known(name.strip()) and any(map(str.isalnum, name)):
            return name.strip()
    return ""


def _echoes(line: Sequence[_Word], shown: str) -> bool:
    """Whether a line is the text again with types strewn in, and does not tell where the names begin."""
    said = "".join(c for word in line if word.kind != "type" for c in word.text if c.isalnum())
    names = [word for word, then in pairwise(line) if then.kind == "type"]
    return said == "".join(filter(str.isalnum, shown)) and not all(word.opened for word in names)


def _paired(lines: Sequence[Sequence[_Word]]) -> Iterator[Item]:
    alone = [line for line in lines if len({word.kind == "type" for word in line}) == 1]
    names_first = any(True for _ in alone) and _heads(alone) == "name"
    heading, waiting = "", list[str]()
    for line in lines:
        kinds = {word.kind for word in line}
        if kinds == {"type"}:
            if names_first:
                yield from (Item(name, line[0].text) for name in waiting)
            heading, waiting = line[0].text if len(line) == 1 and not names_first else "", []
        elif "type" in kinds:
            yield from _of_line(line)
            heading, waiting = "", []
        elif heading and not names_first:
            yield from (Item(name, heading) for name in _run(line) or _only(line))
        elif run := _run(line):
            waiting = run


def _heads(alone: Sequence[Sequence[_Word]]) -> str:
    """What comes first where names and types stand on lines of their own."""
    return next((line[0].kind for line in alone if {w.kind for w in line} & {"type", "name"}), "")


def _of_line(line: Sequence[_Word]) -> Iterator[Item]:
    named_at_all = any(word.kind == "name" for word in line)
    first = next(word.kind for word in line if word.kind != "other" or not named_at_all)
    groups: list[list[_Word]] = [[]]
    for word in line:
        if word.kind == "type":
            groups.append([])
        else:
            groups[-1].append(word)
    types = [word.text for word in line if word.kind == "type"]
    if first == "type":
        named = [_run(group) or _only(group) for group in groups[1:]]
    else:
        own = [_last_entry(group) for group in groups[:-1]]
        named = [_run(group[::-1], True) or _only(group) for group in own]
    for label, names in zip(types, named, strict=True):
        yield from (Item(name, label) for name in names)


def _last_entry(words: Sequence[_Word]) -> Sequence[_Word]:
    """Without the entries before the last, where that is nothing of the text: a semicolon parts them."""
    last = next((n for n, word in enumerate(words) if word.kind == "other" and word.parted), 0)
    return words[last:]


def _run(words: Sequence[_Word], backward: bool = False) -> list[str]:
    """The nearest name, and those that a list joins to it."""
    names = [word for word in words if word.kind == "name"]
    run = names[:1]
    for word in names[1:]:
        if not (run[-1].joined if backward else word.joined):
            break
        run.append(word)
    found = [word.text for word in run]
    return found[::-1] if backward else found


def _only(words: Sequence[_Word]) -> list[str]:
    """The one string there, which is not in the text: what else could be meant?"""
    return [words[0].text] if len(words) == 1 and len(words[0].text.split()) <= _PROSE else []
