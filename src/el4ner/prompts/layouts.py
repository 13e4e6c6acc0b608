"""How chat models lay entities out, if not as they were asked: a line, a table row, a heading or a tag an entity.

Each is read only where a known type stands in its place, so that words around the list count for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from el4ner.prompts.item import Item

_MARKUP = re.compile(r"\*\*|__|`|^#+\s*", re.MULTILINE)
_LEAD = re.compile(r"^\s*(?:(?:[-*•·–—>+]+|\(?\d{1,3}[.):、）])\s*)*")
_QUOTES = " \t\"'“”‘’«»「」『』`*_"
_LINKS = r":|：|→|⇒|->|=>|=|\||\t|\s[-–—~]\s|\s+is (?:an? |the name of an? )?|(?:是|为)"
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("【", "】"), ("（", "）"), ("［", "］"), ("/", "/"))
_FIELDS = re.compile(
    r"(?:text|entity|name|span|mention)[\"']?\s*[:=：]\s*([^\n]{1,200}?)[,;|]?\s+"
    r"[\"']?(?:entity )?(?:type|label|category)[\"']?\s*[:=：]\s*([^\n,;|]{1,100})",
    re.IGNORECASE,
)
_LONGEST = 300  # characters of an entry: what is longer is prose
_PART = re.compile(r"[;；\n]")


@dataclass(frozen=True, slots=True)
class _Types:
    """The known types, and how they are found."""

    known: dict[str, str]  # casefolded: as they are known
    pattern: str
    patterns: tuple[re.Pattern[str], ...]  # of an entry: with a link, in a pair, with the type before it

    @classmethod
    def of(cls, labels: Collection[str]) -> _Types:
        known = {label.casefold(): label for label in labels}
        names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
        quote = "[\"'“”`]?"
        patterns = (
            rf"(?P<name>.+?){quote}\s*(?:{_LINKS})\s*{quote}(?P<type>{names}){quote}$",
            rf"[\[(]?(?P<name>.+?)[,，]\s*{quote}(?P<type>{names}){quote}[\])]?$",
            rf"[\[(<【（](?P<type>{names})[\])>】）]\s*:?\s*(?P<name>.+)$",
        )
        return cls(known, names, tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns))

    def get(self, said: str) -> str | None:
        bare = said.strip(_QUOTES + ".。,，;").casefold()
        return self.known.get(bare) or self.known.get(bare.removesuffix("s"))


def other_layouts(text: str, labels: Collection[str]) -> list[Item]:
    """The typed entries of a listing that is laid out in some other usual way; none where nothing is plain."""
    types = _Types.of(labels)
    plain = _MARKUP.sub("", text)
    return list(_tags(plain, types)) or list(_fields(plain, types)) or list(_lines(plain, types))


def _tags(text: str, types: _Types) -> Iterator[Item]:
    """`<person>Anna Berg</person> lives in <location>Oslo</location>`."""
    for match in re.finditer(rf"<({types.pattern})>([^<>]+)</\1>", text, re.IGNORECASE):
        yield Item(match[2].strip(), types.get(match[1]))


def _fields(text: str, types: _Types) -> Iterator[Item]:
    """`Text: Anna Berg, Type: person`, on one line or on two."""
    for match in _FIELDS.finditer(text):
        label = types.get(match[2])
        if label is not None and (item := _named(match[1].strip(), label)):
            yield item


def _lines(text: str, types: _Types) -> Iterator[Item]:
    heading: str | None = None  # the type of the lines below
    for line in text.split("\n"):
        bare = line[m.end() :].strip() if (m := _LEAD.match(line)) else line.strip()
        if not bare:
            continue
        if (alone := types.get(bare.rstrip(":："))) is not None:
            heading = alone
            continue
        if found := _row(bare, types) or _parts(bare, types):
            heading = None
            yield from found
        elif heading is not None:
            yield from _names(bare, heading)


def _row(line: str, types: _Types) -> list[Item]:
    """A row of a table: the first cell that is no type is the name."""
    if "|" not in line and "\t" not in line:
        return []
    cells = [cell.strip() for cell in re.split(r"[|\t]", line) if cell.strip()]
    label = next((known for cell in cells[::-1] if (known := types.get(cell))), None)
    name = next((cell for cell in cells if types.get(cell) is None and not cell.isdecimal()), None)
    return [Item(name.strip(_QUOTES), label)] if label and name and len(cells) > 1 else []


def _parts(line: str, types: _Types) -> list[Item]:
    """The entries of a line: each has its type behind it, or the line begins with the type of all of them."""
    if (grouped := re.match(rf"({types.pattern})s?\s*[:：]\s*(.+)$", line, re.IGNORECASE)) and _one(
        line, types
    ) is None:
        return list(_names(grouped[2], types.get(grouped[1])))
    if found := _by_comma(line, types):
        return found
    parts = [part for part in _PART.split(line) if part.strip()]
    found = [item for part in parts if (item := _one(part, types))]
    if len(found) == len(parts):
        return found
    return found


def _by_comma(line: str, types: _Types) -> list[Item]:
    """`X: person, Y: location`: a comma ends an entry where a type stands before it."""
    pieces = re.split(r"(?<=\w)[\"')\]]?\s*[,，、]\s*", line)
    found = [item for piece in pieces if (item := _one(piece, types))]
    return found if len(found) == len(pieces) > 1 else []


def _one(part: str, types: _Types) -> Item | None:
    """`X (person)` in any brackets, `X: person` with any link, `(X, person)`."""
    part = part.strip(" \t.。,，")
    if len(part) > _LONGEST:
        return None
    for opening, closing in _PAIRS:
        at = part.rfind(opening, 0, len(part) - 1) if part.endswith(closing) else -1
        if at > 0 and (label := types.get(part[at + 1 : -1])):
            return _named(part[:at].rstrip(" :：-–—"), label)
    for pattern in types.patterns:
        match = pattern.match(part.strip(_QUOTES))
        if match and (label := types.get(match["type"])):
            return _named(match["name"], label)
    return None


def _names(line: str, label: str | None) -> Iterator[Item]:
    for name in re.split(r"[;；]|,\s|，|、", line):
        if item := _named(name.strip(" \t.。"), label):
            yield item


def _named(name: str, label: str | None) -> Item | None:
    item = Item(name.strip(_QUOTES), label)
    return None if item.empty else item
