"""What can still be read of a damaged reply store: set aside, and its replies copied into a new one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

_COLUMNS = "key, model, CAST(reply AS BLOB), prompt, generated, created, sum"
_OURS = b"CREATE TABLE replies (key BLOB PRIMARY KEY"
_HEAD = 1 << 20  # bytes that are looked at for the name of the table
Row = tuple[bytes, str, bytes, int, int, int, int | None]


def is_ours(path: Path) -> bool:
    """Whether a file that SQLite cannot read was a reply store, by what stands at its beginning."""
    try:
        with path.open("rb") as file:
            return _OURS in file.read(_HEAD)
    except OSError:
        return False


def set_aside(path: Path) -> Path:
    """Rename a store, with what belongs to it. Raises `OSError`."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    return aside


def readable_rows(path: Path) -> Iterator[Row]:
    """The replies that a damaged store still gives: from the first key on, and from the last one back."""
    seen: set[object] = set()
    for order in ("ASC", "DESC"):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                for row in connection.execute(f"SELECT {_COLUMNS} FROM replies ORDER BY key {order}"):
                    if row[0] not in seen and all(isinstance(row[n], bytes) for n in (0, 2)):
                        seen.add(row[0])
                        yield row
        except (sqlite3.Error, OverflowError, UnicodeDecodeError):
            continue
