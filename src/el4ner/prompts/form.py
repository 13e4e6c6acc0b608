"""The forms in which entities are written, in demonstrations and in answers alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from el4ner.data import EMPTY, SEPARATOR, Example
from el4ner.models.base import Reply
from el4ner.prompts.marked import markable, marked, read_marks
from el4ner.prompts.reasons import read_reasons, reasons
from el4ner.prompts.replies import Item, read_listing
from el4ner.text.passage import show


class Form(StrEnum):
    """How entities are written."""

    LIST = "list"  # Anna Berg (person); Berlin (location)
    NAMES = "names"  # Anna Berg; Berlin
    MARKS = "marks"  # @@Anna Berg## lives in @@Berlin## .
    REASONS = "reasons"  # - Anna Berg | true | names of people (person)

    def line(self, shown: str) -> str:
        """A text's line as it is shown beside this form; as long as before."""
        return markable(shown) if self is Form.MARKS else shown

    def limit(self, tokens: int) -> int:
        """The most tokens that an answer about a text of so many may take."""
        return 64 + 3 * tokens if self is Form.REASONS else 16 + 2 * tokens

    def write(self, example: Example, descriptions: Mapping[str, str]) -> str:
        """An example's entities, in order of place, outer before inner. `descriptions` is what the types mean."""
        if self is Form.MARKS:
            return marked(example)
        if self is Form.REASONS:
            return reasons(example, descriptions) or EMPTY
        ordered = sorted(example.entities, key=lambda e: (e.start, -e.end))
        items = [show(example.text[e.start : e.end]) for e in ordered]
        if self is Form.LIST:
            items = [f"{item} ({e.label})" for item, e in zip(items, ordered, strict=True)]
        return SEPARATOR.join(items) or EMPTY

    def read(self, reply: Reply, shown: str, labels: Collection[str]) -> list[Item]:
        """What a reply says to be entities of the text `shown`. Never raises: what cannot be read is left out."""
        if self is Form.MARKS:
            return read_marks(reply, shown)
        if self is Form.REASONS:
            return read_reasons(reply, labels)
        return read_listing(reply, labels if self is Form.LIST else ())
