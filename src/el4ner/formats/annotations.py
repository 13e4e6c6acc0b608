"""Lines that `el4ner annotate` wrote, read back: with evidence to decide anew, without it as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from el4ner.annotation import Annotation
from el4ner.data import Entity
from el4ner.decide import Decision
from el4ner.errors import DataError
from el4ner.formats.jsonl import records
from el4ner.formats.lines import read_lines
from el4ner.formats.offsets import fault

_ENTITIES = TypeAdapter(tuple[Entity, ...])


def read_annotations(path: str | Path, evidence: bool = False) -> Iterator[Annotation]:
    """The annotations of a file, one after the other, in bounded memory; `evidence`: each line must have some.

    What has none has no ballots, and its entities are those of the line. Raises `DataError` with the line.
    """
    for line, record in records(read_lines(path)):
        try:
            yield Annotation.from_record(record) if evidence or "el4ner" in record else _plain(record)
        except DataError as error:
            raise line.error(str(error)) from None


def _plain(record: Mapping[str, Any]) -> Annotation:
    id_, text, meta = record.get("id"), record.get("text"), record.get("meta", {})
    if not isinstance(id_, str) or not isinstance(text, str) or not isinstance(meta, dict):
        raise DataError('"id" and "text" must be strings, "meta" an object')
    try:
        entities = _ENTITIES.validate_python(record.get("entities"))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, ("entities", *problem["loc"])))
        raise DataError(f"{place}: {problem['msg']}; is this what `el4ner annotate` wrote?") from None
    for entity in entities:
        if wrong := fault(entity.start, entity.end, len(text)):
            raise DataError(f"an entity {wrong}")
    return Annotation(id_, text, entities, (), (), Decision(), meta)
