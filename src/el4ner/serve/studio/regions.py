"""Between annotations and the regions that Label Studio shows and sends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any, TypeGuard

from el4ner.annotation import Annotation
from el4ner.data import Span
from el4ner.errors import DataError
from el4ner.serve.studio.project import Project
from el4ner.text.printable import one_line


def prediction(annotation: Annotation, project: Project, version: str) -> dict[str, Any]:
    """An annotation as a prediction. Its score is that of the least sure entity: what is sampled by."""
    regions = [
        {
            "id": f"{annotation.id}-{number}",
            "from_name": project.control,
            "to_name": project.shown,
            "type": "labels",
            "score": round(entity.score, 4),
            "value": {"start": entity.start, "end": entity.end, "text": entity.text, "labels": [entity.label]},
            "meta": {"text": [", ".join(f"{who}: {said or 'none'}" for who, said in entity.votes.items())]},
        }
        for number, entity in enumerate(annotation.entities)
    ]
    score = min((entity.score for entity in annotation.entities), default=1 - annotation.doubt)
    return {"result": regions, "score": round(score, 4), "model_version": version}


def nothing(version: str) -> dict[str, Any]:
    """The prediction for a task without a text: there has to be one for each."""
    return {"result": [], "score": 0.0, "model_version": version}


def spans(text: str, result: Sequence[Any]) -> list[Span]:
    """The spans of an annotation's regions; relations, choices and the like are passed over. Raises `DataError`."""
    found: dict[Span, None] = {}
    countings: list[list[int]] = []  # made where they are needed: they are long
    for region in result:
        if isinstance(region, Mapping) and region.get("type") == "labels":
            value = region.get("value")
            if not isinstance(value, Mapping):
                raise DataError('a region has no "value"; it cannot be read')
            start, end = _placed(text, value, countings)
            names = value.get("labels")
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise DataError(f"the region at {start} has no list of labels; give it one")
            found |= {Span(start, end, name): None for name in names}
    return list(found)


def _placed(text: str, value: Mapping[str, Any], countings: list[list[int]]) -> tuple[int, int]:
    """Where a region stands, in characters of the text: as it says, or as what it quotes tells.

    Versions of Label Studio counted UTF-16 units, and browsers make other white space of line ends.
    """
    start, end, quoted = value.get("start"), value.get("end"), value.get("text")
    if not (_is_number(start) and _is_number(end)):
        raise DataError('a region has no "start" and "end"; it cannot be read')
    bare = None if quoted is None else _bare(str(quoted))
    if 0 <= start < end <= len(text) and bare in (None, _bare(text[start:end])) and bare != "":
        return start, end
    if bare:
        countings.extend(() if countings else _countings(text))
    for edges in countings if bare else ():
        first, last = bisect_right(edges, start) - 1, bisect_left(edges, end)
        told = 0 <= first < last <= len(text) and (edges[first], edges[last]) == (start, end)
        if told and _bare(text[first:last]) == bare:
            return first, last
    what = "a region" if quoted is None else f"the region {one_line(str(quoted), 40)!r}"
    raise DataError(f"{what} does not stand at {start} to {end} of a text of {len(text)} characters; mark it again")


def _countings(text: str) -> Iterator[list[int]]:
    """Where each character may be counted to begin: by unit, and by what becomes of white space."""
    units = (
        [1] * len(text),
        [1 + (char > "\uffff") for char in text],
        [len(char.encode("utf-8", "surrogatepass")) for char in text],
    )
    pairs = list(zip(" " + text, text, strict=False))
    spaces = (
        [1] * len(text),
        [0 if (char, after) == ("\r", "\n") else 1 for char, after in zip(text, text[1:] + " ", strict=False)],
        [2 if char == "\n" and before != "\r" else 1 for before, char in pairs],
        [0 if before.isspace() and char.isspace() and at else 1 for at, (before, char) in enumerate(pairs)],
    )
    for unit, space in product(units, spaces):
        yield list(accumulate((one * times for one, times in zip(unit, space, strict=True)), initial=0))


def _bare(text: str) -> str:
    return "".join(text.split())


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
