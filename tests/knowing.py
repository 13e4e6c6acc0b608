"""Models that know the right answers, and what an ensemble of them finds."""

from __future__ import annotations

from typing import Any

from fakes import (
    Asked,
    FakeModel,
    ensemble,
    scripted,
)

from el4ner.annotation import Annotation

NAMES = {
    "Anna Berg": "person", "Tom": "person", "Berlin": "location", "Oslo": "location", "University of Oslo": "group",
    "李明": "person", "北京": "location",
}  # fmt: skip
TEXT = "Anna Berg met Tom in Oslo ."


def typed(asked: Asked) -> str:
    """Lists the names that stand in the text, with their types."""
    return "; ".join(f"{name} ({label})" for name, label in NAMES.items() if name in asked.text) or "none"


def untyped(asked: Asked) -> str:
    return "; ".join(name for name in NAMES if name in asked.text) or "none"


def right(asked: Asked) -> str:
    """The type of a span, as NAMES has it."""
    return NAMES.get(asked.span, "none")


def knowing(**more: Any) -> FakeModel:
    return scripted(typed, right, preextract=untyped, **more)


def found(annotation: Annotation) -> list[tuple[str, str]]:
    assert all(annotation.text[e.start : e.end] == e.text for e in annotation.entities)
    return [(e.text, e.label) for e in annotation.entities]


def annotated(text: str, *models: FakeModel, **how: Any) -> Annotation:
    return ensemble(*models, **how)(text)
