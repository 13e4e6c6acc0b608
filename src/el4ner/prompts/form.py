"""The forms in which entities are written, in demonstrations and in answers alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum

from el4ner.data import EMPTY, SEPARATOR, Example
from el4ner.models.base import Outcome, Reply
from el4ner.prompts.item import Item
from el4ner.prompts.listing import read_listing, says_nothing
from el4ner.prompts.marked import markable, marked, read_marks
from el4ner.prompts.reasons import read_reasons, reasons
from el4ner.prompts.spoken import spoken
from el4ner.text.ground import ground
from el4ner.text.passage import show
from el4ner.text.printable import one_line

_PROSE = 5  # words: what is no longer may be an entity and the whole text


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
        items = read_listing(reply, labels, shown) if self is Form.LIST else _names(reply, shown, labels)
        return [item for item in items if not _echo(item, shown)] if len(items) > 1 else items

    def amiss(self, reply: Reply, shown: str, labels: Collection[str], chat: bool) -> str:
        """Why a reply about the text `shown` is no answer, in a few words; "" if it is one.

        An answer names something that stands in the text, or a known type, or says that there is nothing. In plain
        continuation (not `chat`) silence says so, too. What the token limit broke off is read as far as it goes.
        """
        if reply.outcome is Outcome.FAILED:
            return ""
        place = spoken(reply.text)
        if place is None:
            return "the reply ends within its reasoning, before an answer"
        said = reply.text[place[0] : place[1]].strip()
        if not said:
            return "the reply is empty" if chat else ""
        if reply.outcome is Outcome.CUT or self is Form.MARKS or says_nothing(reply.text):
            return ""
        typed = read_listing(reply, labels, shown) if self is Form.NAMES else []
        for item in (*self.read(reply, shown, labels), *typed):
            if item.label in labels or item.at is not None or ground(shown, item.text):
                return ""
        return f"unreadable: {one_line(said, 60)!r}"


def _names(reply: Reply, shown: str, labels: Collection[str]) -> list[Item]:
    """The entries of a list that was asked for without types; chat models write them all the same."""
    items = read_listing(reply, ())
    if any(ground(shown, item.text) for item in items):
        return items
    typed = [replace(item, label=None) for item in read_listing(reply, labels, shown) if item.label in labels]
    return typed or items


def _echo(item: Item, shown: str) -> bool:
    """Whether an entry is the whole text again, above or before the list."""
    return len(item.text.split()) > _PROSE and item.text.split(": ", 1)[-1].strip() == shown.strip()
