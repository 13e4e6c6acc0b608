"""How fast models were at work on this machine when they were last asked: what a forecast of seconds is made of."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from el4ner.ensemble.costs import Cost
from el4ner.ensemble.member import Member
from el4ner.files import private, user_cache, write_whole

_RATES = TypeAdapter(dict[str, float])
_SLOWEST = 1e6  # seconds a token: what is more is no rate
_LEAST = 1000  # tokens: less tells no rate


def keep_rates(costs: Iterable[Cost], members: Sequence[Member], root: Path | None = None) -> None:
    """Keep the seconds a token, read or generated, of each model in each stage that was much at work.

    In the user's cache (`root` is another folder); where nothing can be kept there, nothing is.
    """
    tokens, seconds = defaultdict[str, int](int), defaultdict[str, float](float)
    by_name = {member.name: member for member in members}
    for cost in costs:
        key = _key(cost.stage, by_name[cost.member])
        tokens[key] += cost.prompt + cost.generated
        seconds[key] += cost.seconds
    fresh = {key: seconds[key] / count for key, count in tokens.items() if count >= _LEAST and seconds[key] > 0}
    if fresh:
        with suppress(OSError):
            file = _file(root)
            private(file.parent)
            write_whole(file, [json.dumps({**_read(file), **fresh})])


def known_rates(
    stages: Iterable[str], members: Sequence[Member], root: Path | None = None
) -> Mapping[tuple[str, str], float]:
    """Seconds a token by stage and member, of those that are known."""
    held = _read(_file(root))
    pairs = ((stage, member) for stage in stages for member in members)
    return {(stage, m.name): held[key] for stage, m in pairs if (key := _key(stage, m)) in held}


def _key(stage: str, member: Member) -> str:
    return f"{stage} {hashlib.sha256(member.model.identity.encode()).hexdigest()[:32]}"


def _file(root: Path | None) -> Path:
    return (root or user_cache()) / "rates.json"


def _read(file: Path) -> dict[str, float]:
    """What is kept; nothing where there is no such file, or something else in it."""
    try:
        return {key: rate for key, rate in _RATES.validate_json(file.read_bytes()).items() if 0 < rate < _SLOWEST}
    except (OSError, ValueError):
        return {}
