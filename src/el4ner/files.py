"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


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
    with whole(path) as part, part.open("wb") as stream:
        stream.writelines(piece.encode() for piece in pieces)
        stream.flush()
        os.fsync(stream.fileno())


def is_special(path: Path) -> bool:
    """Whether something is there that is no file: a device, a pipe, a folder."""
    return path.exists() and not path.is_file()
