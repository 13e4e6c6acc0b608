"""A smaller input with the same fault, found by leaving out what is not needed for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

_SECONDS = 3.0  # at most, an input


def smallest(given: Any, fails: Callable[[Any], bool]) -> Any:
    """The smallest input found that still fails: texts, bytes, lists and tables shortened, at any depth."""
    until = time.monotonic() + _SECONDS
    found = given
    while time.monotonic() < until:
        for smaller in _smaller(found):
            if time.monotonic() > until:
                break
            if fails(smaller):
                found = smaller
                break
        else:
            break
    return found


def _smaller(given: Any) -> Iterator[Any]:
    """Inputs with a part left out, large parts first."""
    if isinstance(given, str | bytes | list | tuple) and not hasattr(given, "_fields"):
        yield from _shorter(given)
    if isinstance(given, list | tuple):
        for at, part in enumerate(given):
            for less in _smaller(part):
                yield type(given)([*given[:at], less, *given[at + 1 :]])
    elif isinstance(given, dict):
        for key, part in given.items():
            yield {name: value for name, value in given.items() if name != key}
            for less in _smaller(part):
                yield given | {key: less}
    elif is_dataclass(given) and not isinstance(given, type):
        for field in fields(given):
            for less in _smaller(getattr(given, field.name)):
                yield replace(given, **{field.name: less})


def _shorter(given: Any) -> Iterator[Any]:
    size = len(given)
    while size:
        for start in range(0, len(given), size):
            yield given[:start] + given[start + size :]
        size //= 2
