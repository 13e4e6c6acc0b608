"""A reply as it stands in a row of the store, with the sum that tells whether it is still as it was written."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from zlib import crc32

from el4ner.models.base import Outcome, Reply, Token, Usage


def dump_row(reply: Reply) -> str:
    """As JSON."""
    tokens = [(token.text, token.logprob) for token in reply.tokens]
    return json.dumps([reply.text, reply.outcome, tokens, asdict(reply.usage)])


def load_row(key: object, row: object, kept_sum: object) -> Reply | None:
    """The reply of a row; None where it is not what was written."""
    if not isinstance(key, bytes) or not isinstance(row, bytes) or kept_sum not in (None, checksum(key, row)):
        return None
    try:
        text, outcome, tokens, usage = json.loads(row.decode())
        read = Reply(text, Outcome(outcome), tuple(Token(*token) for token in tokens), Usage(**usage))
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in usage.values())
    told = all(isinstance(t.text, str) and isinstance(t.logprob, int | float) for t in read.tokens)
    sound = told and numbers and isinstance(text, str) and read.outcome is not Outcome.FAILED
    return read if sound else None


def checksum(key: bytes, row: bytes) -> int:
    """CRC-32 of a key and its row."""
    return crc32(row, crc32(key))


def whole_number(total: float) -> int:
    """A sum over a table; 0 where a fault has made something infinite of it."""
    return int(total) if isfinite(total) else 0
