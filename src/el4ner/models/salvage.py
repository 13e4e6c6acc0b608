"""A damaged reply store: what can be read of it stays, and the file as it was is kept beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO

from el4ner.files import claimed, opened
from el4ner.models.carving import carved
from el4ner.models.store_file import FAULTS, PAGE, PUT, bring_up_to_date, check, connect

# Of every store, as far as SQLite must know it to write another over it: pages of 4096 bytes, a log that is written
# ahead, as many pages as the file has; and a version that none has, in case that is as far as we come.
_HEADER = b"SQLite format 3\0\x10\0\2\2\0\x40\x20\x20" + bytes(36) + b"\x7f\xff\xff\xff" + bytes(36)
_TABLE = b"CREATE TABLE replies (key BLOB PRIMARY KEY"


class NotOursError(sqlite3.DatabaseError):
    """A file in which no reply can be found."""


def mended(path: Path) -> sqlite3.Connection:
    """A damaged store, opened again, with what could still be read of it; a warning says how much.

    The file stays the same, since others may have it open: SQLite writes the sound store over it, as one transaction.
    Raises `NotOursError`, with the file as it was, where no reply is found in it; `OSError`, or one of `FAULTS`.
    """
    path = path.resolve()
    with _alone(path):
        with suppress(*FAULTS):
            return _sound(path)  # another process was faster
        # Never closed: that would end the locks that SQLite has on this file in this process.
        file = os.fdopen(os.open(path, os.O_RDWR), "r+b", closefd=False)
        aside = _new(path)
        with ExitStack() as undone, closing(sqlite3.connect("")) as fresh:  # in a file that SQLite removes
            undone.callback(_remove, aside)
            _copy(file, path, aside)
            saved = _fill(fresh, aside)
            if not saved and not _was_ours(aside):
                raise NotOursError("no reply can be found in it")
            undone.pop_all()
            file.seek(0)
            file.write(_HEADER)
            file.flush()
            with closing(sqlite3.connect(path, timeout=60)) as damaged:
                fresh.backup(damaged)
        connection = connect(path)
    warnings.warn(
        f"{path}: the reply store was damaged: {saved:,} replies were saved from it, the others are asked again; the"
        f" file as it was is {aside}",
        stacklevel=2,
    )
    return connection


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process mends at a time; the others wait."""
    sign = path.with_name(f"{path.name}.mending")
    while (claim := claimed(sign)) is None:
        time.sleep(0.1)
    with claim:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps what is open
                sign.unlink()


def _sound(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    try:
        check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _new(path: Path) -> Path:
    """An empty file beside it for what is damaged."""
    for number in count(1):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        with suppress(FileExistsError):
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            break
    return aside


def _copy(file: IO[bytes], path: Path, aside: Path) -> None:
    """Copy the store, and what SQLite has written ahead of it."""
    with opened(aside) as copy:
        shutil.copyfileobj(file, copy)
    if _log(path).exists():
        with _log(path).open("rb") as log, opened(_log(aside)) as copy:
            shutil.copyfileobj(log, copy)


def _fill(fresh: sqlite3.Connection, damaged: Path) -> int:
    """Put what can be read into a new store; how many replies that were."""
    fresh.execute(f"PRAGMA page_size={PAGE}")
    bring_up_to_date(fresh)
    with fresh:
        for table, row in carved(damaged):
            fresh.execute(PUT[table], row)
    (saved,) = fresh.execute("SELECT COUNT(*) FROM replies").fetchone()
    return int(saved)


def _was_ours(path: Path) -> bool:
    """Whether a file without replies is a store: by its tables, or since it was cut off before them, or overwritten.

    All zeros is what some systems leave after a power cut.
    """
    with path.open("rb") as file:
        first = file.read(PAGE)
        if _TABLE in first or first.startswith(_HEADER) or (len(first) < PAGE and first.startswith(_HEADER[:18])):
            return True
        return not any(first) and not any(any(piece) for piece in iter(lambda: file.read(1 << 20), b""))


def _remove(aside: Path) -> None:
    for one in (aside, _log(aside)):
        one.unlink(missing_ok=True)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
