"""A bar on standard error while texts are annotated."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeElapsedColumn,
)
from rich.text import Text

from el4ner.annotation import Annotation
from el4ner.cli.console import err
from el4ner.pipeline import EL4NER


def watched(annotations: Iterable[Annotation], ner: EL4NER, total: int | None) -> Iterator[Annotation]:
    """The same annotations, with a bar on standard error, if that is a terminal which they are not printed to."""
    columns = (SpinnerColumn(), BarColumn(24), MofNCompleteColumn(), _Questions(ner), TimeElapsedColumn())
    hidden = not err.is_terminal or sys.stdout.isatty()
    with Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total)
        for annotation in annotations:
            bar.advance(task)
            yield annotation


class _Questions(ProgressColumn):
    """Texts finish by the window, so that questions are what is seen to move."""

    def __init__(self, ner: EL4NER) -> None:
        super().__init__()
        self._ner = ner

    def render(self, task: Task) -> Text:
        costs = self._ner.costs
        return Text(f"texts · {sum(c.asked for c in costs):,} questions, {sum(c.calls for c in costs):,} calls")
