"""Time against size: whether a function's time grows as its input does."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

import pytest
from campaign import alarm

PATTERNS = (
    "a", " ", "\n", "\t", "\r\n", "!", "?", ".", "!?.", ",", ";", "; ", ":", "(", ")", "()", "[", "]", "{", "}", "{}",
    '"', "'", "\\", "|", "<", ">", "<|", "</", "<think>", "</think>", "[INST]", "@", "@@", "#", "##", "@@a##", "-",
    "- ", "* ", "**", "_", "=", "`", "```\n", "“", "’", "–", "\u0301", "a\u0301", "\u200d", "\u00ad", "\ufeff", "中",
    "。", "서", "א", "ไ", "İ", "\0", "a ", "a b ", "A. ", "Dr. ", "a. ", "a;", "a, ", "a (", "a (person)",
    "a (person); ", "a (b); ", "a: person\n", "- a | true | ", "a | true | b\n", "a | false\n", " |", '{"',
    '{"text": "a", "type": "person"}, ', '["', "[[", '{"a":', "\t \t", "1", "1.", "0,", "http://a.b/", "a@b.c ", "a-",
    "a'", "🇳🇴",
)  # fmt: skip
_MOST = 50_000  # characters
_ENOUGH = 0.06  # seconds of processor time from which two sizes can be compared
_BOUND = 32.0  # eightfold size: 8 where time is linear, 64 where it is quadratic


def superlinear(work: Callable[[str], object], pattern: str, lead: str = "", most: int = _MOST) -> str:
    """What is wrong with the time that `work` takes on a pattern repeated behind `lead`; "" where it grows in line.

    What begins to do more at some size is no fault: the fourfold size has to tell the same.
    """
    size = 1000
    with alarm(120):
        while size < most and _seconds(work, lead, pattern, size, 1) < _ENOUGH:
            size = min(2 * size, most)
        for many, times in ((size, 3), (4 * size, 1)):
            large = _seconds(work, lead, pattern, many, times)
            if large < _ENOUGH or large < _BOUND * (small := _seconds(work, lead, pattern, many // 8, 3)):
                return ""
    return f"{pattern!r} behind {lead!r}: {small:.3f} s for {many // 8:,} characters, {large:.3f} s for {many:,}"


def in_line(
    work: Callable[[str], object],
    leads: Sequence[str] = ("",),
    patterns: Sequence[str] = PATTERNS,
    most: int = _MOST,
) -> None:
    """Fails, with what `superlinear` says, where the time that `work` takes grows faster than its input."""
    found = [told for lead in leads for pattern in patterns if (told := superlinear(work, pattern, lead, most))]
    if found:
        pytest.fail("\n".join(["time grows faster than the input:", *found]), pytrace=False)


def _seconds(work: Callable[[str], object], lead: str, pattern: str, size: int, times: int) -> float:
    """Processor time, the least of so many: what else the process does can only add to it."""
    given = lead + pattern * (size // len(pattern))
    taken = []
    gc.disable()
    try:
        for _ in range(times):
            began = time.process_time()
            work(given)
            taken.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(taken)
