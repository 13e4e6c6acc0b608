"""The nouns of the method, as frozen dataclasses.

Offsets are half-open character offsets into the text as it was given: `text[start:end]` is the mention, always.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

T = TypeVar("T")
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
    """A text to annotate and the id under which its annotation is given back.

    `meta` is what else its source says of it, to be carried along: values that JSON can say, by name.
    """

    id: str
    text: str
    meta: Mapping[str, object] = field(default_factory=dict, hash=False)


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


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration that was retrieved for a text, and its similarity (SpanSim, or what the recipe retrieves by)."""

    id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Ungrounded:
    """Something a member listed in `stage` that does not stand in the text, or has a type that nobody asked for."""

    stage: str
    member: str
    text: str
    label: str | None = None

    def __str__(self) -> str:
        kind = "" if self.label is None else f" ({self.label})"
        return f"{self.text!r}{kind} is not in the text, or its type was not asked for"


@dataclass(frozen=True, slots=True)
class Trace:
    """How a text was read.

    `preextracted`: the spans that each member listed without demonstrations (stage 1). `weights`: how these were
    weighed, "pos" or "uniform". `demonstrations`: the retrieved ones, best first, and `shown` how many each member's
    prompts held.
    `ungrounded`: what could not be placed. `abstained`: members without a usable answer, as "stage member: reason".
    `cut`: members whose list the token limit cut off in stage 2; its complete entries count.
    `failed`: members that failed in stages 1 and 2, with the reason. `left_out`: how many demonstrations of a member
    its context had no room for; members that read all of theirs are not in there.
    """

    preextracted: Mapping[str, tuple[Span, ...]]
    weights: str
    demonstrations: tuple[Shown, ...]
    shown: Mapping[str, int]
    ungrounded: tuple[Ungrounded, ...]
    abstained: tuple[str, ...]
    cut: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def without(self, members: Collection[str]) -> Trace:
        """The same without what these members listed, and how they failed."""

        def kept(by_member: Mapping[str, T]) -> dict[str, T]:
            return {member: one for member, one in by_member.items() if member not in members}

        return replace(
            self,
            preextracted=kept(self.preextracted),
            shown=kept(self.shown),
            ungrounded=tuple(lost for lost in self.ungrounded if lost.member not in members),
            abstained=tuple(a for a in self.abstained if a.split(": ")[0].split(" ", 1)[-1] not in members),
            cut=tuple(member for member in self.cut if member not in members),
            failed=kept(self.failed),
            left_out=kept(self.left_out),
        )

    @property
    def warnings(self) -> list[str]:
        """What was left out, cut, dropped or not answered in stages 1 and 2, in a few words each."""
        said = [
            f"extract {member}: {count} of {count + self.shown.get(member, 0)} demonstrations had no room"
            for member, count in self.left_out.items()
        ]
        said += [f"extract {member}: the token limit cut its list; complete entries count" for member in self.cut]
        said += [f"{lost.stage} {lost.member}: {lost}" for lost in self.ungrounded]
        return said + list(self.abstained)
