"""The commands that look at things: `pool check`, `recipes`, `doctor`, `store`."""

from __future__ import annotations

import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.consent import ready
from el4ner.cli.console import out, say
from el4ner.cli.opening import read_pool
from el4ner.cli.options import AllowEnv, Columns, FormatName, LabelsFile, RecipeName, SchemeName, StoreFile, file_layout
from el4ner.cli.output import lines_to

if TYPE_CHECKING:
    from el4ner.ensemble.doctor import Diagnosis, Outlook
    from el4ner.recipes.settings import Recipe

_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A pool: JSONL, CoNLL, or a folder with train.jsonl.")],
    labels: LabelsFile = None,
    format: FormatName = None,
    column: Columns = None,
    scheme: SchemeName = "prefixed",
) -> None:
    """Look a pool over before anything is paid for: labels, offsets, repeats. Exit code 1 if it holds errors."""
    from el4ner.pool.check import Severity, check
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid

    report = check(read_pool(file, labels, format, file_layout(column, scheme)))
    counts = grid("label", "entities", "examples")
    for count in report.labels:
        counts.add_row(Text(one_line(count.label)), f"{count.entities:,}", f"{count.examples:,}")
    out.print(counts)
    out.print(
        f"{report.with_entities:,} examples with entities, {report.without_entities:,} without;"
        f" {report.nested:,} nested pairs of entities, {report.overlapping:,} crossing"
    )
    if report.oddities:
        found = grid("", "example", "finding")
        for oddity in report.oddities:
            severity = Text(oddity.severity, style=_COLOURS[oddity.severity])
            found.add_row(severity, Text(one_line(oddity.example or "")), Text(one_line(oddity.message, 400)))
        out.print(found)
    counted = [(len(report.of(severity)), severity) for severity in Severity]
    out.print(", ".join(f"{count:,} {severity}{'s' * (count != 1)}" for count, severity in counted))
    if report.of(Severity.ERROR):
        raise typer.Exit(1)


def recipes(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this one's TOML text.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Print all its settings: those of its base and the defaults, too.")
    ] = False,
) -> None:
    """List the recipes that come with the package, or print one: a start for a file of your own."""
    from el4ner.recipes.load import load_recipe, recipe_names, recipe_text
    from el4ner.recipes.write import recipe_toml
    from el4ner.view.render import grid

    if name is not None:
        with lines_to(None) as write:
            write((recipe_toml(load_recipe(name)) if full else _without_secrets(recipe_text(name))).rstrip("\n"))
        return
    if full:
        raise typer.BadParameter("name the recipe to print, as in `el4ner recipes nano --full`")
    table = grid("recipe", "members", "what it is")
    for known in recipe_names():
        recipe = load_recipe(known)
        table.add_row(known, str(len(recipe.members)), Text(recipe.description))
    out.print(table)


def _without_secrets(text: str) -> str:
    """A recipe's text as it stands in its file, but for passwords and keys."""
    from el4ner.models.masked import masked, secrets, without

    try:
        hidden = set(secrets(tomllib.loads(text)))
    except (tomllib.TOMLDecodeError, RecursionError):  # it is shown all the same
        hidden = set()
    return str(masked(without(text, hidden)))


Mended = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the recipe here as its servers take it.")
]


def doctor(recipe: RecipeName = "nano", allow_env: AllowEnv = None, output: Mended = None) -> None:
    """Ask a recipe's models what they can do, and say what will degrade. Exit code 1 if one is not there.

    First of all it says which model is where, and which key goes there: by the name of the variable.
    """
    from el4ner.ensemble.doctor import examine

    settings = ready(recipe, allow_env, quiet=True)
    _print_outlets(settings)
    say(f"asking the models of {settings.name} ...", "dim")
    missing = False
    for diagnosis, outlooks in examine(settings):
        _print_diagnosis(diagnosis)
        _print_outlooks(outlooks)
        missing = missing or bool(diagnosis.error)
    if output is not None:
        _write_mended(settings, output)
    elif missing:
        raise typer.Exit(1)


def _write_mended(recipe: Recipe, output: Path) -> None:
    """The recipe as its servers take it."""
    from el4ner.cli.output import write_text
    from el4ner.recipes.write import recipe_toml

    models = {name: settings.mended() for name, settings in recipe.models.items()}
    write_text(output, recipe_toml(recipe.model_copy(update={"models": models})))
    say(f"the recipe as its servers take it is in {output}")


def _print_outlets(recipe: Recipe) -> None:
    for name, settings in recipe.used.items():
        if outlet := settings.outlet():
            out.print(Text(f"{name}: texts go to {outlet.origin}/ {outlet.with_key}"), soft_wrap=True)
        else:
            out.print(Text(f"{name}: in this process, nothing leaves it"), soft_wrap=True)


def _print_diagnosis(diagnosis: Diagnosis) -> None:
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid, yes_or_no

    asked = f", asked in the style {diagnosis.style}" if diagnosis.style else ""
    out.print(Text(f"\n{one_line(diagnosis.model)}{asked}", style="bold"))
    for line in diagnosis.advice:
        out.print(Text(f"write under [models.{diagnosis.model}]: {line}", style="yellow"), soft_wrap=True)
    if diagnosis.error:
        out.print(Text(f"not there: {one_line(diagnosis.error, 400)}", style="red"))
        return
    out.print(Text(f"is {one_line(diagnosis.identity, 400)}"), soft_wrap=True)
    if not diagnosis.findings:
        return
    table = grid("", "", "")
    table.show_header = False
    for finding in diagnosis.findings:
        style = {True: "green", False: "red", None: "yellow"}[finding.holds]
        table.add_row(finding.question, Text(yes_or_no(finding.holds), style=style), Text(one_line(finding.detail)))
    out.print(table)


def _print_outlooks(outlooks: list[Outlook]) -> None:
    from el4ner.text.printable import one_line

    for outlook in outlooks:
        for loss in outlook.losses or ("nothing degrades",):
            out.print(Text(one_line(f"{outlook.member}: {loss}", 400), style="yellow" if outlook.losses else "green"))


def store(
    store: StoreFile = None,
    prune: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Forget replies that are older than so many days.")
    ] = None,
) -> None:
    """Show what the reply store holds, by model, and what it did cost once."""
    from el4ner.models.store import Store, store_path
    from el4ner.text.printable import one_line
    from el4ner.view.render import grid

    path = store_path(store)
    if not path.exists():
        out.print(Text(f"{path}: nothing is stored yet"), soft_wrap=True)
        return
    table = grid("model", "replies", "prompt tokens", "generated tokens")
    with closing(Store.open(path)) as opened:
        if prune is not None:
            say(f"{opened.prune(prune):,} replies forgotten")
        for held in opened.holdings():
            table.add_row(Text(one_line(held.model)), f"{held.replies:,}", f"{held.prompt:,}", f"{held.generated:,}")
        if lost := opened.unreadable():
            say(f"{lost:,} replies cannot be read: they are asked again when they are needed", "yellow")
    out.print(Text(f"{path}: {path.stat().st_size / 1e6:,.2f} MB"), soft_wrap=True)
    out.print(table)
