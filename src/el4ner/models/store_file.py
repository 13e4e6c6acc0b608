"""The file of a reply store: an SQLite database in write-ahead mode, the user's alone, brought up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from threading import Lock

from el4ner.files import behind, private

PAGE = 4096  # bytes
_MIGRATIONS = (
    "CREATE TABLE replies (key BLOB PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, prompt INTEGER NOT NULL,"
    " generated INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE models (settings BLOB, identity TEXT, context INTEGER NOT NULL, used REAL NOT NULL,"
    " PRIMARY KEY (settings, identity)) WITHOUT ROWID",
    "CREATE TABLE counts (key BLOB PRIMARY KEY, tokens INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID",
    "ALTER TABLE replies ADD COLUMN sum INTEGER",  # CRC-32 of key and reply; rows of before have none
)
PUT = {  # by table
    "replies": "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)",
    "models": "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?)",
    "counts": "INSERT OR REPLACE INTO counts VALUES (?, ?, ?)",
}
_NEWEST = 1000  # a version above it is none that anybody wrote
_TRIES = 100  # at the switch to write-ahead mode, 50 ms apart
_MAKING = Lock()
_DAMAGE = frozenset(
    [
        sqlite3.SQLITE_ERROR,  # a statement that is right, on tables that are not
        sqlite3.SQLITE_INTERNAL,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTFOUND,
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_NOTADB,
    ]
)
FAULTS = (sqlite3.Error, UnicodeDecodeError)  # what SQLite raises; the latter where a name in its message is damaged
_Tables = dict[str, tuple[str, ...]]


class DamageError(sqlite3.DatabaseError):
    """What SQLite can read, but no store is like it: damaged, or another program's."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a store's file, or make it. Raises `OSError`, or one of `FAULTS`."""
    if str(path) != ":memory:":
        _make(path)
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        connection.execute(f"PRAGMA page_size={PAGE}")  # counts where the file is new
        connection.execute("PRAGMA cell_size_check=ON")  # looks for damage
        bring_up_to_date(connection)
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY and os.access(path, os.W_OK):
            raise DamageError("its header says that it cannot be written") from error
        raise
    return connection


def check(connection: sqlite3.Connection) -> None:
    """Read all of it. Raises one of `FAULTS` where it is damaged."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamageError(found)


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file is not as it was written, rather than that the disk is full, say."""
    if isinstance(error, DamageError | UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables that are missing, all or none: other processes may open the same new file at the same time.

    The tables themselves tell the version: the number that is kept beside them is a few bits that may be damaged.
    """
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (told,) = connection.execute("PRAGMA user_version").fetchone()
        there = _tables(connection)
        if there not in _versions() or (told and not there):
            if len(_MIGRATIONS) < told < _NEWEST and "replies" in there:
                raise sqlite3.NotSupportedError("it was written by a newer version of el4ner")
            raise DamageError("it is the database of another program")
        for step in _MIGRATIONS[_versions().index(there) :]:
            connection.execute(step)
        if told != len(_MIGRATIONS):
            connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _make(path: Path) -> None:
    """An empty file, if there is none; SQLite makes its -wal and -shm as private as it is."""
    path = behind(path)
    private(path.parent)
    # One that is there is not opened: closing it would end the locks that SQLite has on it in this process.
    with _MAKING, suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _tables(connection: sqlite3.Connection) -> _Tables:
    """The columns of each table."""
    names = [
        str(name)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not str(name).startswith("sqlite_")
    ]
    columns = "SELECT name FROM pragma_table_info(?)"
    return {name: tuple(column for (column,) in connection.execute(columns, (name,))) for name in names}


@cache
def _versions() -> list[_Tables]:
    """The tables as each version has them, from no table on."""
    with closing(sqlite3.connect(":memory:")) as connection:
        versions = [_tables(connection)]
        for step in _MIGRATIONS:
            connection.execute(step)
            versions.append(_tables(connection))
    return versions


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
