"""The mistakes of a run as one HTML page: gold on the left, what was found on the right, the evidence below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from el4ner.data import Entity
from el4ner.evaluate.mistakes.match import Kind
from el4ner.evaluate.mistakes.mistakes import Case, worst
from el4ner.evaluate.mistakes.sections import heading, sections, summary
from el4ner.evaluate.run import Run
from el4ner.evaluate.score import Mention
from el4ner.view.page import classes_of, template

LIMIT = 200


def mistake_page(run: Run, kind: Kind | None = None, limit: int = LIMIT) -> str:
    """The page's text, to be written as UTF-8: the tables, then the `limit` worst texts (by mistakes of `kind`)."""
    ranked, recipe = worst(run.texts, kind), run.setup.recipe
    given = [label.name for label in run.labels]
    others = {mention.label or "" for _, cases in ranked for case in cases for mention in _sides(case)} - set(given)
    return template("mistakes.html").render(
        title=f"Mistakes of {recipe.name} on {run.setup.data}, {run.setup.split}",
        classes=classes_of([*given, *sorted(others)]),
        texts=len(run.texts),
        sections=sections(run),
        heading=heading(len(ranked), limit, kind),
        worst=ranked[:limit],
        members=[member.name for member in recipe.members],
        summary=summary,
        wrong=_wrong,
    )


def _wrong(cases: Sequence[Case]) -> Callable[[Mention], str]:
    """What says of a text's entities which mistake they are part of, if any."""
    words = {_key(mention): case.pair.kind.words for case in cases if case.pair.kind for mention in _sides(case)}
    return lambda mention: words.get(_key(mention), "")


def _sides(case: Case) -> list[Mention]:
    return [mention for mention in (case.pair.gold, case.pair.found) if mention is not None]


def _key(mention: Mention) -> tuple[bool, int, int, str | None]:
    return isinstance(mention, Entity), mention.start, mention.end, mention.label
