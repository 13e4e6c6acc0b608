"""A bar on standard error while texts are annotated."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

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
from el4ner.cli.console import err, say
from el4ner.cli.failures import FirstFailures
from el4ner.evaluate.experiment import Watch
from el4ner.pipeline import EL4NER
from el4ner.text.printable import one_line

_SILENCE = 10.0  # seconds
_LONGEST = 30  # times as long: how rarely one hears that nothing has finished
_LOOK = 0.5  # seconds


def watched(
    annotations: Iterable[Annotation], ner: EL4NER, total: int | None, said: FirstFailures | None = None
) -> Iterator[Annotation]:
    """The same annotations, with a bar on standard error, if that is a terminal which they are not printed to.

    Members that fail are told when it happens; `said` remembers which, where there are several runs.
    """
    columns = (SpinnerColumn(), BarColumn(24), MofNCompleteColumn(), _Questions(ner), TimeElapsedColumn())
    hidden = not err.is_terminal or sys.stdout.isatty()
    bar = Progress(*columns, console=err, transient=True, disable=hidden)
    with bar, _heard(ner, hidden, said or FirstFailures()):
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
        self._said = FirstFailures()

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
            with _heard(ner, not err.is_terminal, self._said):
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
        said = f"texts · {sum(c.asked for c in costs):,} questions, {sum(c.calls for c in costs):,} calls"
        return Text(one_line(" · ".join([said, *(waits(self.ner) if self.ner else ())]), 160))


def waits(ner: EL4NER) -> list[str]:
    """What models say that they wait for (`waiting`, which not every engine has), each once."""
    said = (getattr(member.model, "waiting", "") for member in ner.members)
    return list(dict.fromkeys(filter(None, said)))


@contextmanager
def _heard(ner: EL4NER, hidden: bool, failures: FirstFailures) -> Iterator[None]:
    """Failures are said when they happen; where there is no bar, so is that nothing has finished, ever more rarely."""
    over = threading.Event()

    def listen() -> None:
        pause, seen = _SILENCE, 0
        due = time.monotonic() + pause
        while not over.wait(min(_LOOK, _SILENCE)):
            failures.tell(ner.failures)
            if not hidden or time.monotonic() < due:
                continue
            asked, calls = (sum(getattr(cost, name) for cost in ner.costs) for name in ("asked", "calls"))
            if asked == seen or waits(ner):
                told = "; ".join(waits(ner)) or "models are at work"
                say(f"still here: {asked:,} questions, {calls:,} calls; {told}", "dim")
                pause = min(2 * pause, _LONGEST * _SILENCE)
            seen, due = asked, time.monotonic() + pause

    thread = threading.Thread(target=listen, name="el4ner-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        failures.tell(ner.failures)
