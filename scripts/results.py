"""Write docs/results.md from runs that `el4ner compare` and `el4ner ablate` have kept. Asks no model.

    uv run python scripts/results.py RUNS [-o docs/results.md] [--ablated nano bare]

RUNS/compare and RUNS/ablate are what the two commands were given with -o. What stands between the findings' marks of
the file that is there already is kept.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from el4ner.errors import El4nerError
from el4ner.evaluate.ablate import GROUPS, variants
from el4ner.evaluate.experiment import weights
from el4ner.evaluate.run import load
from el4ner.evaluate.sets.known import known_sets
from el4ner.evaluate.table import Result, Table, result, tabulate
from el4ner.evaluate.table_formats import escaped, grid, parameters, scores
from el4ner.recipes.load import load_recipe, recipe_names
from el4ner.recipes.settings import Recipe

OPEN, CLOSE = "<!-- findings: kept when this file is written again -->", "<!-- end of findings -->"
STAGES = ["recipe", "data", "seed", "ceiling", "precision of candidates", "types right", "verifiers dropped +/-"]
STAGES += ["threshold, overlap dropped +/-", "not in the text", "cut off", "abstained"]
LEGEND = (
    "Ceiling: recall of the union of stage 2, as spans, and its precision. Types right: of the candidates that are gold"
    " spans. Dropped: rightly / wrongly. The last three count listed strings without a place in the text, lists that"
    " the token limit broke off, and answers of no use."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--ablated", nargs="+", default=["nano", "bare"], help="recipes that `ablate` was given")
    args = parser.parse_args()
    try:
        text = document(args.runs, args.ablated, findings(args.output))
    except El4nerError as error:
        sys.exit(f"error: {error}")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(text, "utf-8")


def document(runs: Path, ablated: Sequence[str], kept: str) -> str:
    """The whole page."""
    compared, left_out = read(runs / "compare"), read(runs / "ablate")
    names = list(dict.fromkeys(one.setup.data for one in (*compared, *left_out)))
    parts = ["# Results", f"Written by `scripts/results.py` from kept runs.\n\n{OPEN}\n{kept}\n{CLOSE}"]
    parts += ["## Recipes on data sets", *comparison(runs, compared)]
    parts += ["## Ablations", *(part for name in ablated for part in ablations(runs, left_out, name))]
    parts += ["## Data", "\n".join(f"- {escaped(name)}: {source(name)}" for name in names) or "None."]
    return "\n\n".join(parts) + "\n"


def findings(file: Path) -> str:
    """What somebody wrote between the marks."""
    text = file.read_text("utf-8") if file.exists() else ""
    return text.partition(OPEN)[2].partition(CLOSE)[0].strip()


def read(folder: Path) -> list[Result]:
    """All runs of a folder: nano's first, then those of the other recipes, by data set and seed."""
    results = [result(load(file.parent)) for file in sorted(folder.glob("*/*/run.json"))]
    return sorted(results, key=lambda one: (one.setup.recipe.name != "nano", *_names(one), one.setup.seed))


def _names(one: Result) -> tuple[str, str]:
    return one.setup.recipe.name, one.setup.data


def comparison(runs: Path, results: Sequence[Result]) -> list[str]:
    """Scores, stages and costs. Shipped recipes that were not run say so."""
    table = tabulate(results)
    others = [name for name in recipe_names() if name not in table.recipes]
    everything = replace(table, recipes=(*table.recipes, *others))
    if not results:
        return ["Not run."]
    chosen = [part for name in table.recipes for part in ("-r", name if name in recipe_names() else f"{name}.toml")]
    return [
        command("compare", chosen, results, runs),
        facts(results),
        scores(everything),
        "### By stage",
        grid(STAGES, map(stage_row, results)),
        LEGEND,
        "### Cost",
        costs(table),
        "The same runs; tokens of all answers, those from the reply store included.",
    ]


