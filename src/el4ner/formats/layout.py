"""What a reader is told about a file that it cannot see for sure: which columns hold what, how tags are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from el4ner.errors import ConfigError

_ROLES = ("text", "id", "token", "tag")
_NEXT = re.compile(rf",(?=(?:{'|'.join(_ROLES)})=)")
_FORM = 'give a column, or what it holds and the column, as in "text=body", "token=2,tag=4"'


class Scheme(StrEnum):
    """How tags are written: with a prefix that says where an entity begins, or as the bare type (inside, outside)."""

    PREFIXED = "prefixed"
    IO = "io"


@dataclass(frozen=True, slots=True)
class FileLayout:
    """Columns by name or number (from 1), and how tags are written; what is not given is found by its looks.

    `text` and `id` are columns of a table or keys of JSON, `token` and `tag` columns of CoNLL. Several columns of tags
    are layers, whose entities may nest.
    """

    text: str | None = None
    id: str | None = None
    token: int | None = None
    tag: tuple[int, ...] = ()
    scheme: Scheme = Scheme.PREFIXED

    @classmethod
    def of(cls, columns: Sequence[str] = (), scheme: Scheme = Scheme.PREFIXED) -> FileLayout:
        """From words such as "body", "text=body" and "token=2,tag=4". Raises `ConfigError`."""
        found: dict[str, list[str]] = {}
        for part in (part for given in columns for part in _NEXT.split(given)):
            role, equals, column = part.partition("=")
            if not equals or role not in _ROLES:
                role, column = "text", part
            if not column.strip():
                raise ConfigError(f"column {part[:60]!r}: it names none; {_FORM}")
            if role in found and role != "tag":
                raise ConfigError(f"column {part[:60]!r}: the {role} has one column; {_FORM}")
            found.setdefault(role, []).append(column)
        tokens, tags = _numbers(found, "token"), _numbers(found, "tag")
        text, id_ = found.get("text", [None])[0], found.get("id", [None])[0]
        return cls(text, id_, tokens[0] if tokens else None, tags, scheme)

    @property
    def tells_texts(self) -> bool:
        """Whether it names columns of texts."""
        return self.text is not None or self.id is not None

    @property
    def tells_tags(self) -> bool:
        """Whether it is about tokens and tags."""
        return self.token is not None or bool(self.tag) or self.scheme != Scheme.PREFIXED

    def only(self, format: str, *known: str) -> None:
        """Raises `ConfigError` for anything that is given and that the format does not know."""
        for field in fields(self):
            if field.name not in known and getattr(self, field.name) != field.default:
                what = "tags" if field.name == "scheme" else f"column of the kind {field.name!r}"
                known_columns = [name for name in known if name != "scheme"]
                advice = f"name a column as {' or '.join(known_columns)}" if known_columns else "leave it out"
                raise ConfigError(f"{format} files have no {what}; {advice}, or name the --format")


def _numbers(found: dict[str, list[str]], role: str) -> tuple[int, ...]:
    for column in found.get(role, ()):
        if not re.fullmatch("[1-9][0-9]{0,3}", column):
            raise ConfigError(f"column {role}={column[:40]}: no number of a column; they count from 1")
    return tuple(int(column) for column in found.get(role, ()))
