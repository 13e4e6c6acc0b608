"""What the terminal and the page share when they draw a text: where marks open and close, colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from el4ner.data import Entity, Span

INK = "#111111"  # on any of the colours: contrast of at least 7
# Light tones of ten hues, then paler ones between them (OKLCH, 0.80 and 0.91): neighbours in the list are far apart.
_COLOURS = (
    *("#ff9bba", "#c5c45e", "#43d1f1", "#e6a2eb", "#efb05c", "#4ad8c1", "#bab3fe", "#fea38a", "#8ad389", "#8ec2fd"),
    *("#fdd8cc", "#c2efc4", "#d0e3fc", "#fcd6df", "#e4e6ad", "#b1edfe", "#fcd1fc", "#fedbae", "#a9f2e5", "#e0ddfe"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A step in drawing a text from left to right: some of it, or the edge of an entity.

    `broken` is true of an edge that is none of the entity's own: where two entities cross, one is closed and opened
    again, so that marks always nest.
    """

    kind: Literal["text", "open", "close"]
    text: str = ""
    entity: Span | Entity | None = None
    broken: bool = False


def marks(text: str, entities: Iterable[Span | Entity]) -> Iterator[Mark]:
    """All of the text, in order, with the edges of its entities; marks nest, whatever the entities do."""
    waiting = sorted(entities, key=lambda e: (e.start, -e.end, e.label or ""))
    edges = sorted({0, len(text), *(e.start for e in waiting), *(e.end for e in waiting)})
    stack: list[Span | Entity] = []
    for start, end in zip(edges, [*edges[1:], len(text)], strict=True):
        yield from _close(stack, start)
        while waiting and waiting[0].start == start:
            stack.append(waiting.pop(0))
            yield Mark("open", entity=stack[-1])
        if end > start:
            yield Mark("text", text[start:end])


def _close(stack: list[Span | Entity], at: int) -> Iterator[Mark]:
    """Close what ends here, and what was opened within it; open the latter again."""
    lowest = next((i for i, entity in enumerate(stack) if entity.end == at), len(stack))
    closed = stack[lowest:]
    del stack[lowest:]
    for entity in reversed(closed):
        yield Mark("close", entity=entity, broken=entity.end != at)
    for entity in closed:
        if entity.end != at:
            stack.append(entity)
            yield Mark("open", entity=entity, broken=True)


def palette(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each label, by its place: stable over texts and runs, distinct for the first twenty."""
    return {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(dict.fromkeys(labels))}
