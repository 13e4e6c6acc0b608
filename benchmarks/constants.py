"""The constants of docs/scaling.md, from a run of nano.

    uv run benchmarks/constants.py DATA/wnut17 .bench/tools/repeat1/nano.json

Tokens are those of the embedded model's tokenizer. A prompt of nano is taken apart at its blank lines: types,
demonstrations, text. Those of the recipe `el4ner` are made of the same texts and demonstrations, and nobody is asked.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from prefix import BLOCK
from run_el4ner import Batch, fresh

from el4ner.data import Label
from el4ner.evaluate.sets.dataset import open_dataset
from el4ner.models.base import Request
from el4ner.models.open import open_models
from el4ner.prompts.style import style
from el4ner.recipes.load import load_recipe


def main(data: Path, result: Path) -> None:
    """Print what a text costs, part by part."""
    recipe = load_recipe("nano")
    models = open_models(recipe.used)
    model = next(iter(models.values()))  # all have one tokenizer
    run = json.loads(result.read_text("utf-8"))
    batches: list[Batch] = pickle.loads(result.with_suffix(".pickle").read_bytes())
    members, texts = len(recipe.members), len(run["found"])
    lists = [str(r.prompt) for _, batch in batches for r in batch if r.constraint is None]
    parts = [prompt.split("\n\n") for prompt in lists]
    demonstrations = [part for p in parts for part in p[1:-1]]
    head = round(_mean(model, {p[0] for p in parts}))
    one = _mean(model, [f"{part}\n\n" for part in demonstrations])
    text = _mean(model, [p[-1] for p in parts])
    k, asked, each = len(demonstrations) / len(lists), run["asked"] / texts - members, _each(models, batches)
    print(
        f"{texts} texts, {members} members, {k:.1f} demonstrations, {run['candidates'] / texts:.2f} candidates a text"
    )
    print(f"tokens: types {head}, a demonstration {one:.1f}, text and question {text:.1f}")
    print(f"questions of stage 3 a text: {asked:.2f}; tokens read anew for each: {each:.1f}")
    print(f"generated: a list {run['extract_generated'] / len(lists):.1f}", end=", ")
    print(f"a type {run['classify_generated'] / max(1, asked * texts):.1f}")
    formula = members * (head % BLOCK + k * one + text) + asked * each
    print(f"read anew a text: formula {formula:.0f}, counted {run['fresh'] / texts:.0f}")
    _chat(model, open_dataset(data).labels, [p[-1].partition("\n")[0].removeprefix("Text: ") for p in parts])


def _mean(model: Any, texts: Sequence[str] | set[str]) -> float:
    return fmean(model.count(list(texts)))


def _each(models: Mapping[str, Any], batches: Sequence[Batch]) -> float:
    """Tokens read anew for a question of stage 3: those of all questions less those of the lists alone."""
    lists = [(name, [r for r in batch if r.constraint is None]) for name, batch in batches]
    choices = sum(r.constraint is not None for _, batch in batches for r in batch)
    return (fresh(models, batches) - fresh(models, lists)) / max(1, choices)


def _chat(model: Any, labels: Sequence[Label], texts: Sequence[str]) -> None:
    """The parts of the chat prompts that `el4ner` asks."""
    chat = style("chat")
    asked = {
        "stage 1, without the text": chat.preextract(labels, "", False, 0),
        "stage 2, without text and demonstrations": chat.extract("", labels, "", False, 0),
        "a question of stage 3": chat.classify("", labels, "New York", True),
        "a question of stage 4": chat.verify("", labels, "New York", "location"),
    }
    system = _mean(model, [_turn(asked["a question of stage 3"], 0)])
    print(f"el4ner: system prompt {system:.0f}, a text {_mean(model, texts):.1f}", end="")
    for name, request in asked.items():
        print(f", {name} {_mean(model, [_turn(request, 1)]):.0f}", end="")
    print()


def _turn(request: Request, number: int) -> str:
    assert not isinstance(request.prompt, str)
    return request.prompt[number].content


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
