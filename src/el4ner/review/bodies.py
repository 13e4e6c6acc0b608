"""What the page sends, as pydantic models: they check it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from el4ner.data import Label, Span
from el4ner.review.judgement import Kind
from el4ner.review.review import Said
from el4ner.review.worth import Sorting

Name = Annotated[str, Field(max_length=1000)]
Place = Annotated[int, Field(strict=True)]
Row = Annotated[tuple[Place, Place, Name], Field(strict=False)]  # JSON has lists alone
ScoredRow = Annotated[tuple[Place, Place, Name, float], Field(strict=False)]
_MOST = 10_000  # entities of a text


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class JudgeBody(_Sent):
    """A decision; `digest` is the pool's state when it was made, `key` its own name: sent again, it counts once."""

    digest: Name
    key: Annotated[str, Field(min_length=8, max_length=100)]
    ref: Name
    decision: Kind
    entities: Annotated[list[Row], Field(max_length=_MOST)] = []
    suggested: Annotated[list[ScoredRow], Field(max_length=_MOST)] | None = None
    seconds: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    def said(self) -> Said:
        """The decision."""
        entities = tuple(Span(*row) for row in self.entities)
        return Said(self.digest, self.key, self.ref, self.decision, entities, self.suggested, self.seconds)


class UndoBody(_Sent):
    """Which decision is taken back."""

    digest: Name
    number: int


class TypeBody(_Sent):
    """A type and what it means."""

    name: Name
    description: Name = ""


class TypesBody(_Sent):
    """The types to ask for."""

    labels: Annotated[list[TypeBody], Field(min_length=1, max_length=1000)]

    def named(self) -> list[Label]:
        """As labels."""
        return [Label(one.name, one.description) for one in self.labels]


class SortingBody(_Sent):
    """The order of work."""

    sorting: Sorting
