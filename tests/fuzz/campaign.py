"""Many inputs to one target, each made from a seed, and what went wrong, told so that it can be repeated.

    uv run pytest -m fuzz                                       a million inputs: what a release takes
    EL4NER_FUZZ_INPUTS=20000 uv run pytest -m fuzz              fewer, in the same shares
    EL4NER_FUZZ_SEED=7 uv run pytest -m fuzz                    others
    EL4NER_FUZZ_REPEAT=choices:0:41 uv run pytest -m fuzz       that one alone

A target is a function that makes an input and one that checks what becomes of it. Whatever the check raises is a fault;
faults that were raised at one place are one. The smallest input that was found for it is shown.
"""

from __future__ import annotations

import os
import random
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from smallest import smallest

RELEASE = {  # inputs of a release, by target: a million in all
    "listings": 110_000, "names": 40_000, "marks": 60_000, "reasons": 60_000, "choices": 108_000, "written": 30_000,
    "grounding": 80_000, "places": 40_000,
    "answers": 90_000, "mutated answers": 80_000, "pauses": 40_000, "bodies": 40_000, "raw answers": 2_000,
    "cards": 1_000,
    "texts": 30_000, "examples": 20_000,
    "labels": 12_000, "asked labels": 12_000,
    "recipe files": 8_000, "recipe tables": 30_000, "recipe bases": 6_000,
    "headers": 30_000, "merges": 6_000, "adapters": 12_000,
    "passages": 26_000, "shown": 11_000, "rows": 16_000,
}  # fmt: skip
INPUTS = int(os.environ.get("EL4NER_FUZZ_INPUTS", "1000000"))
SEED = int(os.environ.get("EL4NER_FUZZ_SEED", "0"))
REPEAT = os.environ.get("EL4NER_FUZZ_REPEAT", "")
_SECONDS = 20  # an input that takes longer has hung
_KINDS = 12  # faults of different kinds, after which a target's campaign ends
_TIMES, _HUNG = 200, 2  # of one kind; of inputs that hung
_OURS = Path(__file__).parents[2] / "src" / "el4ner"


class HungError(Exception):
    """An input took too long."""


@dataclass
class Fault:
    """What went wrong at one place, how often, and one input that shows it."""

    seed: str
    given: Any
    error: BaseException
    times: int = 1

    @property
    def is_enough(self) -> bool:
        """Whether it need not be seen again."""
        return self.times >= (_HUNG if isinstance(self.error, HungError) else _TIMES)


def campaign(target: str, make: Callable[[random.Random], Any], check: Callable[[Any], object]) -> None:
    """Try a target's share of the inputs; fails with a report where there was a fault."""
    faults: dict[str, Fault] = {}
    for seed in _seeds(target):
        given = make(random.Random(seed))
        if (error := _fault(check, given)) is None:
            continue
        if known := faults.get(kind(error)):
            known.times += 1
        else:
            faults[kind(error)] = Fault(seed, given, error)
        if len(faults) >= _KINDS or any(fault.is_enough for fault in faults.values()):
            break
    if faults:
        pytest.fail("\n".join(_report(fault, check) for fault in faults.values()), pytrace=False)


def _seeds(target: str) -> Iterator[str]:
    if REPEAT:
        yield from [REPEAT] * (REPEAT.rpartition(":")[0].rpartition(":")[0] == target)
        return
    for number in range(max(1, round(RELEASE[target] * INPUTS / 1_000_000))):
        yield f"{target}:{SEED}:{number}"


def _fault(check: Callable[[Any], object], given: Any) -> BaseException | None:
    try:
        with alarm(_SECONDS):
            check(given)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a Rust library is no Exception
        return error
    return None


def kind(error: BaseException) -> str:
    """The type of an error and the innermost place in el4ner, else in a test, where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_OURS)]
    at = (ours or frames)[-1]
    where = f"{Path(at.filename).name}, {at.name}" + ("" if ours else f", line {at.lineno}")
    return f"{type(error).__name__} in {where}"


def _report(fault: Fault, check: Callable[[Any], object]) -> str:
    def same(given: Any) -> bool:
        error = _fault(check, given)
        return error is not None and kind(error) == kind(fault.error)

    found = fault.given if isinstance(fault.error, HungError) else smallest(fault.given, same)
    error = fault.error if found is fault.given else _fault(check, found) or fault.error
    last = "".join(traceback.format_exception_only(error)).strip()
    return (
        f"\n{kind(fault.error)}, {fault.times} times: {last[:600]}\n  smallest: {repr(found)[:800]}"
        f"\n  again: EL4NER_FUZZ_REPEAT={fault.seed!r} uv run pytest -m fuzz"
    )


def told(error: Exception, *names: str) -> None:
    """Fails where the message of an error is not one line, of bounded length, that holds these names."""
    message = str(error)
    assert len(message.splitlines()) == 1, message
    assert len(message) < 2000
    assert all(name in message for name in names), message


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise `HungError` in the main thread where the block takes longer."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise HungError(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
