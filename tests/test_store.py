"""The reply store: what was answered is not asked again, whatever happens in between."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fakes import Asked, FakeModel, any_text, ensemble, scripted
from hypothesis import given
from hypothesis import strategies as st

from el4ner.errors import DataError
from el4ner.models.base import Done, Message, Outcome, Reply, Request, Token, Usage
from el4ner.models.constraint import Listing, OneOf
from el4ner.models.store import Store, key

REPLY = Reply("Rome (location)", Outcome.CUT, (Token("Rome ", -0.25), Token("(location)", -1e-9)), Usage(12, 3, 5))
REQUEST = Request("Text: Rome\nEntities:", 40, ("\n",), OneOf(("a", "b")), 0.7, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "below" / "replies.db"


def keys(count: int, of: str = "m") -> list[bytes]:
    return [key(of, Request(str(number), 1)) for number in range(count)]


def test_replies_survive_reopening(path: Path) -> None:
    known, other = keys(2)
    store = Store.open(path)
    store.put("m", [(known, REPLY)])
    store.close()
    store = Store.open(str(path))
    assert store.get([known, other]) == {known: REPLY}
    store.close()


@given(
    any_text,
    st.sampled_from([Outcome.DONE, Outcome.CUT]),
    st.lists(st.tuples(any_text, st.floats(-1e9, 0)), max_size=3),
)
def test_any_reply_is_given_back_as_it_was(text: str, outcome: Outcome, tokens: list[tuple[str, float]]) -> None:
    store = Store.open(":memory:")
    reply = Reply(text, outcome, tuple(Token(*token) for token in tokens), Usage(1, 2, 3))
    store.put("m", [(b"k", reply)])
    assert store.get([b"k"]) == {b"k": reply}
    store.close()


def test_failed_replies_are_not_kept(path: Path) -> None:
    store = Store.open(path)
    good, bad = keys(2)
    store.put("m", [(good, REPLY), (bad, Reply("", Outcome.FAILED, error="refused"))])
    assert list(store.get([good, bad])) == [good]
    store.close()


def test_thousands_of_keys_are_looked_up(path: Path) -> None:
    store, many = Store.open(path), keys(2500)
    store.put("m", [(k, Reply(str(number))) for number, k in enumerate(many)])
    found = store.get(many)
    assert [found[k].text for k in many] == [str(number) for number in range(2500)]
    assert store.get([]) == {}
    store.close()


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Text: Rome\nEntities: "},
        {"prompt": (Message("user", "Text: Rome\nEntities:"),)},
        {"prompt": (Message("system", "Text: Rome\nEntities:"),)},
        {"max_tokens": 41},
        {"stop": ()},
        {"stop": ("\n", "\n")},
        {"constraint": None},
        {"constraint": OneOf(("b", "a"))},
        {"constraint": OneOf(("a", " b"))},
        {"constraint": OneOf(("a, b",))},
        {"constraint": Listing("a b")},
        {"temperature": 0.8},
        {"temperature": 0.0},
        {"seed": 4},
    ],
)
def test_whatever_may_change_the_reply_changes_the_key(change: dict[str, Any]) -> None:
    assert key("m", replace(REQUEST, **change)) != key("m", REQUEST)


def test_the_key_is_the_models_and_the_questions_own() -> None:
    assert key("n", REQUEST) != key("m", REQUEST)
    assert key("m", replace(REQUEST, constraint=OneOf(("a", "b")))) == key("m", REQUEST)
    greedy = replace(REQUEST, temperature=0.0)
    assert key("m", replace(greedy, seed=4)) == key("m", greedy)  # nothing is drawn
    turns = (Message("system", "a"), Message("user", "b"))
    assert key("m", Request(turns, 1)) != key("m", Request((Message("system", "ab"), Message("user", "")), 1))
    assert len(key("m", Request("\ud800", 1))) == 32


def test_the_key_stays_from_process_to_process() -> None:
    code = "from test_store import REQUEST; from el4ner.models.store import key; print(key('m', REQUEST).hex())"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == key("m", REQUEST).hex()


def test_many_open_a_new_store_and_write_to_it_at_once(tmp_path: Path) -> None:
    def write(file: Path, writer: int) -> int:
        store = Store.open(file)
        for at in range(0, 40, 10):
            store.put(f"m{writer}", [(k, REPLY) for k in keys(40, str(writer))[at : at + 10]])
        held = len(store.get(keys(40, str(writer))))
        store.close()
        return held

    with ThreadPoolExecutor(8) as pool:
        for attempt in range(10):
            file = tmp_path / f"{attempt}.db"
            assert list(pool.map(write, [file] * 8, range(8))) == [40] * 8
            store = Store.open(file)
            assert {(h.model, h.replies) for h in store.holdings()} == {(f"m{writer}", 40) for writer in range(8)}
            store.close()


def test_threads_may_share_a_store(path: Path) -> None:
    store = Store.open(path)

    def write(writer: int) -> int:
        own = keys(200, str(writer))
        for k in own:
            store.put("m", [(k, REPLY)])
            store.get([k])
        return len(store.get(own))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(8))) == [200] * 8
    store.close()


def foreign(statement: str, version: int) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    content = connection.serialize()
    connection.close()
    return content


@pytest.mark.parametrize(
    "content",
    [
        b"These are not the replies that you are looking for." * 50,
        foreign("CREATE TABLE songs (title TEXT)", 0),
        foreign("CREATE TABLE songs (title TEXT)", 1),
        foreign("CREATE TABLE replies (key BLOB)", 99),
    ],
    ids=["text", "foreign", "foreign-version", "newer"],
)
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match="cannot be used as a reply store") as caught:
        Store.open(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == content


def test_a_place_that_cannot_hold_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file" / "store.db"):
        with pytest.raises(DataError, match="cannot be used as a reply store"):
            Store.open(place)


def test_a_store_whose_making_was_cut_short_is_made_whole(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    store = Store.open(path)
    store.put("m", [(b"k", REPLY)])
    assert store.get([b"k"]) == {b"k": REPLY}
    store.close()


def test_holdings_count_what_was_paid_for(path: Path) -> None:
    store = Store.open(path)
    store.put("small", [(k, REPLY) for k in keys(2, "small")])
    store.put("large", [(k, REPLY) for k in keys(3, "large")])
    store.put("large", [(k, REPLY) for k in keys(3, "large")])  # the same once more
    assert [(h.model, h.replies, h.prompt, h.generated) for h in store.holdings()] == [
        ("large", 3, 36, 15),
        ("small", 2, 24, 10),
    ]
    store.close()


def test_old_replies_can_be_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(path)
    now = 1_800_000_000.0
    for number, days in enumerate((40, 31, 29, 0)):
        monkeypatch.setattr("time.time", lambda days=days: now - days * 86400)
        store.put("m", [(keys(4)[number], REPLY)])
    monkeypatch.setattr("time.time", lambda: now)
    assert store.prune(30) == 2
    assert set(store.get(keys(4))) == set(keys(4)[2:])
    assert store.prune(30) == 0
    assert store.prune(0) == 2
    assert store.holdings() == []
    store.close()


TEXTS = [f"Anna Berg met Tom{number} in Oslo and then in Oslo ." for number in range(6)]


def answers(asked: Asked) -> str:
    return "; ".join(word for word in asked.text.split() if word[0].isupper())


def model(name: str, answer: str) -> FakeModel:
    return scripted(answers, classify=answer, verify="true", preextract=answers, identity=name)


_ONE_AT_A_TIME = threading.Lock()


@dataclass
class Mortal:
    """A model that writes down what it has answered, and takes the process with it at its n-th batch."""

    inner: FakeModel
    log: Path
    batches_left: list[int]
    overlaps = False
    cached = None

    identity = property(lambda self: self.inner.identity)
    context = property(lambda self: self.inner.context)

    def count(self, texts: Sequence[str]) -> list[int]:
        return self.inner.count(texts)

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        with _ONE_AT_A_TIME:  # members answer side by side: death shall fall between what is told and what is not
            self.batches_left[0] -= 1
            if not self.batches_left[0]:
                os._exit(9)
            replies = self.inner.generate(requests)
            with self.log.open("a") as log:
                log.writelines(f"{key(self.identity, request).hex()}\n" for request in requests)
            if done is not None:
                done(list(enumerate(replies)))
            return replies

    def close(self) -> None: ...


def annotate(store: Path | None, out: Path, log: Path, die_at: int = -1) -> None:
    """Annotate the texts, with a line of JSON each."""
    left = [die_at]
    models: Any = [Mortal(model("one", "person"), log, left), Mortal(model("two", "location"), log, left)]
    ner = ensemble(
        *models,
        store=Store.open(store) if store else None,
        window=2,
        retrieve={"spans": "members"},
        verify={"members": ["b"]},
    )
    with out.open("w") as file:
        for annotation in ner.annotate(TEXTS):
            file.write(json.dumps(annotation.record()) + "\n")
            file.flush()


def run_to_death(folder: Path, die_at: int) -> int:
    code = (
        "import sys; from pathlib import Path; from test_store import annotate; folder = Path(sys.argv[1]);"
        "annotate(folder / 'store.db', folder / 'out', folder / 'first', int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(folder), str(die_at)]
    return subprocess.run(command, cwd=Path(__file__).parent, check=False).returncode


@pytest.mark.parametrize("die_at", [1, 6, 17])
def test_a_run_that_was_killed_goes_on_with_the_window_it_was_in(tmp_path: Path, die_at: int) -> None:
    annotate(None, tmp_path / "expected", tmp_path / "all")
    assert run_to_death(tmp_path, die_at) == 9
    assert (tmp_path / "out").read_bytes() != (tmp_path / "expected").read_bytes()

    annotate(tmp_path / "store.db", tmp_path / "out", tmp_path / "second")
    first, second, everything = (
        file.read_text().split() if (file := tmp_path / name).exists() else [] for name in ("first", "second", "all")
    )
    repeated = set(first) & set(second)
    assert repeated == set(first[len(first) - len(repeated) :])  # the window that was under way, and nothing before it
    assert set(first) | set(second) == set(everything)
    assert len(second) == len(set(second))
    assert (tmp_path / "out").read_bytes() == (tmp_path / "expected").read_bytes()

    annotate(tmp_path / "store.db", tmp_path / "again", tmp_path / "third")
    assert not (tmp_path / "third").exists()  # nothing was asked
    assert (tmp_path / "again").read_bytes() == (tmp_path / "expected").read_bytes()


def test_a_store_that_cannot_be_written_any_more_is_told(path: Path) -> None:
    store = Store.open(path)
    store.put("m", [(b"k", REPLY)])
    store._connection.execute("PRAGMA query_only = ON")  # as on a disk that is full
    with pytest.raises(DataError, match="cannot be used any more"):
        store.put("m", [(b"l", REPLY)])
    assert store.get([b"k"]) == {b"k": REPLY}
    store.close()
