"""What the service answers, as pydantic models: they stand in the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from el4ner.web.problem import TYPE


class EntityRecord(BaseModel):
    """An entity: `text` stands at the characters `start` to `end` of its text, the end exclusive."""

    start: int
    end: int
    text: str
    label: str
    score: float
    votes: dict[str, str | None]
    verified: bool | None


class AnnotationRecord(BaseModel):
    """A text with its entities, as a line of `el4ner annotate`: docs/annotation.schema.json has all of it."""

    model_config = ConfigDict(extra="allow")

    id: str
    text: str
    entities: list[EntityRecord]
    failed: dict[str, str] | None = None


class AnnotationsRecord(BaseModel):
    """The annotations of a request, in the order of its texts."""

    annotations: list[AnnotationRecord]


class LabelRecord(BaseModel):
    """A type of entity, and what it means."""

    name: str
    description: str


class LabelsRecord(BaseModel):
    """The types of the pool, in the order in which models are shown them."""

    labels: list[LabelRecord]


class SpanRecord(BaseModel):
    """An entity of an example."""

    start: int
    end: int
    label: str


class ExampleRecord(BaseModel):
    """A labelled text."""

    id: str
    text: str
    entities: list[SpanRecord]


class PoolRecord(LabelsRecord):
    """The pool, and the digest that tells it from others."""

    digest: str
    examples: list[ExampleRecord]


class AddedRecord(BaseModel):
    """What became of the pool."""

    added: int
    examples: int
    digest: str


class PredictionRecord(BaseModel):
    """What Label Studio is shown for a task: regions, the score that it samples by, and by whom."""

    result: list[dict[str, Any]]
    score: float
    model_version: str


class PredictionsRecord(BaseModel):
    """A prediction for each task, in their order."""

    results: list[PredictionRecord]


class ProblemRecord(BaseModel):
    """Why there is no result, and what to do (RFC 9457); `where` is a place in the body."""

    type: str
    title: str
    status: int
    detail: str
    where: str | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How the answers of these statuses look, for the OpenAPI document."""
    content = {TYPE: {"schema": ProblemRecord.model_json_schema()}}
    return {status: {"description": "Why not, and what to do", "content": content} for status in statuses}


def answer(record: Mapping[str, Any], status: int = 200) -> Response:
    """A record as an answer, in ASCII: texts may hold what UTF-8 cannot say."""
    return Response(json.dumps(record), status, media_type="application/json")
