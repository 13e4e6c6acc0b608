"""All that is said of a run: scores, what each stage got right, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from el4ner.ensemble.costs import Cost, Failure, failures
from el4ner.evaluate.bootstrap import Interval, interval
from el4ner.evaluate.calibration import calibration
from el4ner.evaluate.run import Run
from el4ner.evaluate.score import Score, Scores, counts, score
from el4ner.evaluate.stages import Share, Stages, stages


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run cost: questions `asked`, and the calls that had to be made for them (the store knew the others).

    `prompt` and `generated` are the tokens of all answers, stored ones included: what it costs whoever starts from
    nothing; `cached` of the prompt tokens were found in the engine's prefix cache, where it tells. `seconds` is the
    wall time of this run alone, short where the store helped; `stored` is how many answers it knew.
    `parameters`: weights of the members' models, each model counted once.
    """

    asked: int
    calls: int
    stored: int
    prompt: int
    cached: int
    generated: int
    seconds: float
    parameters: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """A run's scores, the 95 % interval of strict F1, the calibration error, the stages, the bill, and who failed."""

    texts: int
    scores: Scores
    interval: Interval
    calibration_error: float
    stages: Stages
    bill: Bill
    failures: tuple[Failure, ...] = ()


def report(run: Run) -> Report:
    """Score a run."""
    texts = run.judged()
    return Report(
        len(texts),
        score(texts),
        interval(counts(texts)),
        calibration(texts).error,
        stages(run.texts),
        bill(run.costs, run.seconds, run.parameters),
        tuple(failures(run.costs)),
    )


def bill(costs: Iterable[Cost], seconds: float, parameters: int | None) -> Bill:
    """Add up what all stages and members cost."""
    costs = list(costs)
    return Bill(
        sum(cost.asked for cost in costs),
        sum(cost.calls for cost in costs),
        sum(cost.stored for cost in costs),
        sum(cost.prompt + cost.stored_prompt for cost in costs),
        sum(cost.cached for cost in costs),
        sum(cost.generated + cost.stored_generated for cost in costs),
        seconds,
        parameters,
    )


def as_json(value: Any) -> Any:
    """Reports, and what they are made of, as dicts of numbers ready for JSON, with the quotients spelt out."""
    if isinstance(value, Score):
        return {**asdict(value), "precision": value.precision, "recall": value.recall, "f1": value.f1}
    if isinstance(value, Share):
        return {**asdict(value), "value": value.value}
    if isinstance(value, Scores):
        return {**_fields(value), "macro_f1": value.macro_f1}
    if hasattr(value, "__dataclass_fields__"):
        return _fields(value)
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in value.items()}
    return value


def _fields(value: Any) -> dict[str, Any]:
    return {name: as_json(getattr(value, name)) for name in value.__dataclass_fields__}
