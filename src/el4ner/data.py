"""The nouns of the method, as frozen dataclasses.

Offsets are half-open character offsets into the text as it was given: `text[start:end]` is the mention, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SEPARATOR = "; "  # between the entries of a list of entities, in prompts and replies
EMPTY = "none"  # in place of a list without entries, and of a type: none of these


@dataclass(frozen=True, slots=True)
class Label:
    """A type of entity: its name, as it stands in the data, and what it means in a few words."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text, `text[start:end]`; `label` is its type where one is known."""

    start: int
    end: int
    label: str | None = None

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def within(self, other: Span) -> bool:
        """Whether this span lies inside the other (or is the same stretch)."""
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text: one row of a pool. `entities` may nest; a text without entities is an example too."""

    id: str
    text: str
    entities: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A text to annotate and the id under which its annotation is given back."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """One member's word, in stage 2, that a span is an entity.

    `label` is the type that the member wrote next to it, if its prompt style lists types. `probability` is the product
    of its token probabilities for the span, `label_probability` that for the type; None where the engine gives none.
    """

    member: str
    label: str | None = None
    probability: float | None = None
    label_probability: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that at least one member proposed (stage 2: the union), and who proposed it."""

    span: Span
    proposals: tuple[Proposal, ...]


NOT_ASKED = "not asked, the vote was decided"  # the reason of those who are spared a question
UNTYPED = "listed without a type"  # the reason of those who are taken at their list, where it has none


@dataclass(frozen=True, slots=True)
class Vote:
    """One member's answer on a candidate's type (stage 3).

    `label` None means "none of these". `abstained` holds the reason where the member gave no usable answer; such a vote
    counts for nothing. `probability` is the member's own, between 0 and 1, or None.
    """

    member: str
    label: str | None
    probability: float | None = None
    abstained: str = ""

    @property
    def failed(self) -> bool:
        """Whether the member was asked and did not answer."""
        return self.abstained not in ("", NOT_ASKED, UNTYPED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verifier's answer on whether a span is of `label` (stage 4).

    `holds` None means that it abstained, for the reason in `abstained`. `probability` is that of "true", between 0 and
    1, or None.
    """

    member: str
    label: str
    holds: bool | None
    probability: float | None = None
    abstained: str = ""


@dataclass(frozen=True, slots=True)
class Ballot:
    """All that was said about one candidate: enough to decide again under another rule without asking anyone."""

    candidate: Candidate
    votes: tuple[Vote, ...]
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A decided entity: `text == document[start:end]`.

    `score` is between 0 and 1 and comes from the votes (see `el4ner.decide`). `votes` maps each member that did not
    abstain to its label, None for "none of these". `verified` is None where nobody was asked.
    """

    start: int
    end: int
    text: str
    label: str
    score: float
    votes: Mapping[str, str | None]
    verified: bool | None = None
