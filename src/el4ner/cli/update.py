"""`el4ner update`: what a changed pool changes in texts that are annotated already."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.failures import Strict, end_strictly, tell_failures
from el4ner.cli.opening import files_read, opened, read_pool
from el4ner.cli.options import AllowEnv, LabelsFile, PoolFile, RecipeName, StoreFile, open_store
from el4ner.cli.output import expect_place, lines_to

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from el4ner.annotation import Annotation

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `el4ner annotate` wrote: it is replaced at the end.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="NEW", help="Write here, and leave FILE as it is.")
]


def update(
    file: File,
    pool: PoolFile,
    labels: LabelsFile = None,
    recipe: RecipeName = "nano",
    output: Output = None,
    store: StoreFile = None,
    strict: Strict = False,
    allow_env: AllowEnv = None,
) -> None:
    """Annotate again after the pool has changed, and say what that changed.

    Only texts that now read other demonstrations are asked about: all else is in the reply store of the first run. Give
    the recipe and types (--labels) of that run: with others, everything is asked again. Lines with evidence keep some.
    """
    from el4ner.cli.progress import watched
    from el4ner.data import Document
    from el4ner.evaluate.changes import changed
    from el4ner.evaluate.mistakes.match import match
    from el4ner.formats.annotations import read_annotations
    from el4ner.formats.jsonl import dumps

    inputs = files_read(pool, labels, recipe)
    expect_place(output, [file, *inputs])
    old = list(read_annotations(file))
    counts: Counter[str] = Counter()
    with opened(recipe, read_pool(pool, labels), open_store(store, False), False, allow_env) as ner:
        _warn_of_types(old, {label.name for label in ner.pool.labels})
        documents = [Document(annotation.id, annotation.text, annotation.meta) for annotation in old]
        annotations = watched(ner.annotate(documents), ner, len(old))
        with lines_to(output or file, inputs) as write:
            for before, after in zip(old, annotations, strict=True):
                write(dumps(after.record(evidence=bool(before.traces or before.ballots))))
                for what, line in changed(match(before.entities, after.entities), after.text):
                    counts[what] += 1
                    out.print(Text.assemble((f"{after.id}  ", "dim"), line), soft_wrap=True)
        asked, calls = sum(cost.asked for cost in ner.costs), sum(cost.calls for cost in ner.costs)
        failed = tell_failures(ner.failures)
    told = [f"{what} {count:,}" for what, count in sorted(counts.items())] or ["no change"]
    say(" · ".join([f"texts {len(old):,}", *told, f"questions {asked:,}", f"of these asked {calls:,}"]), "dim")
    end_strictly(strict, failed)


def _warn_of_types(old: Sequence[Annotation], labels: Collection[str]) -> None:
    """Other types are other prompts: all would be asked again, which is hardly what was meant."""
    from el4ner.text.printable import one_line

    found = {entity.label for annotation in old for entity in annotation.entities}.difference(labels)
    if found:
        names = one_line(", ".join(sorted(found)), 100)
        say(f"warning: FILE holds types that are not asked for now ({names}); were they in --labels?", "yellow")
