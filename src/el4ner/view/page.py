"""Annotations and costs as one HTML page that needs nothing else: no scripts, no fonts, no network.

Everything that comes from texts, labels or members is escaped. `render` draws the same for the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Entity, Label, Span, Vote
from el4ner.ensemble.costs import Cost
from el4ner.fate import ballot_of, entity_of, why_not
from el4ner.text.printable import one_line, printable
from el4ner.view.marks import INK, marks, palette

_COUNTS = ("asked", "repeated", "stored", "calls", "cut", "failed", "prompt", "cached", "generated")


def page(
    title: str,
    annotations: Sequence[Annotation],
    labels: Sequence[Label],
    members: Sequence[str],
    costs: Sequence[Cost] = (),
    note: str = "",
) -> str:
    """The page's text, to be written as UTF-8. `note` is a line about the run that stands above the table of costs."""
    classes = classes_of(label.name for label in labels)
    count = sum(len(annotation.entities) for annotation in annotations)
    body = [
        f"<header><h1>{escaped(title)}</h1><p class=quiet>{len(annotations)} texts, {count} entities, by"
        f" {escaped(', '.join(members))}. Point at an entity, or open the evidence below its text.</p>",
        _legend(annotations, labels, classes),
        "</header><main>",
        *(_article(annotation, members, classes) for annotation in annotations),
        "</main>",
        _costs(costs, note) if costs else "",
    ]
    return document(title, classes, body)


def document(title: str, classes: Mapping[str, str], body: Sequence[str]) -> str:
    """A whole page of these parts, with the styles of all pages and a colour for each label's class."""
    colours = palette(list(classes))
    styles = "".join(f".{classes[name]} {{ background: {c}; color: {INK}; }}\n" for name, c in colours.items())
    css = files("el4ner").joinpath("assets", "page.css").read_text("utf-8")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escaped(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n{css}{styles}</style></head>\n'
        f"<body>\n{chr(10).join(body)}\n</body>\n</html>\n"
    )


def classes_of(labels: Iterable[str]) -> dict[str, str]:
    """The class that elements of a label have, in the order that `palette` colours them."""
    return {name: f"l{number}" for number, name in enumerate(dict.fromkeys(labels))}


def marked(
    text: str,
    entities: Iterable[Span | Entity],
    classes: Mapping[str, str],
    title: Callable[[Span | Entity], str] = lambda entity: entity.label or "",
    wrong: Callable[[Span | Entity], str] = lambda _: "",
) -> str:
    """A text with nested marks around its entities; `title` is what is said where one points at an entity.

    What `wrong` says of an entity, if anything, stands behind its label, and the mark has an outline.
    """
    html: list[str] = []
    for mark in marks(text, entities):
        if mark.entity is None:
            html.append(escape(printable(mark.text)))
        elif mark.kind == "close":
            html.append("</mark>")
        else:
            label = mark.entity.label or ""
            amiss = wrong(mark.entity)
            names = " ".join([classes.get(label, ""), *["broken"] * mark.broken, *["wrong"] * bool(amiss)]).strip()
            shown = f"{one_line(label)} · {amiss}" if amiss else label
            said = escape(printable(title(mark.entity)))
            html.append(f'<mark class="{names}" data-label="{escaped(shown)}" title="{said}">')
    return "".join(html)


def _legend(annotations: Sequence[Annotation], labels: Sequence[Label], classes: Mapping[str, str]) -> str:
    found = [entity.label for annotation in annotations for entity in annotation.entities]
    chips = [
        f'<li class="chip {classes[label.name]}" title="{escaped(label.description)}">{escaped(label.name)}'
        f" <b>{found.count(label.name)}</b></li>"
        for label in labels
    ]
    return f'<ul class="legend" aria-label="types and how often they were found">{"".join(chips)}</ul>'


def _article(annotation: Annotation, members: Sequence[str], classes: Mapping[str, str]) -> str:
    text = marked(annotation.text, annotation.entities, classes, lambda entity: title_of(annotation, entity))
    return (
        f'<article><p class=id>{escaped(annotation.id)}</p><p class=text dir="auto">{text}</p>'
        f"{evidence(annotation, members, classes)}</article>"
    )


def title_of(annotation: Annotation, entity: Span | Entity) -> str:
    """What is said where one points at an entity."""
    ballot = ballot_of(annotation, entity)
    score = f", score {entity.score:.2f}" if isinstance(entity, Entity) else ""
    votes = [f"{vote.member}: {_vote(vote)}" for vote in ballot.votes] if ballot else []
    verdicts = [_verdicts(ballot)] if ballot and ballot.verdicts else []
    return "\n".join(one_line(line) for line in [f"{entity.label}{score}", *votes, *verdicts])


