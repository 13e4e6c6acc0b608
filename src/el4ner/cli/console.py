"""Where things are printed: data on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
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

from el4ner.marks import one_line

if TYPE_CHECKING:
    from el4ner.annotation import Annotation
    from el4ner.pipeline import EL4NER

out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(line: str, style: str = "") -> None:
    """One line on standard error, however long."""
    err.print(Text(one_line(line, 4000), style=style), soft_wrap=True)


class Warnings:
    """Shows each of the library's warnings once, as a line. Takes the place of `warnings.showwarning`."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """What `warnings.showwarning` is called with."""
        if str(message) not in self._said:
            self._said.add(str(message))
            say(f"warning: {message}", "yellow")


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
