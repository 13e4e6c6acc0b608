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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from el4ner.errors import DataError
from el4ner.files import at_home, user_cache
from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.constraint import fingerprint
from el4ner.models.forked import in_its_process, kept_in_forks
from el4ner.models.salvage import NotOursError, mended
from el4ner.models.store_file import FAULTS, PUT, check, connect, is_damage
from el4ner.models.stored_reply import checksum, dump_row, load_row, whole_number

_LOOKUP = 500  # keys a query: below SQLite's limit on parameters
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Holding:
    """What the store holds of one model: replies, and the tokens that these did cost once."""

    model: str
    replies: int
    prompt: int
    generated: int


class Store:
    """Replies by content. `Store.open(path)` makes the file when there is none.

    What cannot be read is not known. Where the file itself is damaged, it is mended with what can still be read of it,
    and a warning says so. All methods raise `DataError` where the file cannot be used any more, and `ModelError` in a
    process that was forked since.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = Lock()  # threads may share a store, but SQLite's transactions belong to the connection
        self._opened_in = os.getpid()
        self._checked = False  # once a row could not be read
        kept_in_forks(self)  # SQLite must not even close a connection that came along

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open or make a store. Raises `DataError` where the file is no store of this version or cannot be written."""
        path = at_home(path)
        try:
            try:
                return cls(path, connect(path))
            except FAULTS as error:
                if not is_damage(error):
                    raise
                return cls(path, _mended(path, error))
        except (OSError, *FAULTS) as error:
            raise DataError(
                f"{path}: cannot be used as a reply store ({error}); give another file or --no-store"
            ) from error

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that are known, by key. A row that cannot be read, or was changed by a fault, is not known."""
        rows = self._rows("key, CAST(reply AS BLOB), sum FROM replies", keys)
        loaded = {key: load_row(key, reply, sum_) for key, reply, sum_ in rows}
        known = {key: reply for key, reply in loaded.items() if reply is not None}
        if len(known) < len(loaded) and not self._checked:
            self._checked = True
            self._do(check)
        return known

    def read_only(self) -> Store:
        """The same replies; new ones are not kept."""
        return _ReadOnlyStore(self)

    def put(self, model: str, replies: Iterable[tuple[bytes, Reply]]) -> None:
        """Keep replies, all or none; those that failed are left out. Raises `DataError` where the disk is full, say."""
        now, name = int(time.time()), _plain(model)
        self._write("replies", [_row(*one, name, now) for one in replies if one[1].outcome is not Outcome.FAILED])

    def put_model(self, settings: bytes, identity: str, context: int) -> None:
        """Keep what a model with these settings (a digest) calls itself, and its context in tokens."""
        self._write("models", [(settings, _plain(identity), context, time.time())])

    def get_model(self, settings: bytes) -> tuple[str, int] | None:
        """Identity and context of the model that was last at work with these settings, of those that have replies."""
        query = (
            "SELECT identity, context FROM models WHERE settings = ? AND typeof(context) = 'integer'"
            " AND EXISTS (SELECT 1 FROM replies WHERE model = identity) ORDER BY used DESC LIMIT 1"
        )
        found: tuple[str, int] | None = self._do(lambda opened: opened.execute(query, (settings,)).fetchone())
        return found

    def put_counts(self, identity: str, counts: Iterable[tuple[str, int]]) -> None:
        """Keep how many tokens of a model texts have."""
        now = int(time.time())
        self._write("counts", [(_text_key(identity, text), tokens, now) for text, tokens in counts])

    def get_counts(self, identity: str, texts: Sequence[str]) -> dict[str, int]:
        """The counts that are known, by text."""
        keys = {_text_key(identity, text): text for text in texts}
        rows = self._rows("key, tokens FROM counts", list(keys))
        return {keys[key]: tokens for key, tokens in rows if isinstance(tokens, int)}

    def holdings(self) -> list[Holding]:
        """What is held, by model, most replies first."""
        query = "SELECT model, COUNT(*), TOTAL(prompt), TOTAL(generated) FROM replies GROUP BY model ORDER BY 2 DESC"
        rows = self._do(lambda opened: opened.execute(query).fetchall())
        return [Holding(str(row[0]), *map(whole_number, row[1:])) for row in rows]

    def unreadable(self) -> int:
        """How many rows cannot be read: what they held is asked again. A damaged file is mended first."""
        self._do(check)
        query = "SELECT key, CAST(reply AS BLOB), sum FROM replies"
        return self._do(lambda opened: sum(load_row(*row) is None for row in opened.execute(query)))

    def prune(self, older_than_days: float) -> int:
        """Forget replies older than so many days and give the space back; how many were forgotten."""
        limit = (time.time() - older_than_days * 86400,)

        def prune(opened: sqlite3.Connection) -> int:
            with opened:
                gone = opened.execute("DELETE FROM replies WHERE created <= ?", limit).rowcount
                opened.execute("DELETE FROM models WHERE used <= ?", limit)
                opened.execute("DELETE FROM counts WHERE used <= ?", limit)
            opened.execute("VACUUM")
            return gone

        return self._do(prune)

    def close(self) -> None:
        """Close the file; in a forked process, leave it to the one that has opened it."""
        if os.getpid() == self._opened_in:
            self._connection.close()

    def _rows(self, what: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        for at in range(0, len(keys), _LOOKUP):
            yield from self._part(what, keys[at : at + _LOOKUP])

    def _part(self, what: str, keys: Sequence[bytes]) -> list[tuple[Any, ...]]:
        query = f"SELECT {what} WHERE key IN ({','.join('?' * len(keys))})"
        return self._do(lambda opened: opened.execute(query, keys).fetchall())

    def _write(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write(opened: sqlite3.Connection) -> None:
            with opened:
                opened.executemany(PUT[table], rows)

        self._do(write)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work on the file; where that finds it damaged, mend it and do the work again."""
        in_its_process(self._opened_in, str(self.path))
        with self._lock:
            try:
                try:
                    return work(self._connection)
                except FAULTS as error:
                    if not is_damage(error):
                        raise
                    self._connection.close()
                    self._connection = _mended(self.path, error)
                    return work(self._connection)
            except (OSError, *FAULTS) as error:
                raise DataError(
                    f"{self.path}: the reply store cannot be used any more ({error}); what it held before is kept:"
                    " make room, or see who else uses it, and run again"
                ) from error


def _mended(path: Path, damage: Exception) -> sqlite3.Connection:
    """The store, opened again. Raises the damage itself where the file is none of ours."""
    try:
        return mended(path)
    except NotOursError:
        raise damage from None


def _row(key: bytes, reply: Reply, model: str, now: int) -> tuple[object, ...]:
    kept, usage = dump_row(reply), reply.usage
    return key, model, kept, usage.prompt, usage.generated, now, checksum(key, kept.encode())


def _plain(identity: str) -> str:
    """What a model calls itself, as UTF-8 can say it."""
    return identity.encode("utf-8", "replace").decode()


class _ReadOnlyStore(Store):
    def __init__(self, whole: Store) -> None:
        super().__init__(whole.path, whole._connection)
        self._whole = whole

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self._whole._do(work)  # its lock, and its connection, which changes where it is mended

    def close(self) -> None:
        """It is the whole one's to close."""

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
