"""A text with its entities as a piece of HTML that stands alone: for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from el4ner.data import Entity
from el4ner.text.marks import INK, Mark, marks, palette
from el4ner.text.printable import one_line, printable


def drawn(text: str, entities: Sequence[Entity]) -> str:
    """A `<div>` of the text, entities on the colours of their types, which stand behind them. All of it is escaped."""
    colours = palette(sorted({entity.label for entity in entities}))
    pieces = "".join(_piece(mark, colours) for mark in marks(text, entities))
    return f'<div dir="auto" style="line-height:2.2">{pieces}</div>'


def _piece(mark: Mark, colours: Mapping[str, str]) -> str:
    if not isinstance(mark.entity, Entity):
        return escape(printable(mark.text)).replace("\n", "<br>")
    label = mark.entity.label
    if mark.kind == "open":
        style = f"background:{colours[label]};color:{INK};padding:.2em .3em;border-radius:.3em"
        return f'<span style="{style}" title="score {mark.entity.score:.2f}">'
    return "…</span>" if mark.broken else f" <small><b>{escape(one_line(label))}</b></small></span>"
