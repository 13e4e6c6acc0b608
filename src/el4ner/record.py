"""An annotation as a plain record: what `el4ner annotate` writes on a line."""

from __future__ import annotations

from typing import Any

from el4ner.annotation import Annotation
from el4ner.data import Entity


def record(annotation: Annotation) -> dict[str, Any]:
    """`{"id", "text", "entities"}`, ready for JSON; scores have four digits."""
    return {"id": annotation.id, "text": annotation.text, "entities": [_entity(e) for e in annotation.entities]}


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "start": entity.start,
        "end": entity.end,
        "text": entity.text,
        "label": entity.label,
        "score": round(entity.score, 4),
        "votes": dict(entity.votes),
        "verified": entity.verified,
    }
