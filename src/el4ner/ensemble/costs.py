"""What was asked and what it cost, by stage and member."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock

from el4ner.annotation import Annotation
from el4ner.data import NOT_ASKED
from el4ner.models.base import Outcome, Reply
from el4ner.text.printable import one_line

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBERED = re.compile(r"(?<!HTTP )\b\w*\d[\w-]*")  # counts and ids; the status of an answer is no such
_ALIKE, _KINDS, _OTHER = 3, 8, "other reasons"


@dataclass(frozen=True, slots=True)
class Cost:
    """Totals of one member in one stage.

    `asked` counts the questions of the stage, `repeated` those that equal another of the same batch, `stored` those
    that the reply store knew; the rest were calls. Tokens and seconds are those of the calls; `stored_prompt` and
    `stored_generated` are the tokens that the stored replies did cost once, so that both together are what the stage
    costs whoever asks all of it. `reasons` counts why calls failed, under the first of those that differ in
    numbers and ids alone; of those that differ in what they quote, a few are kept. Beyond these are "other reasons".
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
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a member failed, of so many calls, in all stages.

    `reasons` with their counts, most frequent first, as in `Cost`; runs that older versions kept have none.
    """

    member: str
    failed: int
    calls: int
    reasons: Mapping[str, int]


def failures(costs: Iterable[Cost]) -> list[Failure]:
    """The members that failed, in their order."""
    found: dict[str, Failure] = {}
    for cost in costs:
        old = found.get(cost.member, Failure(cost.member, 0, 0, {}))
        sums = dict(old.reasons)
        for reason, times in cost.reasons.items():
            _count(sums, reason, times)
        found[cost.member] = Failure(cost.member, old.failed + cost.failed, old.calls + cost.calls, sums)
    return [replace(one, reasons=dict(Counter(one.reasons).most_common())) for one in found.values() if one.failed]


@lru_cache(maxsize=256)
def kind(reason: str) -> str:
    """What a reason has in common with others that differ in numbers, ids, and what they quote."""
    return _NUMBERED.sub("#", _QUOTED.sub("'#'", reason))


def silent(costs: Iterable[Cost]) -> set[str]:
    """The members of which not a single answer is known."""
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for cost in costs:
        asked[cost.member] += cost.asked
        answered[cost.member] += cost.stored + cost.calls - cost.failed
    return {member for member in asked if asked[member] and not answered[member]}


class Ledger:
    """Adds up costs while texts are annotated."""

    def __init__(self) -> None:
        self._costs: dict[tuple[str, str], Cost] = {}
        self._lock = Lock()
        self._at_work = 0  # batches under way
        self._since = 0.0
        self._busy = 0.0

    @property
    def costs(self) -> tuple[Cost, ...]:
        """Totals so far, in the order in which stages and members were first heard."""
        with self._lock:
            return tuple(self._costs.values())

    @property
    def busy(self) -> float:
        """Seconds in which at least one model was at work: less than the sum, where they work side by side."""
        return self._busy

    @contextmanager
    def working(self) -> Iterator[None]:
        """While a model answers."""
        with self._lock:
            self._at_work += 1
            if self._at_work == 1:
                self._since = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                if not self._at_work:
                    self._busy += time.perf_counter() - self._since

    def add(
        self, stage: str, member: str, asked: int, stored: Sequence[Reply], replies: Sequence[Reply], seconds: float
    ) -> None:
        """Count one batch of `asked` questions: the replies that the store knew, and those of the calls that were made.

        `seconds` is what the calls took.
        """
        with self._lock:
            old = self._costs.get((stage, member), Cost(stage, member))
            self._costs[stage, member] = _plus(old, asked, stored, replies, seconds)


def _plus(old: Cost, asked: int, stored: Sequence[Reply], replies: Sequence[Reply], seconds: float) -> Cost:
    return replace(
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
        reasons=_with_reasons(old.reasons, replies),
    )


def _with_reasons(old: Mapping[str, int], replies: Sequence[Reply]) -> Mapping[str, int]:
    failed = [one_line(reply.error) for reply in replies if reply.outcome is Outcome.FAILED]
    if not failed:
        return old
    counts = dict(old)
    for reason in failed:
        _count(counts, reason, 1)
    return counts


def _count(counts: dict[str, int], reason: str, times: int) -> None:
    """Add to a reason that is known, or is like this one; there are never more than a few."""
    near = [known for known in counts if kind(known) == kind(reason)]
    same = next((known for known in near if _NUMBERED.sub("#", known) == _NUMBERED.sub("#", reason)), None)
    if same is None and len(near) >= _ALIKE:
        same = near[-1]
    if same is None and len(counts) >= _KINDS:
        same = _OTHER
    counts[same or reason] = counts.get(same or reason, 0) + times


@dataclass(slots=True)
class Tally:
    """Counts annotations as they pass.

    `ungrounded` counts what members listed that does not stand in the text, `abstained` answers that were of no use,
    `warned` texts with warnings, and `warning` is the first of these, with the text's id.
    """

    texts: int = 0
    entities: int = 0
    ungrounded: int = 0
    abstained: int = 0
    warned: int = 0
    warning: str = ""

    def counting(self, annotations: Iterable[Annotation]) -> Iterator[Annotation]:
        """The same annotations, counted."""
        for annotation in annotations:
            self.add(annotation)
            yield annotation

    def add(self, annotation: Annotation) -> None:
        """Count one more."""
        self.texts += 1
        self.entities += len(annotation.entities)
        if warnings := annotation.warnings:
            self.warned += 1
            self.warning = self.warning or one_line(f"{annotation.id}: {warnings[0]}", 160)
        self.ungrounded += sum(len(trace.ungrounded) for trace in annotation.traces)
        self.abstained += sum(len(trace.abstained) for trace in annotation.traces)
        for ballot in annotation.ballots:
            self.abstained += sum(vote.abstained not in ("", NOT_ASKED) for vote in ballot.votes)
            self.abstained += sum(verdict.holds is None for verdict in ballot.verdicts)
