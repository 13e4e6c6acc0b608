"""Writes docs/annotation.schema.json: what a line of `el4ner annotate` holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from el4ner.annotation import EvidenceRecord
from el4ner.data import Entity

FILE = Path(__file__).parent.parent / "docs" / "annotation.schema.json"


def schema() -> dict[str, Any]:
    """The schema of a record; the keys of evidence are there together or not at all."""
    kept = TypeAdapter(EvidenceRecord).json_schema()
    entity = TypeAdapter(Entity).json_schema()
    keys = list(kept["properties"])
    properties: dict[str, Any] = {
        "id": {"type": "string"},
        "text": {"type": "string"},
        "meta": {"type": "object", "description": "What else the text's source said of it."},
        "entities": {"type": "array", "items": entity, "description": "In order of place, outer before inner."},
        "warnings": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What was cut, dropped or not answered about this text, in a few words each.",
        },
        "failed": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Members that did not answer a question about this text, each with the reason.",
        },
        **kept["properties"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of `el4ner annotate`",
        "description": "Offsets are half-open and count characters (code points). Evidence stands there by request.",
        "type": "object",
        "properties": properties,
        "required": ["id", "text", "entities"],
        "dependentRequired": {"el4ner": keys},
        "$defs": kept.get("$defs", {}),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")
