"""Where lines go: standard output, or a file that has its name only once it is complete."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from el4ner.errors import DataError
from el4ner.files import is_special, write_whole
from el4ner.text.printable import printable


@contextmanager
def lines_to(path: Path | None, inputs: Iterable[Path | None] = ()) -> Iterator[Callable[[str], None]]:
    """What writes a line, as UTF-8 and at once: to standard output, or to `path` + ".part", renamed at the end.

    A run that is broken off leaves the part with what was finished. Raises `DataError` where the file cannot be
    written, or is one of the `inputs`.
    """
    if path is None or str(path) == "-":
        write = _writer(sys.stdout.buffer.write, sys.stdout.buffer.flush)
        shown = sys.stdout.isatty()  # lines are data, but a terminal would obey what is in them
        yield (lambda line: write(printable(line))) if shown else write
        return
    part = path if is_special(path) else Path(f"{path}.part")
    for given in inputs:
        if given is not None and any(_same(given, file) for file in (path, part)):
            raise DataError(f"{path}: this run reads it, and would overwrite it; give another file to -o")
    with _explained(path):
        if path.is_dir():
            raise IsADirectoryError(0, "this is a folder")
        stream = part.open("wb")
    with stream:
        yield _writer(stream.write, stream.flush, path)
    with _explained(path):
        if part != path:
            part.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a whole file as UTF-8. Raises `DataError` where it cannot be written."""
    with _explained(path):
        write_whole(path, [text])


def _writer(
    write: Callable[[bytes], int], flush: Callable[[], None], path: Path | None = None
) -> Callable[[str], None]:
    def write_line(line: str) -> None:
        with _explained(path):
            write(line.encode() + b"\n")
            flush()  # what is finished shall outlive this process

    return write_line


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads has enough
    except OSError as error:
        name = path or "standard output"
        raise DataError(f"{name}: cannot be written ({error.strerror}); check the path") from error


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
