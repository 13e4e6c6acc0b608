"""Where things are printed: data on standard output, everything else on standard error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from el4ner.cli.streams import let_go
from el4ner.text.printable import one_line, printable


class Printer(Console):
    """A console on which the words of others (recipes, data sets, servers) cannot command the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich does it; what are no control codes of its own is made printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


out = Printer(highlight=False, markup=False, emoji=False)
err = Printer(stderr=True, highlight=False, markup=False, emoji=False)


def say(line: str, style: str = "") -> None:
    """One line on standard error, however long. Where nobody can be told, nothing is wrong."""
    try:
        err.print(Text(one_line(line, 4000), style=style), soft_wrap=True)
    except OSError:
        let_go(2)


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