def ablations(runs: Path, results: Sequence[Result], ablated: str) -> list[str]:
    """A table for each data set that the recipe itself ran on, its comparisons corrected on their own.

    Variants that were not run say so.
    """
    base = load_recipe(ablated)
    varied = variants(base)
    recipes = [base, *(variant.recipe for variant in varied)]
    parts: list[str] = []
    for data in dict.fromkeys(one.setup.data for one in results):
        known = [one for one in results if one.setup.data == data]
        found = [named for recipe in recipes for one in known if (named := under_name(one, recipe))]
        if not found or found[0].setup.recipe != base:
            continue
        parts.append(f"### {escaped(ablated)} on {escaped(data)}")
        groups = {v.group for v in varied if any(one.setup.recipe == v.recipe for one in found)}
        only = [part for group in GROUPS if group in groups for part in ("--only", group)]
        ran = {one.setup.recipe.name for one in found}
        table = replace(tabulate(found), recipes=tuple(recipe.name for recipe in recipes if recipe.name in ran))
        missing = [
            escaped(variant.recipe.name.partition(": ")[2]) for variant in varied if variant.recipe.name not in ran
        ]
        whole = {v.group for v in varied} == groups
        line = command("ablate", ["-r", ablated, *([] if whole else only)], found, runs)
        parts += [line, facts(found), scores(table)]
        parts += [f"Not run: {', '.join(missing)}."] if missing else []
    return parts or [f"{escaped(ablated)}: not run."]


def under_name(one: Result, recipe: Recipe) -> Result | None:
    """The result as that recipe's, if its settings are the recipe's: --only can give a variant another name."""
    own = one.setup.recipe.model_copy(update={"name": recipe.name, "description": recipe.description})
    return replace(one, setup=replace(one.setup, recipe=recipe)) if own == recipe else None


def command(name: str, recipes: Sequence[str], results: Sequence[Result], runs: Path) -> str:
    """What makes these runs, and prints them."""
    setup = results[0].setup
    words = ["el4ner", name, *recipes]
    words += [part for data in dict.fromkeys(one.setup.data for one in results) for part in ("-d", data)]
    words += ["--split", setup.split, *(["--limit", str(setup.limit)] if setup.limit else [])]
    words += ["--seeds", ",".join(map(str, dict.fromkeys(one.setup.seed for one in results)))]
    line = shlex.join([*words, "-o", f"{runs.resolve().name}/{name}"]).replace("`", "'").replace("\n", " ")
    return f"```sh\n{line}\n```"


def facts(results: Sequence[Result]) -> str:
    """Split, texts and pool of each data set, version, and recipes that are no longer what they were."""
    versions = ", ".join(sorted({one.setup.version for one in results}))
    texts = {one.setup.data: one for one in results}
    counts = {(one.setup.split, one.report.texts) for one in texts.values()}
    if len(counts) == 1:
        ((split, count),) = counts
        lines = [f"Split {escaped(split)}, {count:,} texts of each data set and seed"]
    else:
        lines = [f"{escaped(d)}: split {escaped(o.setup.split)}, {o.report.texts:,} texts" for d, o in texts.items()]
    leaks = [f"{escaped(data)} {one.setup.left_out}" for data, one in texts.items() if one.setup.left_out]
    lines += [f"Examples left out of the pool because their text is scored: {', '.join(leaks)}"] if leaks else []
    shipped = {name: load_recipe(name) for name in recipe_names()}
    old = {
        recipe.name
        for one in results
        if (recipe := one.setup.recipe).name in shipped
        and (shipped[recipe.name] != recipe or weights(recipe) != one.setup.weights)
    }
    lines += (
        [f"Run with other settings or weights than the recipe has now: {escaped(', '.join(sorted(old)))}"]
        if old
        else []
    )
    return f"el4ner {escaped(versions)}. " + ". ".join(lines) + "."


def stage_row(one: Result) -> list[str]:
    told = one.report.stages
    return [
        *map(escaped, _names(one)),
        str(one.setup.seed),
        f"{told.candidates.recall:.3f}",
        f"{told.candidates.precision:.3f}",
        f"{told.classification.value:.3f}",
        f"{told.verified.rightly:,} / {told.verified.wrongly:,}",
        f"{told.decided.rightly:,} / {told.decided.wrongly:,}",
        *(f"{count:,}" for count in (told.ungrounded, told.cut, told.abstained)),
    ]


def costs(table: Table) -> str:
    """Tokens and questions a text, and the weights."""
    header = ["recipe", "data", "prompt tokens / text", "generated / text", "questions / text", "parameters"]
    return grid(header, _costs(table))


def _costs(table: Table) -> Iterable[list[str]]:
    for cell in table.cells.values():
        a_text = [count / cell.texts for count in (cell.bill.prompt, cell.bill.generated, cell.bill.asked)]
        numbers = [f"{a_text[0]:,.0f}", f"{a_text[1]:,.0f}", f"{a_text[2]:,.1f}"]
        yield [escaped(cell.recipe), escaped(cell.data), *numbers, parameters(cell.bill.parameters)]


def source(name: str) -> str:
    """A public set's licence and origin."""
    known = known_sets().get(name)
    return f"{escaped(known.notice)} {known.base}" if known else "not one of the public sets"


if __name__ == "__main__":
    main()
