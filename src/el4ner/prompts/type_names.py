"""The types as models write them: in other case, in the plural, with blanks for underscores."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

_EDGES = " \t\n\"'“”‘’«»「」『』`*_.。,，;:："
_WORDS = r"is|are|was|as|be|an?|the|type|to|es|est|ist|una?|une|uno|eine?|el|la|le|der|die|das"
_BEFORE = re.compile(rf"(?:[^\w\s]|_|(?:^|\W)(?:{_WORDS})|[是为])\s*$|\t\s*$|\s{{2}}$", re.IGNORECASE)
_OPENED = re.compile(r"[\[({<]$")
_DENIED = re.compile(
    r"(?:\b(?:not|no|isn['’]t|nor|neither|instead of|rather than)\b|不是)[^,;.:]{0,12}$", re.IGNORECASE
)
_NEAR = 24  # characters before a type that are looked at


@dataclass(frozen=True, slots=True)
class TypeNames:
    """Known types by what they are called, casefolded; no word for two of them."""

    names: Mapping[str, str]
    pattern: re.Pattern[str]

    def get(self, said: str) -> str | None:
        """The type that a string is, apart from marks around it; None if it is none."""
        return self.names.get(said.strip(_EDGES).casefold())

    def in_places(self, line: str) -> Iterator[tuple[int, int, str]]:
        """Where types stand as types: at an end of the line, next to a mark, or behind "is a"; and not denied."""
        for match in self.pattern.finditer(line):
            start, end = match.span()
            before, behind = line[max(0, start - _NEAR) : start], line[end : end + _NEAR].lstrip()
            led = _BEFORE.search(before) if before.strip() else start <= _NEAR
            ends = not behind or not behind[0].isalnum() or _OPENED.search(before)
            if led and ends and not _DENIED.search(before):
                yield start, end, self.names[match[0].casefold()]


def type_names(labels: Collection[str]) -> TypeNames:
    """What these types are called; as they are known comes first. Made once, for all replies about them."""
    return _made(frozenset(labels))


@lru_cache(maxsize=64)
def _made(labels: frozenset[str]) -> TypeNames:
    names = {label.casefold(): label for label in sorted(labels)}
    said: dict[str, set[str]] = {}
    for label in labels:
        for other in _called(label.casefold()):
            said.setdefault(other, set()).add(label)
    names |= {other: owners.pop() for other, owners in said.items() if len(owners) == 1 and other not in names}
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)"
    return TypeNames(names, re.compile(rf"(?:(?<![^\W_])|(?<=[是为]))(?:{either})(?![^\W_])", re.IGNORECASE))


def _called(name: str) -> Iterator[str]:
    for one in dict.fromkeys((name, name.replace("_", " "), name.replace("_", "-"))):
        yield one
        yield f"{one}s"
        if one.endswith("y"):
            yield f"{one[:-1]}ies"
        if one.endswith("person"):
            yield f"{one[:-6]}people"
