"""`el4ner demo`."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.failures import Strict, end_strictly, tell_failures
from el4ner.cli.opening import open_ensemble
from el4ner.cli.options import AllowEnv, RecipeName
from el4ner.cli.output import write_text

Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the same as a web page.")]


def demo(html: Page = None, recipe: RecipeName = "nano", strict: Strict = False, allow_env: AllowEnv = None) -> None:
    """Annotate a dozen texts that come with the package, and show who voted what and where the time went.

    Nothing is taken from the reply store or put there, so that the times are real.
    """
    from rich.padding import Padding

    from el4ner.cli.progress import watched
    from el4ner.pool.demo import demo_pool, demo_texts
    from el4ner.text.marks import palette
    from el4ner.view.page import page
    from el4ner.view.render import cost_table, entity_table, highlight, legend, spent

    pool, texts = demo_pool(), demo_texts()
    ner, opening = open_ensemble(recipe, pool, None, allow_env=allow_env)
    say(f"annotating {len(texts)} texts after {len(pool.examples)} labelled examples ...", "dim")
    began = time.perf_counter()
    with closing(ner):
        annotations = list(watched(ner.annotate(texts), ner, len(texts)))
        seconds = time.perf_counter() - began
    members = ner.voters
    colours = palette([label.name for label in pool.labels])
    out.print(legend(colours))
    for annotation in annotations:
        out.print(Text(f"\n{annotation.id}", style="dim"))
        out.print(highlight(annotation.text, annotation.entities, colours))
        if annotation.entities:
            out.print(Padding(entity_table(annotation, members, colours), (0, 0, 0, 2)))
    out.print(Text("\nWhere the time went", style="bold"))
    out.print(cost_table(ner.costs))
    note = spent(ner.busy, seconds, opening)
    out.print(Text(note))
    if html is not None:
        write_text(html, page(f"el4ner demo: {ner.recipe.name}", annotations, pool.labels, members, ner.costs, note))
        say(f"the page is in {html}")
    end_strictly(strict, tell_failures(ner.failures, sum(len(one.entities) for one in annotations)))
