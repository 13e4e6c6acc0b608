"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from el4ner.errors import DataError


def expanded(path: str | Path) -> Path:
    """A path whose `~` is the user's home. Raises `DataError` where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DataError(f"{path}: there is no such home folder; give the whole path, or set HOME") from None


def private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the user alone. What is there stays as it is.

    Raises `OSError`.
    """
    if not folder.is_dir():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def opened(path: Path) -> IO[bytes]:
    """A file to write to, with what is in it; a new one is the user's alone. Raises `OSError`."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb")


def lock(file: IO[bytes]) -> bool:
    """Lock a file against other processes, as long as it is open; whether that could be done."""
    try:
        import fcntl
    except ImportError:  # Windows: an open file cannot be replaced there anyway
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to: it becomes `path` at the end of the block, and is gone where the block fails.

    Its name holds the process's number, so that two runs do each other no harm. Raises `OSError`.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a text as UTF-8, whole and on the disk before it has its name. Raises `OSError`.

    What is no ordinary file (/dev/stdout, a pipe, a link) stays what it is, and is written in place.
    """
    if path.is_symlink() or is_special(path):
        path.write_bytes("".join(pieces).encode())
        return
    with whole(path) as part, opened(part) as stream:
        stream.writelines(piece.encode() for piece in pieces)
        stream.flush()
        os.fsync(stream.fileno())


def is_special(path: Path) -> bool:
    """Whether something is there that is no file: a device, a pipe, a folder."""
    return path.exists() and not path.is_file()
