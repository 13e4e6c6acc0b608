"""What commands that ask models begin with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from el4ner.cli.consent import ready
from el4ner.cli.console import err, say
from el4ner.files import at_home

if TYPE_CHECKING:
    from el4ner.formats import FileLayout
    from el4ner.models.gguf.build import Expert
    from el4ner.models.store import Store
    from el4ner.pipeline import EL4NER
    from el4ner.pool.pool import Pool
    from el4ner.recipes.settings import Recipe


def read_pool(path: Path, labels: Path | None, format: str | None = None, layout: FileLayout | None = None) -> Pool:
    """The pool, with the labels of a file and in the format that are named, if any."""
    from el4ner.pool.pool import Pool

    return Pool.read(path, labels, format, layout)


def files_read(pool: Path, labels: Path | None, recipe: str) -> list[Path | None]:
    """The files that a command reads for an ensemble, and must not overwrite, as far as they are there."""
    return [pool, pool / "train.jsonl", pool / "meta.json", labels, at_home(recipe)]


def open_ensemble(
    recipe: str, pool: Pool, store: Store | None, replay: bool = False, allow_env: Sequence[str] | None = None
) -> tuple[EL4NER, float]:
    """An ensemble, and the seconds that it took to open. Says what it is doing, and where texts go."""
    from el4ner.models.gguf.build import built
    from el4ner.recipes.load import load_recipe

    settings = load_recipe(recipe) if replay else ready(recipe, allow_env)
    models = ", ".join(dict.fromkeys(member.model for member in settings.members)) or "no model"
    voters = [member.name for member in settings.members] + ["the random field"] * settings.crf.votes
    whose = "" if models == ", ".join(voters) else f" for {', '.join(voters)}"
    say(f"{'replaying' if replay else 'opening'} {models}{whose} ...", "dim")
    if not replay and not built(settings.used):
        say("making the models' files, once ...", "dim")
        merged(settings)
    from el4ner.pipeline import EL4NER

    began = time.perf_counter()
    ner = EL4NER.from_recipe(settings, pool, store=store, replay=replay)
    return ner, time.perf_counter() - began


@contextmanager
def opened(
    recipe: str, pool: Pool, store: Store | None, replay: bool, allow_env: Sequence[str] | None
) -> Iterator[EL4NER]:
    """An ensemble on a store; both are closed at the end."""
    with (
        closing(store) if store else nullcontext(),
        closing(open_ensemble(recipe, pool, store, replay, allow_env)[0]) as ner,
    ):
        yield ner


def merged(recipe: Recipe) -> list[Expert]:
    """The files of the recipe's embedded models, made with a bar on standard error where they are missing."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from el4ner.models.gguf.build import build
    from el4ner.recipes.export import experts

    models = experts(recipe)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks = {name: bar.add_task(name, total=1.0) for name in models}
        return list(build(models, lambda name, share: bar.update(tasks[name], completed=share)))
