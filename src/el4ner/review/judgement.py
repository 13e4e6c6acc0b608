"""What a person said of a text, and how a line of a file says it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from el4ner.data import Document, Span

Kind = Literal["accept", "reject", "skip"]
KINDS: Mapping[str, Kind] = {"accept": "accept", "reject": "reject", "skip": "skip"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One decision. `number` counts them from 1, undone ones too; `key` is the request's own: none counts twice.

    `ref` is the text's (see `ref_of`); `entities` what was accepted; `suggested` what the ensemble had found, None
    where it had not read the text yet; `seconds` how long the text was looked at.
    """

    number: int
    key: str
    kind: Kind
    ref: str
    entities: tuple[Span, ...] = ()
    suggested: tuple[Span, ...] | None = None
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """What a line says of it, apart from the text and what was accepted."""
        suggested = None if self.suggested is None else rows(self.suggested)
        told = {"n": self.number, "key": self.key, "decision": self.kind, "ref": self.ref, "seconds": self.seconds}
        return told | ({"suggested": suggested} if self.kind == "accept" else {})

    @classmethod
    def from_record(cls, record: Mapping[str, Any], entities: Iterable[Span] = ()) -> Judgement | None:
        """The judgement of a line, whose text has these entities; None where the line tells none."""
        number, key, ref, seconds = (record.get(name) for name in ("n", "key", "ref", "seconds"))
        kind, said = KINDS.get(str(record.get("decision"))), record.get("suggested")
        if not (isinstance(number, int) and number > 0 and isinstance(key, str) and isinstance(ref, str) and kind):
            return None
        held = float(seconds) if isinstance(seconds, int | float) else 0.0
        return cls(number, key, kind, ref, tuple(entities), None if said is None else spans(said), held)


def ref_of(text: str) -> str:
    """What names a text: 16 digits of the SHA-256 of what it says, so that it outlives files and ids."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def rows(entities: Iterable[Span]) -> list[list[object]]:
    """Entities as a line holds them: start, end and label."""
    return [[span.start, span.end, span.label] for span in entities]


def spans(said: object) -> tuple[Span, ...]:
    """The entities that such rows say; rows that say none are left out."""
    found = said if isinstance(said, list) else []
    return tuple(
        Span(row[0], row[1], row[2])
        for row in found
        if isinstance(row, list) and [type(value) for value in row[:3]] == [int, int, str]
    )


def review_texts(documents: Iterable[Document]) -> dict[str, Document]:
    """The texts to look at, by their `ref`, in order: each once, and none that is blank."""
    found: dict[str, Document] = {}
    for document in documents:
        if document.text.strip():
            found.setdefault(ref_of(document.text), document)
    return found
