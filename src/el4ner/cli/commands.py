"""All commands, and what their errors come to."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from el4ner.cli import (
    annotate,
    audit,
    check,
    compare,
    data,
    demo,
    errors,
    evaluate,
    experts,
    look,
    plot,
    review,
    serve,
    tune,
    update,
)
from el4ner.cli.console import Warnings, out, say
from el4ner.cli.streams import let_go
from el4ner.cli.verbose import VERBOSE, listen
from el4ner.errors import El4nerError
from el4ner.files import at_home


class HomeCommand(TyperCommand):
    """A command that can say what it does (-v), and in whose paths `~` is the user's home, also where no shell has seen
    it, as in `--pool=~/pool.jsonl`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes -v out, wherever it stands; before the command's name, too, it is heard."""
        end = args.index("--") if "--" in args else len(args)
        said = [arg for arg in args[:end] if arg in VERBOSE]
        if said:
            listen(sum(VERBOSE[arg] for arg in said))
        return super().parse_args(ctx, [arg for arg in args[:end] if arg not in VERBOSE] + args[end:])

    def invoke(self, ctx: Any) -> Any:
        """Calls the function, with such paths."""
        for name, value in ctx.params.items():
            if isinstance(value, Path):
                ctx.params[name] = at_home(value)
            elif isinstance(value, list):
                ctx.params[name] = [at_home(item) if isinstance(item, Path) else item for item in value]
        return super().invoke(ctx)


app = typer.Typer(
    name="el4ner",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo.demo, annotate.annotate, annotate.explain):
    app.command()(command)
for seen in (look.show, look.decide, look.diff, update.update):
    app.command()(seen)
for asked in (check.recipes, check.doctor, tune.tune):
    app.command()(asked)
app.command("eval")(evaluate.evaluate)
app.command()(review.review)
app.command()(serve.serve)
for other in (errors.errors, compare.compare, compare.ablate, plot.plot, check.store):
    app.command()(other)
pools = typer.Typer(no_args_is_help=True, help="Labelled examples.")
pools.command("check")(check.check)
pools.command("audit")(audit.audit)
sets = typer.Typer(no_args_is_help=True, help="Data sets to score on.")
sets.command("list")(data.list_sets)
sets.command("fetch")(data.fetch_set)
sets.command("convert")(data.convert)
merged = typer.Typer(no_args_is_help=True, help="Adapters, merged into their base models.")
merged.command("build")(experts.build)
merged.command("export")(experts.export)
for name, group in (("pool", pools), ("data", sets), ("experts", merged)):
    app.add_typer(group, name=name)
for known in (app, pools, sets, merged):
    for registered in known.registered_commands:
        registered.cls = HomeCommand


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out.print(f"el4ner {version('el4ner')}")
        raise typer.Exit


@app.callback()
def _main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Say what is done (also behind a command); -vv: more.")
    ] = 0,
) -> None:
    """Named entity recognition by an ensemble of small, open language models that read a few labelled examples.

    Exit codes: 0 done, 1 an error that the last line names, 2 wrong usage, 3 a member failed (with --strict), 130
    interrupted.
    """
    if verbose:
        listen(verbose)


@pools.callback()
def _pools() -> None:
    """Labelled examples."""


@sets.callback()
def _sets() -> None:
    """Data sets to score on."""


def run() -> None:
    """Run the command that the arguments name. Exits with the codes that `el4ner.cli` tells of."""
    warnings.showwarning = Warnings()
    try:
        app()
    except El4nerError as error:
        say(f"error: {error}", "red")
        sys.exit(1)
    except BrokenPipeError:
        raise  # whoever reads has enough
    except OSError as error:  # a full disk behind standard output, say
        where = error.filename or "standard output"
        say(f"error: {where}: cannot be used ({error.strerror or error}); see where it leads, and run again", "red")
        let_go(1)
        sys.exit(1)