def evidence(annotation: Annotation, members: Sequence[str], classes: Mapping[str, str]) -> str:
    """What stands folded below a text: every candidate with its votes and verdicts, and what could not be placed."""
    out = len(annotation.ballots) - len(annotation.entities)
    lost = [item for trace in annotation.traces for item in trace.ungrounded]
    parts = [f"{len(annotation.ballots)} candidates", f"{out} left out"] + [f"{len(lost)} not in the text"] * bool(lost)
    rows = [_row(annotation, ballot, members, classes) for ballot in annotation.ballots]
    names = ["candidate", "outcome", "score", "proposed by", *members, "verdicts"]
    table = f"<table><thead>{row_of('th', map(escaped, names))}</thead><tbody>{''.join(rows)}</tbody></table>"
    said = [f"{item.member} listed “{item.text}”{f' ({item.label})' if item.label else ''}" for item in lost]
    notes = "".join(f"<p class=quiet>{escaped(line)}: not in the text, or of an unknown type</p>" for line in said)
    silent = "".join(
        f"<p class=quiet>no usable answer: {escaped(r)}</p>" for t in annotation.traces for r in t.abstained
    )
    if not rows and not notes and not silent:
        return ""
    shown = f"<div class=scroll>{table}</div>" if rows else ""
    return f"<details><summary>evidence: {', '.join(parts)}</summary>{shown}{notes}{silent}</details>"


def _row(annotation: Annotation, ballot: Ballot, members: Sequence[str], classes: Mapping[str, str]) -> str:
    span, entity = ballot.candidate.span, entity_of(annotation, ballot)
    votes = {vote.member: vote for vote in ballot.votes}
    outcome = f'<span class="chip {classes.get(entity.label, "")}">{escaped(entity.label)}</span>' if entity else ""
    cells = [
        f"<bdi>{escaped(annotation.text[span.start : span.end])}</bdi>",
        outcome or f"out: {escaped(why_not(annotation, ballot))}",
        f"{entity.score:.2f}" if entity else "",
        escaped(", ".join(p.member + _belief(p.probability) for p in ballot.candidate.proposals)),
        *(escaped(_vote(votes[member])) if member in votes else "" for member in members),
        escaped(_verdicts(ballot)),
    ]
    return row_of("td", cells, "" if entity else ' class="out"')


def _costs(costs: Sequence[Cost], note: str) -> str:
    """Where the time went, by stage and member."""
    names = ["seconds", *_COUNTS]
    head = "<th>stage</th><th>member</th>" + "".join(f"<th class=number>{name}</th>" for name in names)
    rows = [
        _cost(escaped(c.stage), escaped(c.member), c.seconds, [getattr(c, name) for name in _COUNTS]) for c in costs
    ]
    sums = [sum(getattr(cost, name) for cost in costs) for name in _COUNTS]
    total = _cost("all", "", sum(cost.seconds for cost in costs), sums)
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody><tfoot>{total}</tfoot>"
    return (
        f"<section><h2>Where the time went</h2><p class=quiet>{escaped(note)}</p>"
        f"<div class=scroll><table>{table}</table></div></section>"
    )


def _cost(stage: str, member: str, seconds: float, counts: Sequence[int]) -> str:
    numbers = "".join(f"<td class=number>{number}</td>" for number in (f"{seconds:.1f}", *(f"{n:,}" for n in counts)))
    return f"<tr><td>{stage}</td><td>{member}</td>{numbers}</tr>"


def row_of(tag: str, cells: Iterable[str], attributes: str = "") -> str:
    """A row of a table: cells (HTML) of one kind, "td" or "th"."""
    return f"<tr{attributes}>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _vote(vote: Vote) -> str:
    if vote.abstained:
        return f"abstained: {vote.abstained}"
    return ("none" if vote.label is None else vote.label) + _belief(vote.probability)


def _verdicts(ballot: Ballot) -> str:
    words = {True: "true", False: "false", None: "no answer"}
    return "; ".join(f"{v.member}: {v.label}? {words[v.holds]}{_belief(v.probability)}" for v in ballot.verdicts)


def _belief(probability: float | None) -> str:
    return "" if probability is None else f" {probability:.2f}"


def escaped(text: str) -> str:
    """Untrusted text on one line, fit for elements and attributes."""
    return escape(one_line(text))
