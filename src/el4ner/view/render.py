"""Annotations and costs for the terminal, as Rich renderables. `page` draws the same as HTML.

Nothing that comes from texts, labels or members is taken for markup or reaches the terminal as a control character.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.columns import Columns
from rich.style import Style
from rich.table import Table
from rich.text import Text

from el4ner.annotation import Annotation
from el4ner.data import Entity, Span
from el4ner.ensemble.costs import Cost
from el4ner.text.marks import INK, marks
from el4ner.text.printable import one_line, printable

COUNTS = ["asked", "repeated", "stored", "calls", "cut", "failed", "prompt", "cached", "generated"]
_ALWAYS = ("asked", "calls", "prompt", "generated")


def highlight(text: str, entities: Iterable[Span | Entity], colours: Mapping[str, str]) -> Text:
    """The text with its entities on the colours of their labels, in brackets with the label at the end.

    Brackets and labels say it where there is no colour; an entity within another stands on its own colour.
    """
    line = Text()
    styles: list[Style] = []
    for mark in marks(text, entities):
        if mark.kind == "text":
            line.append(printable(mark.text), styles[-1] if styles else None)
            continue
        label = (mark.entity.label or "") if mark.entity else ""
        if mark.kind == "open":
            styles.append(_style(label, colours))
            line.append("…" if mark.broken else "[", styles[-1])
        else:
            line.append("…" if mark.broken else f" | {one_line(label)}]", styles.pop() + Style(bold=True))
    return line


def legend(colours: Mapping[str, str]) -> Columns:
    """The labels on their colours."""
    return Columns([label_text(label, colours) for label in colours])


def entity_table(annotation: Annotation, members: Sequence[str], colours: Mapping[str, str]) -> Table:
    """A row an entity: type, score, each member's vote with its probability, and whether verifiers upheld it."""
    judged = any(entity.verified is not None for entity in annotation.entities)
    table = grid("entity", "type", "score", *members, *(["verified"] if judged else []))
    table.columns[1].no_wrap = True
    table.columns[2].justify = "right"
    for entity in annotation.entities:
        row = [Text(one_line(entity.text, 60)), label_text(entity.label, colours), Text(f"{entity.score:.2f}")]
        row += [vote_text(annotation, entity, member) for member in members]
        table.add_row(*row, *([Text(yes_or_no(entity.verified))] if judged else []))
    return table


def cost_table(costs: Sequence[Cost]) -> Table:
    """Where the time went: a row for each stage and member, and the sum. Counts that are all zero are left out."""
    counts = [name for name in COUNTS if name in _ALWAYS or any(getattr(cost, name) for cost in costs)]
    table = grid("stage", "member", "seconds", *counts)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for cost in costs:
        numbers = [f"{getattr(cost, name):,}" for name in counts]
        table.add_row(Text(one_line(cost.stage)), Text(one_line(cost.member)), f"{cost.seconds:.1f}", *numbers)
    sums = [f"{sum(getattr(cost, name) for cost in costs):,}" for name in counts]
    table.add_row("all", "", f"{sum(cost.seconds for cost in costs):.1f}", *sums, style="bold")
    return table


def spent(busy: float, seconds: float, opening: float) -> str:
    """One line: how long it took, how much of that no engine was at work, and how long the models took to open."""
    outside = f"{max(0.0, seconds - busy) / seconds:.1%}" if seconds > 0 else "none"
    return f"{seconds:.1f} s for the texts, {outside} of it outside the engines; {opening:.1f} s to open the models"


def vote_text(annotation: Annotation, entity: Entity, member: str) -> Text:
    """One member's vote on an entity: a tick where it voted for the entity's type, else its own, and how probable."""
    ballot = annotation.ballot_of(entity)
    vote = next((vote for vote in ballot.votes if vote.member == member), None) if ballot else None
    if vote is None or vote.abstained:
        return Text("abstained" if vote else "", style="dim")
    if vote.label == entity.label:
        return Text("✓").append(probability(vote.probability), style="dim")
    return Text("none" if vote.label is None else one_line(vote.label), style="dim").append(
        probability(vote.probability)
    )


def label_text(label: str, colours: Mapping[str, str]) -> Text:
    """A label on its colour."""
    return Text(f" {one_line(label)} ", style=_style(label, colours))


def probability(value: float | None) -> str:
    """A probability as it stands behind a word; nothing where the engine gave none."""
    return "" if value is None else f" {value:.2f}"


def yes_or_no(value: bool | None) -> str:
    """What a verdict or a check says; a dash where nobody was asked."""
    return "–" if value is None else "yes" if value else "no"


def grid(*names: str) -> Table:
    """An empty table with these columns, in the look of all the tables."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(Text(one_line(name)))
    return table


def _style(label: str, colours: Mapping[str, str]) -> Style:
    return Style(color=INK, bgcolor=colours[label]) if label in colours else Style(underline=True)
