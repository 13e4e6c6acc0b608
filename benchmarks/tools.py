"""How fast el4ner is, and how well it does, beside other tools on the same model, texts and machine.

    uv run benchmarks/tools.py --data DATA/wnut17 [--texts 100] [--repeats 3] [--systems nano plain ...] [--out DIR]

DATA/wnut17 holds the published data as `train.jsonl`, `dev.jsonl`, `test.jsonl` and `meta.json`. Texts are a sample of
the test split (seed 0), demonstrations and examples come from the train split. The systems run one after the other,
then all again: a change of the machine's speed hits all of them. Each run has a process of its own and finds all caches
empty; opening, and one text to warm up, are not timed. The compared tools live in environments that uv makes for them.

Prints a Markdown table, and writes it, all answers and `results.json` to the folder --out; `plot.py` draws them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server import llama_server
from table import markdown, rows
from task import Task

from el4ner.data import Example
from el4ner.errors import El4nerError
from el4ner.evaluate.experiment import Plan, plan
from el4ner.evaluate.sets.dataset import open_dataset, sample
from el4ner.recipes.load import load_recipe

HERE = Path(__file__).parent
EXAMPLES = 5


@dataclass(frozen=True)
class Contender:
    """A script, the variant that it is asked for, and whether it needs the llama.cpp server."""

    script: str
    variant: str
    served: bool = False


CONTENDERS = {
    "nano": Contender("run_el4ner.py", "nano"),
    "engine": Contender("run_el4ner.py", "engine"),
    "cached": Contender("run_el4ner.py", "cached"),
    "plain": Contender("run_el4ner.py", "plain"),
    "single": Contender("run_el4ner.py", "single", served=True),
    "spacy-llm-4": Contender("run_spacy_llm.py", "4", served=True),
    "spacy-llm-1": Contender("run_spacy_llm.py", "1", served=True),
    "langextract": Contender("run_langextract.py", "as it ships", served=True),
}


def main() -> None:
    """Run what was asked for and print the table."""
    options = _options()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        planned = plan(load_recipe("nano"), open_dataset(options.data), limit=options.texts)
    except El4nerError as error:
        raise SystemExit(f"error: {error}") from None
    (out / "task.json").write_text(json.dumps(_task(planned, options)), "utf-8")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in options.systems}
    for repeat in range(options.repeats):
        for name in list(results):
            result = _run(name, out, repeat, options.threads)
            if result is None:
                del results[name]  # the others go on
            else:
                results[name].append(result)
    table = rows(planned.texts, results)
    (out / "results.json").write_text(json.dumps(table, indent=1), "utf-8")
    text = markdown(table, len(planned.texts), options.repeats)
    (out / "table.md").write_text(text, "utf-8")
    print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder of a data set")
    parser.add_argument("--texts", type=int, default=100, help="texts of the test split (100)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of every system (3)")
    parser.add_argument("--systems", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), help="which (all)")
    parser.add_argument("--out", default=".bench/tools", help="folder for the results (.bench/tools)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the llama.cpp server (all cores)")
    options = parser.parse_args()
    if options.texts < 2 or options.repeats < 1:
        parser.error("at least two texts and one repeat are needed")
    if "engine" in options.systems and "nano" not in options.systems:
        parser.error("the engine is handed nano's questions: add nano to --systems")
    options.systems = [name for name in CONTENDERS if name in options.systems]
    return options


def _task(planned: Plan, options: argparse.Namespace) -> Task:
    entity_bearing = [example for example in planned.pool.examples if example.entities]
    examples = sample(entity_bearing, EXAMPLES, seed=0)
    return {
        "data": str(Path(options.data).resolve()),
        "limit": options.texts,
        "texts": [text.text for text in planned.texts],
        "labels": {label.name: label.description or label.name for label in planned.pool.labels},
        "examples": [_plain(example) for example in examples],
        "warm_up": planned.pool.examples[0].text,
    }


def _plain(example: Example) -> dict[str, Any]:
    return {"text": example.text, "entities": [[e.start, e.end, e.label] for e in example.entities]}


def _run(name: str, out: Path, repeat: int, threads: int) -> dict[str, Any] | None:
    """One run of a system; None (and a word on standard error) where it failed, so that it is left out."""
    contender = CONTENDERS[name]
    folder = out / f"repeat{repeat + 1}"
    folder.mkdir(exist_ok=True)
    result, log = folder / f"{name}.json", folder / f"{name}.log"
    own = contender.script == "run_el4ner.py"
    start = [sys.executable] if own else ["uv", "run", "--quiet", "--script"]
    command = [*start, str(HERE / contender.script), contender.variant, str(out / "task.json"), str(result)]
    served = llama_server(threads) if contender.served else nullcontext("")
    with served as url, log.open("w") as said:
        done = subprocess.run([*command, *filter(None, [url])], stdout=said, stderr=subprocess.STDOUT)
    if done.returncode:
        print(f"{name}: failed in repeat {repeat + 1} and is left out; see {log}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(result.read_text("utf-8"))
    print(f"{name}, repeat {repeat + 1}: {found['seconds']:.1f} s", file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
