"""`el4ner plot`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from el4ner.cli.console import say


class Picture(StrEnum):
    """What is drawn."""

    COST = "cost"
    K = "k"
    RELIABILITY = "reliability"
    CONFUSION = "confusion"


Wanted = Annotated[
    Picture,
    typer.Argument(help="F1 against cost or k (demonstrations), whether scores can be trusted, or types confused."),
]
Folders = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Folders of runs, or folders that hold such folders.")
]
File = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The picture, .png or .svg.")]


def plot(picture: Wanted, runs: Folders, output: File) -> None:
    """Draw runs: F1 against cost or demonstrations, the reliability of scores, or which types are taken for which."""
    from el4ner.evaluate import plots
    from el4ner.evaluate.calibration import calibration
    from el4ner.evaluate.mistakes.confusion import confusion
    from el4ner.evaluate.plot_points import points, read_runs, texts_by_recipe

    found = read_runs(runs)
    match picture:
        case Picture.COST:
            plots.plot_cost(points(found), output)
        case Picture.K:
            plots.plot_k(points(found), output)
        case Picture.RELIABILITY:
            told = {name: calibration(texts) for name, (texts, _) in texts_by_recipe(found).items()}
            plots.plot_reliability(told, output)
        case Picture.CONFUSION:
            matrices = {name: confusion(texts, types) for name, (texts, types) in texts_by_recipe(found).items()}
            plots.plot_confusion(matrices, output)
    say(f"the picture is in {output}", "dim")
