"""What the service is sent, as pydantic models: they check it, and stand in the OpenAPI document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from el4ner.annotation import Annotation
from el4ner.data import Document, Example, Label
from el4ner.decide import Overlap
from el4ner.errors import ConfigError, DataError
from el4ner.formats.jsonl import examples
from el4ner.formats.lines import Line
from el4ner.pool.labels import given_labels
from el4ner.web.problem import Problem

MOST_TEXTS = 1000  # of a request
LONGEST = 200_000  # characters of a text
MOST_LABELS = 1000
_LONGEST_NAME = 1000  # characters of an id, a label's name or a description


def _at_most(longest: int) -> Callable[[object], str]:
    """Checks a string, also with lone surrogates: these occur in texts, and pydantic would refuse them."""

    def checked(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("give a string")
        if len(value) > longest:
            raise ValueError(f"longer than {longest:,} characters; shorten it, or cut it in several")
        return value

    return checked


_TEXT_SCHEMA: dict[str, Any] = {"type": "string", "maxLength": LONGEST}
_NAME_SCHEMA: dict[str, Any] = {"type": "string", "maxLength": _LONGEST_NAME}
Text = Annotated[str, PlainValidator(_at_most(LONGEST)), WithJsonSchema(_TEXT_SCHEMA)]
Name = Annotated[str, PlainValidator(_at_most(_LONGEST_NAME)), WithJsonSchema(_NAME_SCHEMA)]


def _form(value: object) -> str | None:
    return "string" if isinstance(value, str) else "object" if isinstance(value, dict) else None


def _either(keys: str) -> Discriminator:
    message = f"give a string, or an object with {keys}"
    return Discriminator(_form, custom_error_type="neither", custom_error_message=message)


class Body(BaseModel):
    """What is sent: nothing is taken for what it is not, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextBody(Body):
    """A text and the id under which its annotation is given back."""

    id: Name
    text: Text


class LabelBody(Body):
    """A type of entity, and what it means."""

    name: Name
    description: Name = ""


AnyText = Annotated[Annotated[Text, Tag("string")] | Annotated[TextBody, Tag("object")], _either("id and text")]
AnyLabel = Annotated[
    Annotated[Name, Tag("string")] | Annotated[LabelBody, Tag("object")], _either("name and description")
]


class AnnotateBody(Body):
    """Texts to annotate; plain strings have the ids "1", "2", ... by their place.

    `labels`: the types to look for, instead of the pool's. `threshold`, `overlap`: how ballots become entities, instead
    of the recipe's. `evidence`: with all that was said.
    """

    texts: Annotated[list[AnyText], Field(max_length=MOST_TEXTS)]
    labels: Annotated[list[AnyLabel], Field(min_length=1, max_length=MOST_LABELS)] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    overlap: Overlap | None = None
    evidence: bool = False

    @property
    def documents(self) -> list[Document]:
        """The texts, with their ids."""
        return [
            Document(str(n), t) if isinstance(t, str) else Document(t.id, t.text) for n, t in enumerate(self.texts, 1)
        ]

    def asked(self) -> tuple[Label, ...] | None:
        """The types asked for, None for the pool's. Raises `Problem`."""
        if self.labels is None:
            return None
        given = [Label(one) if isinstance(one, str) else Label(one.name, one.description) for one in self.labels]
        try:
            return given_labels(given)
        except ConfigError as error:
            raise Problem(422, str(error), "labels") from None

    def record(self, annotation: Annotation) -> dict[str, Any]:
        """The annotation as it is answered."""
        if self.threshold is not None or self.overlap is not None:
            annotation = annotation.decide(threshold=self.threshold, overlap=self.overlap)
        return annotation.record(self.evidence)


class ExamplesBody(Body):
    """Labelled texts for the pool, as its file holds them: docs/formats.md."""

    examples: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_TEXTS)]

    def read(self) -> list[Example]:
        """The examples; those without an id are called by a digest. Raises `Problem`."""
        return [_example(record, f"examples.{n}") for n, record in enumerate(self.examples)]


def _example(record: Mapping[str, Any], where: str) -> Example:
    digest = hashlib.sha256(json.dumps(record).encode()).hexdigest()[:12]
    line = Line(where, 1, json.dumps({"id": f"api-{digest}", **record}))
    try:
        example = next(examples([line]))
    except DataError as error:
        raise Problem(422, str(error).removeprefix(f"{where}, line 1: "), where) from None
    if len(example.text) > LONGEST:
        raise Problem(422, f"its text is longer than {LONGEST:,} characters; cut it in several", where)
    return example
