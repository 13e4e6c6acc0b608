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
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from el4ner.annotation import Annotation
from el4ner.cli.console import err
from el4ner.evaluate.experiment import Watch
from el4ner.pipeline import EL4NER
from el4ner.text.printable import one_line


def watched(annotations: Iterable[Annotation], ner: EL4NER, total: int | None) -> Iterator[Annotation]:
    """The same annotations, with a bar on standard error, if that is a terminal which they are not printed to."""
    columns = (SpinnerColumn(), BarColumn(24), MofNCompleteColumn(), _Questions(ner), TimeElapsedColumn())
    hidden = not err.is_terminal or sys.stdout.isatty()
    with Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total)
        for annotation in annotations:
            bar.advance(task)
            yield annotation


class RunsBar:
    """One bar on standard error over all texts of several runs, if that is a terminal."""

    def __init__(self, runs: int, texts: int) -> None:
        self._questions = _Questions()
        name = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), name, BarColumn(24), MofNCompleteColumn(), self._questions, TimeElapsedColumn())
        self._bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._task = self._bar.add_task("", total=texts)
        self._runs, self._run, self._texts = runs, 0, 0

    def __enter__(self) -> RunsBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, name: str) -> Watch:
        """Say which run this is; what is returned counts its texts."""
        self._bar.update(self._task, description=one_line(f"{self._run + 1}/{self._runs} {name}", 60))

        def watch(annotations: Iterator[Annotation], ner: EL4NER, total: int) -> Iterator[Annotation]:
            self._questions.ner = ner
            for number, annotation in enumerate(annotations, 1):
                self._bar.update(self._task, completed=self._texts + number)
                yield annotation

        return watch

    def end(self, texts: int) -> None:
        """A run of so many texts is over, whichever way."""
        self._run, self._texts = self._run + 1, self._texts + texts
        self._questions.ner = None
        self._bar.update(self._task, completed=self._texts)


class _Questions(ProgressColumn):
    """Texts finish by the window, so that questions are what is seen to move."""

    def __init__(self, ner: EL4NER | None = None) -> None:
        super().__init__()
        self.ner = ner

    def render(self, task: Task) -> Text:
        costs = self.ner.costs if self.ner else ()
        return Text(f"texts · {sum(c.asked for c in costs):,} questions, {sum(c.calls for c in costs):,} calls")
