"""A run: one recipe on one set of texts, with all the evidence, kept in a folder.

    RUN/run.json       what was run, what it cost, and the report
    RUN/texts.jsonl    a line a text: gold and annotation, ballots included

`run.json` is written last: a folder without it holds no run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from el4ner.data import Label
from el4ner.ensemble.costs import Cost
from el4ner.errors import DataError
from el4ner.evaluate.score import Text
from el4ner.evaluate.stages import Judged
from el4ner.files import private, write_whole
from el4ner.recipes.settings import Recipe

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run. Two runs with equal setups are the same experiment.

    `texts` and `pool` are digests of what was annotated (with its gold) and what was learned from; `left_out` counts
    the pool's examples that were left out because their text was to be annotated. `version` is el4ner's. `weights` is a
    digest of the model files on this machine that members use: what a recipe names can be exchanged.
    """

    recipe: Recipe
    data: str
    split: str
    limit: int | None
    seed: int
    texts: str
    pool: str
    left_out: int
    version: str
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. `seconds` is its wall time, `parameters` the members' weights together, None if unknown."""

    setup: Setup
    labels: tuple[Label, ...]
    texts: tuple[Judged, ...]
    costs: tuple[Cost, ...]
    seconds: float
    parameters: int | None

    def judged(self) -> list[Text]:
        """The texts as `score` takes them."""
        return [Text(one.annotation.text, one.gold, one.annotation.entities) for one in self.texts]


@dataclass(frozen=True, slots=True)
class _Head:
    format: int
    setup: Setup
    labels: tuple[Label, ...]
    costs: tuple[Cost, ...]
    seconds: float
    parameters: int | None
    report: dict[str, Any]


_HEAD = TypeAdapter(_Head)
_LINE = TypeAdapter(Judged)


def save(run: Run, folder: Path, report: dict[str, Any]) -> None:
    """Write a run and its report. Raises `DataError` where the folder cannot be written."""
    head = _Head(_FORMAT, run.setup, run.labels, run.costs, run.seconds, run.parameters, report)
    try:
        private(folder)
        (folder / "run.json").unlink(missing_ok=True)
        # Through Python's json: its escapes carry lone surrogates, which texts may hold, and pydantic's do not.
        lines = (json.dumps(_LINE.dump_python(text, mode="json")) + "\n" for text in run.texts)
        write_whole(folder / "texts.jsonl", lines)
        write_whole(folder / "run.json", [json.dumps(_HEAD.dump_python(head, mode="json"), indent=1), "\n"])
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror}); give another folder to -o") from None


def load(folder: Path) -> Run:
    """Read a run back. Raises `DataError` where the folder holds none, or one of another version."""
    head = _read_head(folder)
    texts: list[Judged] = []
    try:
        with (folder / "texts.jsonl").open("rb") as lines:
            texts.extend(_LINE.validate_python(json.loads(line)) for line in lines)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"line {len(texts) + 1} is not a judged text"
        raise DataError(f"{folder / 'texts.jsonl'}: {reason}; run the evaluation again") from None
    return Run(head.setup, head.labels, tuple(texts), head.costs, head.seconds, head.parameters)


def load_setup(folder: Path) -> Setup | None:
    """What a folder's run was, or None where there is no (readable) run."""
    try:
        return _read_head(folder).setup
    except DataError:
        return None


def _read_head(folder: Path) -> _Head:
    file = folder / "run.json"
    try:
        head = _HEAD.validate_python(json.loads(file.read_bytes()))
    except FileNotFoundError:
        raise DataError(f"{folder}: no run there; make one with `el4ner eval ... -o {folder}`") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a run of this version of el4ner"
        raise DataError(f"{file}: {reason}; run the evaluation again") from None
    if head.format != _FORMAT:
        raise DataError(f"{file}: written by another version of el4ner; run the evaluation again")
    return head
