"""Annotations as a page to work with: one file, offline, whose scripts decide anew while one looks.

What the page decides is what `el4ner.decide` would (`scripts/decide.js`; a test holds the two together).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from markupsafe import Markup

from el4ner.annotation import Annotation
from el4ner.data import Label, Span
from el4ner.view.packed import packed
from el4ner.view.page import classes_of, template


def run_page(
    title: str,
    annotations: Sequence[Annotation],
    labels: Sequence[Label],
    members: Sequence[str],
    gold: Sequence[Sequence[Span]] | None = None,
) -> str:
    """The page's text, to be written as UTF-8. `gold`: each text's own entities, for precision and recall."""
    data = packed(annotations, labels, members, gold)
    return template("run.html").render(
        title=title,
        classes=classes_of(name for name, _ in data["labels"]),
        labels=data["labels"],
        members=data["members"],
        decision=data["decision"],
        judged=bool(gold),
        data=_script_json(data),
    )


def _script_json(data: object) -> Markup:
    """JSON that can stand inside a `<script>` element: nothing in it can end the element or open a comment."""
    return Markup(json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))
