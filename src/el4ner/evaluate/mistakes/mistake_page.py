"""The mistakes of a run as one HTML page: gold on the left, what was found on the right, the evidence below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from el4ner.data import Entity, Span
from el4ner.evaluate.mistakes.match import Kind
from el4ner.evaluate.mistakes.mistake_tables import Table, heading, summary, tables
from el4ner.evaluate.mistakes.mistakes import Case, worst
from el4ner.evaluate.run import Run
from el4ner.evaluate.score import Mention
from el4ner.evaluate.stages import Judged
from el4ner.view.page import classes_of, document, escaped, evidence, marked, row_of, title_of

LIMIT = 200


def mistake_page(run: Run, kind: Kind | None = None, limit: int = LIMIT) -> str:
    """The page's text, to be written as UTF-8: the tables, then the `limit` worst texts (by mistakes of `kind`)."""
    ranked = worst(run.texts, kind)
    given = [label.name for label in run.labels]
    others = {mention.label or "" for _, cases in ranked for case in cases for mention in _sides(case)} - set(given)
    classes = classes_of([*given, *sorted(others)])
    members = [member.name for member in run.setup.recipe.members]
    title = f"Mistakes of {run.setup.recipe.name} on {run.setup.data}, {run.setup.split}"
    chips = "".join(f'<li class="chip {name}">{escaped(label)}</li>' for label, name in classes.items())
    body = [
        f"<header><h1>{escaped(title)}</h1><p class=quiet>{len(run.texts):,} texts</p></header><main>",
        *map(_table, tables(run)),
        f"<h2>{escaped(heading(len(ranked), limit, kind))}</h2><p class=quiet>A broken outline and the words behind the"
        f' type mark a mistake.</p><ul class="legend" aria-label="types">{chips}</ul>',
        *(_article(text, cases, members, classes) for text, cases in ranked[:limit]),
        "</main>",
    ]
    return document(title, classes, body)


def _table(table: Table) -> str:
    head = "".join(f"<th{_aligned(table, n)}>{escaped(name)}</th>" for n, name in enumerate(table.columns))
    rows = "".join(
        f"<tr>{''.join(f'<td{_aligned(table, n)}>{escaped(cell)}</td>' for n, cell in enumerate(row))}</tr>"
        for row in table.rows
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    note = f"<p class=quiet>{escape(table.note)}</p>" if table.note else ""
    return f"<section><h2>{escaped(table.title)}</h2>{note}<div class=scroll><table>{body}</table></div></section>"


def _aligned(table: Table, column: int) -> str:
    return "" if column < table.words else " class=number"


def _article(text: Judged, cases: Sequence[Case], members: Sequence[str], classes: Mapping[str, str]) -> str:
    annotation = text.annotation
    wrong = [case for case in cases if case.pair.kind]
    amiss = {_key(mention): case.pair.kind.words for case in wrong if case.pair.kind for mention in _sides(case)}

    def side(name: str, mentions: Iterable[Mention]) -> str:
        def said(mention: Mention) -> str:
            return title_of(annotation, mention) if isinstance(mention, Entity) else mention.label or ""

        drawn = marked(annotation.text, mentions, classes, said, lambda mention: amiss.get(_key(mention), ""))
        return f'<div><h3>{name}</h3><p class=text dir="auto">{drawn}</p></div>'

    rows = "".join(row_of("td", (f"<bdi>{escaped(cell)}</bdi>" for cell in summary(c, annotation.text))) for c in wrong)
    listed = f"<thead>{row_of('th', ('mistake', 'gold', 'found', 'arose in'))}</thead><tbody>{rows}</tbody>"
    return (
        f"<article><p class=id>{escaped(annotation.id)}</p>"
        f"<div class=pair>{side('gold', text.gold)}{side('found', annotation.entities)}</div>"
        f"<div class=scroll><table>{listed}</table></div>"
        f"{evidence(annotation, members, classes)}</article>"
    )


def _sides(case: Case) -> list[Mention]:
    return [mention for mention in (case.pair.gold, case.pair.found) if mention is not None]


def _key(mention: Span | Entity) -> tuple[bool, int, int, str | None]:
    return isinstance(mention, Entity), mention.start, mention.end, mention.label
