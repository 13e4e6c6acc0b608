"""The reply store: what a model has answered is never asked again. Cache, resume and replay are this one thing.

SQLite in write-ahead mode. The key is a digest of the model's identity and all that was asked; failed requests are not
kept, so that they are asked again. Beside the replies stands what `el4ner.models.replay` needs to know of models.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from el4ner.errors import DataError
from el4ner.files import at_home, private, user_cache
from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.constraint import fingerprint
from el4ner.models.salvage import is_ours, readable_rows, set_aside
from el4ner.models.stored_reply import checksum, dump_row, load_row, whole_number

_MIGRATIONS = (
    "CREATE TABLE replies (key BLOB PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, prompt INTEGER NOT NULL,"
    " generated INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE models (settings BLOB, identity TEXT, context INTEGER NOT NULL, used REAL NOT NULL,"
    " PRIMARY KEY (settings, identity)) WITHOUT ROWID",
    "CREATE TABLE counts (key BLOB PRIMARY KEY, tokens INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID",
    "ALTER TABLE replies ADD COLUMN sum INTEGER",  # CRC-32 of key and reply; rows of before have none
)
_PUT = "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)"
_LOOKUP = 500  # keys a query: below SQLite's limit on parameters
_TRIES = 100  # at the switch to write-ahead mode, 50 ms apart


@dataclass(frozen=True, slots=True)
class Holding:
    """What the store holds of one model: replies, and the tokens that these did cost once."""

    model: str
    replies: int
    prompt: int
    generated: int


class Store:
    """Replies by content. `Store.open(path)` makes the file when there is none."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = Lock()  # threads may share a store, but SQLite's transactions belong to the connection

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open or make a store. Raises `DataError` where the file is no store of this version or cannot be written."""
        path = at_home(path)
        try:
            return cls(path, _connected(path))
        except (OSError, sqlite3.Error, OverflowError) as error:
            if isinstance(error, sqlite3.DatabaseError) and _damaged(error) and is_ours(path):
                return cls(path, _renewed(path))
            raise DataError(
                f"{path}: cannot be used as a reply store ({error}); give another file or --no-store"
            ) from error

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that are known, by key. A row that cannot be read, or was changed by a fault, is not known."""
        rows = self._rows("key, CAST(reply AS BLOB), sum FROM replies", keys)
        loaded = ((key, load_row(key, reply, sum_)) for key, reply, sum_ in rows)
        return {key: reply for key, reply in loaded if reply is not None}

    def _rows(self, what: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        """The rows of these keys; where a part of the file is damaged, those that can be read one by one."""
        for at in range(0, len(keys), _LOOKUP):
            yield from self._part(what, keys[at : at + _LOOKUP])

    def _part(self, what: str, keys: Sequence[bytes]) -> list[tuple[Any, ...]]:
        marks = ",".join("?" * len(keys))
        try:
            with self._lock, self._told():
                return self._connection.execute(f"SELECT {what} WHERE key IN ({marks})", keys).fetchall()
        except DataError as error:
            if not _damaged(error.__cause__):
                raise
            return [row for key in keys for row in self._part(what, [key])] if len(keys) > 1 else []

    def read_only(self) -> Store:
        """The same replies; new ones are not kept."""
        return _ReadOnlyStore(self.path, self._connection)

    def put(self, model: str, replies: Iterable[tuple[bytes, Reply]]) -> None:
        """Keep replies, all or none; those that failed are left out. Raises `DataError` where the disk is full, say."""
        now = int(time.time())
        rows = [
            (
                key,
                model,
                kept := dump_row(reply),
                reply.usage.prompt,
                reply.usage.generated,
                now,
                checksum(key, kept.encode()),
            )
            for key, reply in replies
            if reply.outcome is not Outcome.FAILED
        ]
        self._write(_PUT, rows)

    def put_model(self, settings: bytes, identity: str, context: int) -> None:
        """Keep what a model with these settings (a digest) calls itself, and its context in tokens."""
        self._write("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?)", [(settings, identity, context, time.time())])

    def get_model(self, settings: bytes) -> tuple[str, int] | None:
        """Identity and context of the model that was last at work with these settings, of those that have replies."""
        query = (
            "SELECT identity, context FROM models WHERE settings = ?"
            " AND EXISTS (SELECT 1 FROM replies WHERE model = identity) ORDER BY used DESC LIMIT 1"
        )
        with self._lock, self._told():
            found: tuple[str, int] | None = self._connection.execute(query, (settings,)).fetchone()
        return found

    def put_counts(self, identity: str, counts: Iterable[tuple[str, int]]) -> None:
        """Keep how many tokens of a model texts have."""
        now = int(time.time())
        rows = [(_text_key(identity, text), tokens, now) for text, tokens in counts]
        self._write("INSERT OR REPLACE INTO counts VALUES (?, ?, ?)", rows)

    def get_counts(self, identity: str, texts: Sequence[str]) -> dict[str, int]:
        """The counts that are known, by text."""
        keys = {_text_key(identity, text): text for text in texts}
        return {keys[key]: tokens for key, tokens in self._rows("key, tokens FROM counts", list(keys))}

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock, self._told():
            try:
                with self._connection:
                    self._connection.executemany(statement, rows)
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise
                self._connection.close()
                self._connection = _renewed(self.path)
                with self._connection:
                    self._connection.executemany(statement, rows)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"{self.path}: the reply store cannot be used any more ({error}); what it held before is kept:"
                " make room, or see who else uses it, and run again"
            ) from error

    def holdings(self) -> list[Holding]:
        """What is held, by model, most replies first."""
        query = "SELECT model, COUNT(*), SUM(prompt), SUM(generated) FROM replies GROUP BY model ORDER BY 2 DESC"
        with self._lock, self._told():
            return [Holding(str(row[0]), *map(whole_number, row[1:])) for row in self._connection.execute(query)]

    def unreadable(self) -> int:
        """How many rows cannot be read: what they held is asked again."""
        query = "SELECT key, CAST(reply AS BLOB), sum FROM replies"
        with self._lock, self._told():
            return sum(load_row(*row) is None for row in self._connection.execute(query))

    def prune(self, older_than_days: float) -> int:
        """Forget replies older than so many days and give the space back; how many were forgotten."""
        limit = time.time() - older_than_days * 86400
        with self._lock, self._told():
            with self._connection:
                gone = self._connection.execute("DELETE FROM replies WHERE created <= ?", (limit,)).rowcount
                self._connection.execute("DELETE FROM models WHERE used <= ?", (limit,))
                self._connection.execute("DELETE FROM counts WHERE used <= ?", (limit,))
            self._connection.execute("VACUUM")
        return gone

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class _ReadOnlyStore(Store):
    def put(self, model: str, replies: Iterable[tuple[bytes, Reply]]) -> None:
        """Keeps nothing."""


