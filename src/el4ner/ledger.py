"""What was asked and what it cost, by stage and member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from el4ner.models.base import Outcome, Reply


@dataclass(frozen=True, slots=True)
class Cost:
    """Totals of one member in one stage.

    `asked` counts the questions of the stage, `repeated` those that equal another of the same batch, `stored` those
    that the reply store knew; the rest were calls. Tokens and seconds are those of the calls; `stored_prompt` and
    `stored_generated` are the tokens that the stored replies did cost once, so that both together are what the stage
    costs whoever asks all of it.
    """

    stage: str
    member: str
    asked: int = 0
    repeated: int = 0
    stored: int = 0
    calls: int = 0
    prompt: int = 0
    cached: int = 0
    generated: int = 0
    failed: int = 0
    cut: int = 0
    seconds: float = 0.0
    stored_prompt: int = 0
    stored_generated: int = 0


class Ledger:
    """Adds up costs while texts are annotated."""

    def __init__(self) -> None:
        self._costs: dict[tuple[str, str], Cost] = {}

    @property
    def costs(self) -> tuple[Cost, ...]:
        """Totals so far, in the order in which stages and members were first heard."""
        return tuple(self._costs.values())

    @property
    def seconds(self) -> float:
        """Time spent waiting for models."""
        return sum(cost.seconds for cost in self._costs.values())

    def add(
        self, stage: str, member: str, asked: int, stored: Sequence[Reply], replies: Sequence[Reply], seconds: float
    ) -> None:
        """Count one batch of `asked` questions: the replies that the store knew, and those of the calls that were made.

        `seconds` is what the calls took.
        """
        old = self._costs.get((stage, member), Cost(stage, member))
        self._costs[stage, member] = replace(
            old,
            asked=old.asked + asked,
            repeated=old.repeated + asked - len(stored) - len(replies),
            stored=old.stored + len(stored),
            calls=old.calls + len(replies),
            prompt=old.prompt + sum(reply.usage.prompt for reply in replies),
            cached=old.cached + sum(reply.usage.cached for reply in replies),
            generated=old.generated + sum(reply.usage.generated for reply in replies),
            failed=old.failed + sum(reply.outcome is Outcome.FAILED for reply in replies),
            cut=old.cut + sum(reply.outcome is Outcome.CUT for reply in replies),
            seconds=old.seconds + seconds,
            stored_prompt=old.stored_prompt + sum(reply.usage.prompt for reply in stored),
            stored_generated=old.stored_generated + sum(reply.usage.generated for reply in stored),
        )
