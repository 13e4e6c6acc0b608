"""`el4ner pool audit`: labels of the pool that the ensemble, without them, does not believe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.failures import Strict, end_strictly, tell_failures
from el4ner.cli.opening import files_read, opened, read_pool
from el4ner.cli.options import AllowEnv, LabelsFile, NoStore, RecipeName, Replay, StoreFile, open_store
from el4ner.cli.output import expect_place, lines_to

if TYPE_CHECKING:
    from el4ner.evaluate.audit import Suspect

Limit = Annotated[int, typer.Option(min=0, metavar="N", help="Show so many here; all of them go to -o.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write all suspects as JSONL.")]


def audit(
    pool: Annotated[Path, typer.Argument(metavar="FILE", help="A pool: JSONL, CoNLL, or a folder with train.jsonl.")],
    labels: LabelsFile = None,
    recipe: RecipeName = "nano",
    output: Output = None,
    limit: Limit = 20,
    store: StoreFile = None,
    no_store: NoStore = False,
    replay: Replay = False,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Find suspect labels: each example is annotated as if the pool lacked it, and held against its labels.

    The surest contradictions come first, each with the examples that speak against the label. Either side may be
    wrong. What was answered is in the reply store: after a correction, only what it touches is asked again.
    """
    from el4ner.cli.progress import watched
    from el4ner.evaluate.audit import audit, left_out
    from el4ner.formats.jsonl import dumps

    inputs = files_read(pool, labels, recipe)
    expect_place(output, inputs)
    held = read_pool(pool, labels)
    with opened(recipe, held, open_store(store, no_store, replay), replay, allow_env) as ner:
        suspects = audit(ner, watched(left_out(ner), ner, len(held.examples)))
        failed = tell_failures(ner.failures)
    if output is not None:
        with lines_to(output, inputs) as write:
            for suspect in suspects:
                write(dumps(suspect.record()))
    _show(suspects[:limit])
    say(
        f"examples {len(held.examples):,} · suspect labels {len(suspects):,} · shown {min(limit, len(suspects)):,}",
        "dim",
    )
    end_strictly(strict, failed)


def _show(suspects: list[Suspect]) -> None:
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid

    table = grid("sure", "example", "in the pool", "found", "read in")
    for suspect in suspects:
        sides = [_said(suspect, of_gold) for of_gold in (True, False)]
        read = one_line(", ".join(suspect.against), 40)
        table.add_row(f"{suspect.sureness:.2f}", Text(one_line(suspect.example.id, 20)), *map(Text, sides), Text(read))
    out.print(table)


def _said(suspect: Suspect, of_gold: bool) -> str:
    from el4ner.text.printable import one_line

    mention = suspect.pair.gold if of_gold else suspect.pair.found
    if mention is None:
        return "–"
    return f"{one_line(suspect.example.text[mention.start : mention.end], 40)} ({one_line(mention.label or '', 30)})"