def store_path(given: Path | None) -> Path:
    """Where the reply store is: as given, else EL4NER_STORE, else in the user's cache."""
    named = os.environ.get("EL4NER_STORE")
    return given or (Path(named) if named else user_cache() / "replies.sqlite")


def key(identity: str, request: Request) -> bytes:
    """The key of a request to a model: a digest of everything that can change the reply."""
    prompt = request.prompt
    said = prompt if isinstance(prompt, str) else [(message.role, message.content) for message in prompt]
    asked: list[object] = [identity, said, request.max_tokens, request.stop, request.temperature]
    asked += [request.seed if request.temperature else 0, fingerprint(request.constraint)]
    return hashlib.sha256(json.dumps(asked).encode()).digest()


def _text_key(identity: str, text: str) -> bytes:
    return hashlib.sha256(json.dumps([identity, text]).encode()).digest()[:16]


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead mode. SQLite does not wait for the lock here: two who open a file must try again."""
    for left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if not left:
                raise
            time.sleep(0.05)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, all steps or none: other processes may open the same new file at the same time."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (done,) = connection.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if ("replies" not in tables) if done else tables:
            raise sqlite3.DatabaseError("it is the database of another program")
        if done > len(_MIGRATIONS):
            raise sqlite3.DatabaseError("it was written by a newer version of el4ner")
        for number, step in enumerate(_MIGRATIONS[done:], done + 1):
            connection.execute(step)
            connection.execute(f"PRAGMA user_version = {number}")


def _damaged(error: BaseException | None) -> bool:
    """Whether SQLite says that the file is not as it was written."""
    words = str(error)
    return isinstance(error, sqlite3.DatabaseError) and any(
        said in words for said in ("malformed", "not a database", "decode to UTF-8", "disk I/O error", "out of range")
    )


def _connected(path: Path) -> sqlite3.Connection:
    if str(path) != ":memory:":
        private(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its -wal and -shm are made as private as it is
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        _migrate(connection)
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _renewed(path: Path) -> sqlite3.Connection:
    """A new store in place of a damaged one, with what could still be read of it; says so."""
    aside = set_aside(path)
    connection = _connected(path)
    sound = [(k, m, r.decode(), *more) for k, m, r, *more in readable_rows(aside) if load_row(k, r, more[-1])]
    with connection:
        connection.executemany(_PUT, sound)
    warnings.warn(
        f"the reply store was damaged: {len(sound):,} replies were saved from it, the others are asked again; the"
        f" damaged file is {aside}",
        stacklevel=2,
    )
    return connection
