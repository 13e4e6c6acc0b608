"""Where lines go: standard output, or a file that has its name only once it is complete."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from el4ner.cli.streams import let_go
from el4ner.errors import DataError
from el4ner.files import as_open, behind, claimed, is_special, write_whole
from el4ner.text.printable import printable


def expect_place(path: Path | None, inputs: Iterable[Path | None] = ()) -> None:
    """Raises `DataError` where no file could stand at `path`, or one of the `inputs` does: before anything is done."""
    if path is None or str(path) == "-":
        return
    if not path.parent.is_dir():
        raise DataError(f"{path}: cannot be written, there is no folder {path.parent}; make it first")
    _expect_other(path, path, inputs)


@contextmanager
def lines_to(path: Path | None, inputs: Iterable[Path | None] = ()) -> Iterator[Callable[[str], None]]:
    """What writes a line, as UTF-8 and at once: to standard output, or to `path` + ".part", renamed at the end.

    A run that is broken off leaves the part with what was finished, whole lines alone. Raises `DataError` where the
    file cannot be written, is one of the `inputs`, or is being written by another run.
    """
    if path is None or str(path) == "-":
        if sys.__stdout__ is None:
            raise DataError("standard output is closed; give a file to -o")
        write = _writer(sys.stdout.buffer)
        shown = sys.stdout.isatty()  # lines are data, but a terminal would obey what is in them
        yield (lambda line: write(printable(line))) if shown else write
        return
    target = path if is_special(path) else behind(path)
    part = path if is_special(path) else Path(f"{target}.part")
    given = list(inputs)
    _expect_other(path, path, given)
    _expect_other(path, part, given)
    with _explained(path):
        if path.is_dir():
            raise IsADirectoryError(0, "this is a folder")
        stream = part.open("ab") if part == path else _emptied(part, target, path)
    try:
        yield _writer(stream, path)
        with _explained(path):
            if part != path:
                part.replace(target)
    finally:
        with suppress(OSError):  # what could not be written was told when it was tried
            stream.close()


def _emptied(part: Path, target: Path, path: Path) -> IO[bytes]:
    """The part, if no other run holds it, with the permissions of what it is to replace."""
    stream = claimed(part)
    if stream is None:
        raise DataError(f"{path}: another run is writing it; wait for it, or give another file to -o")
    stream.truncate(0)
    as_open(part, target)
    return stream


def write_text(path: Path, text: str) -> None:
    """Write a whole file as UTF-8. Raises `DataError` where it cannot be written."""
    with _explained(path):
        write_whole(path, [text])


def _writer(stream: IO[bytes], path: Path | None = None) -> Callable[[str], None]:
    def write_line(line: str) -> None:
        start = stream.tell() if path is not None and stream.seekable() else None
        try:
            with _explained(path):
                stream.write(line.encode() + b"\n")
                stream.flush()  # what is finished shall outlive this process
        except DataError:
            _drop(stream, start)
            raise

    return write_line


def _drop(stream: IO[bytes], start: int | None) -> None:
    """Half a line shall not stay where it began, and what is buffered shall not be tried again at the end."""
    with suppress(OSError, ValueError):
        if start is not None:
            os.ftruncate(stream.fileno(), start)
    with suppress(OSError, ValueError):
        let_go(stream.fileno())


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads has enough
    except OSError as error:
        name = path or "standard output"
        raise DataError(f"{name}: cannot be written ({error.strerror}); check the path") from error


def _expect_other(path: Path, file: Path, inputs: Iterable[Path | None]) -> None:
    if any(given is not None and _same(given, file) for given in inputs):
        raise DataError(f"{path}: this run reads it, and would overwrite it; name another file")


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
