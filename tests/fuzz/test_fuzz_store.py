"""Rows of a reply store, whatever became of them: what can be read is as it was, what cannot is unknown."""

from __future__ import annotations

import json
import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from campaign import campaign
from growth import in_line
from mutation import mutated_bytes, mutated_value, value

from el4ner.models.base import Outcome, Reply, Request, Token, Usage
from el4ner.models.store import Store, key

pytestmark = pytest.mark.fuzz
KEYS = [key("m", Request(str(number), 1)) for number in range(20)]
REPLIES = [
    Reply("Anna (person)", tokens=(Token("Anna", -0.5), Token(" (person)", -0.1)), usage=Usage(9, 2, 3)),
    Reply("", Outcome.CUT),
    Reply("none", usage=Usage(1, 0, 1)),
    Reply("李明 (人物); \ud800", usage=Usage(1, 0, 1)),
]
_TOKENS = (
    b"null",
    b"-1",
    b'"',
    b"[",
    b"]",
    b"{",
    b"NaN",
    b"\xff",
    b"\x00",
    b'"done"',
    b'"failed"',
    b'"cut"',
    b"9" * 5000,
    b"[" * 9000,
)


@dataclass(frozen=True)
class Shelf:
    """A store that is open, another connection to its file, and the rows as they were."""

    store: Store
    damage: sqlite3.Connection
    whole: dict[bytes, tuple[Any, ...]]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    path = tmp_path / "store.db"
    with closing(Store.open(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as damage:
        store.put("m", [(k, REPLIES[number % len(REPLIES)]) for number, k in enumerate(KEYS)])
        damage.execute("PRAGMA synchronous=OFF")
        rows = damage.execute("SELECT key, reply, model, prompt, generated, created, sum FROM replies").fetchall()
        yield Shelf(store, damage, {row[0]: row[1:] for row in rows})


def row(rng: random.Random) -> tuple[int, str, Any]:
    """Which row, which column, and what stands there now."""
    at = rng.randrange(len(KEYS))
    reply = REPLIES[at % len(REPLIES)]
    said = [
        reply.text,
        reply.outcome.value,
        [[t.text, t.logprob] for t in reply.tokens],
        {"prompt": 1, "cached": 0, "generated": 1},
    ]
    match rng.randint(0, 6):
        case 0:
            new: Any = mutated_bytes(rng, json.dumps(said).encode(), _TOKENS)
        case 1:
            new = mutated_bytes(rng, json.dumps(said).encode(), _TOKENS).decode("latin-1")
        case 2:
            new = rng.choice((None, 0, -1, 2.5, "", b"", "[]", "{}", "null", "[[],[],[],[]]", rng.randbytes(20)))
        case 3:
            new = json.dumps(value(rng))
        case _:
            new = json.dumps(mutated_value(rng, said))
    return at, rng.choice(("reply", "reply", "reply", "reply", "model", "prompt", "generated", "created")), new


def sound(reply: Reply) -> None:
    assert isinstance(reply.text, str)
    assert reply.outcome in (Outcome.DONE, Outcome.CUT)
    assert not reply.tokens or "".join(token.text for token in reply.tokens) == reply.text
    for token in reply.tokens:
        assert isinstance(token.logprob, float | int)
        assert math.isfinite(token.logprob)
        assert token.logprob <= 0
    for count in (reply.usage.prompt, reply.usage.cached, reply.usage.generated):
        assert isinstance(count, int)
        assert 0 <= count < 10**12


def spoil(shelf: Shelf, given: tuple[int, str, Any]) -> None:
    """The other rows are as they were; the spoilt one is a sound reply or unknown; the store is counted and written."""
    at, column, new = given
    try:
        if isinstance(new, bytes) and column == "reply" and at % 2:  # text that is not UTF-8
            shelf.damage.execute("UPDATE replies SET reply = CAST(? AS TEXT) WHERE key = ?", (new, KEYS[at]))
        else:
            shelf.damage.execute(f"UPDATE replies SET {column} = ? WHERE key = ?", (new, KEYS[at]))
    except (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError):  # the table's own rules
        return
    try:
        found = shelf.store.get(KEYS)
        for number, k in enumerate(KEYS):
            if number != at or column != "reply":
                assert found[k] == REPLIES[number % len(REPLIES)]
            elif k in found:
                sound(found[k])
        assert sum(held.replies for held in shelf.store.holdings()) in (len(KEYS), len(KEYS) - 1)
        shelf.store.put("m", [(KEYS[at], REPLIES[0])])  # asked anew
        assert shelf.store.get([KEYS[at]]) == {KEYS[at]: REPLIES[0]}
    finally:
        restored = (*shelf.whole[KEYS[at]], KEYS[at])
        sql = "UPDATE replies SET reply = ?, model = ?, prompt = ?, generated = ?, created = ?, sum = ? WHERE key = ?"
        shelf.damage.execute(sql, restored)


def test_a_spoilt_row_is_unknown_and_the_others_are_as_they_were(shelf: Shelf) -> None:
    campaign("rows", row, partial(spoil, shelf))


def test_the_time_to_read_a_row_grows_with_it(shelf: Shelf) -> None:
    def work(text: str) -> None:
        shelf.damage.execute("UPDATE replies SET reply = ? WHERE key = ?", (text, KEYS[0]))
        shelf.store.get(KEYS[:1])

    in_line(work, ('["', "[", '["a", "done", [', ""), ("a", "[", '["a", -1], ', "\\", '"', "{", "1", " "))
