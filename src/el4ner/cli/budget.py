"""--dry-run, --max-tokens and --max-seconds: what a run would cost, and where it is to stop."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.failures import STRICT

if TYPE_CHECKING:
    from el4ner.data import Document
    from el4ner.evaluate.forecast import Forecast
    from el4ner.models.store import Store
    from el4ner.pipeline import EL4NER

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Ask nobody: say how many questions, tokens, seconds and how much money.")
]
MaxTokens = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Begin no more texts once so many tokens were paid for; exit code 3."),
]
MaxSeconds = Annotated[
    float | None, typer.Option(min=0, metavar="N", help="Begin no more texts after so many seconds; exit code 3.")
]


class Spent(Exception):
    """The budget is spent: what is written stays a part."""


class Allowance:
    """Lets texts through while there is something left. `spent` says why it stopped; "" if it did not."""

    def __init__(self, tokens: int | None, seconds: float | None) -> None:
        self._tokens, self._seconds = tokens, seconds
        self._began = time.perf_counter()
        self.spent = ""

    def within(self, documents: Iterable[Document], ner: EL4NER) -> Iterator[Document]:
        """The texts, up to where the budget ends. Those that are under way by then are finished."""
        for document in documents:
            tokens = sum(cost.prompt + cost.generated for cost in ner.costs)
            seconds = time.perf_counter() - self._began
            if self._tokens is not None and tokens >= self._tokens:
                self.spent = f"{tokens:,} tokens were paid for (--max-tokens {self._tokens})"
            elif self._seconds is not None and seconds >= self._seconds:
                self.spent = f"{seconds:.0f} seconds have passed (--max-seconds {self._seconds:g})"
            if self.spent:
                return
            yield document

    def check(self) -> None:
        """Raises `Spent` where it stopped."""
        if self.spent:
            raise Spent


def end_early(why: str, output: Path | None, no_store: bool) -> None:
    """Say that the run is not done, where its lines are, and end the command."""
    where = "" if output is None or str(output) == "-" else f"; the texts so far are in {output}.part"
    again = "nothing was remembered" if no_store else "run it again with more, and it goes on where it stopped"
    say(f"stopped: {why}{where}; {again}", "yellow")
    raise typer.Exit(STRICT)


def tell_forecast(ner: EL4NER, documents: Iterable[Document], store: Store | None) -> None:
    """Print what a run would ask, and what that would take."""
    from el4ner.ensemble.rates import known_rates
    from el4ner.evaluate.forecast import forecast
    from el4ner.view.render import grid

    told = forecast(ner, documents, store)
    table = grid("stage", "member", "questions", "tokens read", "generated", "in the store")
    for share in told.shares:
        cells = [_range(pair) for pair in (share.questions, share.prompt, share.generated)]
        mark = "" if share.exact else " ~"
        table.add_row(share.stage + mark, Text(share.member), *cells, f"{share.known:,}")
    out.print(table)
    sums = {what: _range(told.total(what)) for what in ("questions", "prompt", "generated")}
    out.print(
        f"texts {told.texts:,} · questions {sums['questions']} · tokens read {sums['prompt']}"
        f" · generated {sums['generated']}",
        soft_wrap=True,
    )
    out.print(_seconds(told, known_rates({share.stage for share in told.shares}, ner.members)), soft_wrap=True)
    prices = {m.name: price for m in ner.recipe.members if (price := ner.recipe.models[m.model].price()) is not None}
    if prices:
        low, high = told.price(prices)
        out.print(f"price {low:,.4f} to {high:,.4f} (price_per_million of {', '.join(prices)})")
    for line in told.assumed:
        say(f"assumed (~): {line}", "dim")


def _range(pair: tuple[int, int]) -> str:
    low, high = pair
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _seconds(told: Forecast, rates: Mapping[tuple[str, str], float]) -> str:
    if not any(told.total("questions")):
        return "seconds 0: the reply store knows all of it"
    seconds = told.seconds(rates)
    if seconds is None:
        return "seconds unknown: these models were not at work on this machine yet; a run of 20 texts will tell"
    return f"seconds {seconds[0]:,.0f} to {seconds[1]:,.0f}, at the rate that this machine last had"
