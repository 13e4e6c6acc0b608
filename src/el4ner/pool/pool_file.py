"""A pool as a file that grows by a line at a time, and that its user may edit meanwhile."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import IO, Any

from el4ner.data import Example, Label
from el4ner.errors import DataError
from el4ner.files import add, at_home, is_special, lock, put_whole
from el4ner.pool.pool import Pool, occurring
from el4ner.pool.pool_lines import PoolLines

_PATIENCE = 5.0  # seconds in which another process has written its line
_SETTLED = 100_000_000  # nanoseconds after a change from which on the next one has another time


class PoolFile:
    """A pool of one JSON object a line in a file, which others may append to and its user may edit.

    `labels`: the types that it may hold; None takes those that occur, the most frequent first, and later ones behind
    them, so that what models are shown keeps its order. A file that is not there yet is a pool without examples, where
    labels are given. Threads may share it, and processes the file. Raises `DataError`.
    """

    def __init__(self, path: str | Path, labels: Sequence[Label] | None = None) -> None:
        self.path = at_home(path).resolve()  # a link stays one
        self._name = str(path)
        self._labels = tuple(labels) if labels is not None else None
        self._guard = RLock()
        self._settled_as: tuple[int, ...] | None = None
        if labels is None and not self.path.exists():
            raise DataError(f"{path}: there is no such file; check the path, or name types for a new pool (--labels)")
        self._lines = PoolLines.read(self._name, self._content())
        self.pool = self._pool_of(self._lines, ())

    @property
    def digest(self) -> str:
        """SHA-256 of the file's whole lines, in hexadecimal: another one after every change."""
        return self._lines.digest

    @property
    def notes(self) -> Mapping[str, Mapping[str, Any]]:
        """What lines say beside their examples, by text; lines that say nothing are left out."""
        return self._lines.notes

    def __contains__(self, text: str) -> bool:
        return text in self._lines.numbers

    def refreshed(self) -> bool:
        """Whether others changed the file since it was read or written here; it is then read again.

        Raises `DataError` where it can no longer be read: the pool then stays as it was.
        """
        with self._guard:
            state = self._state()
            if state is not None and state == self._settled_as:
                return False
            content = self._content()
            known = self._lines.content + self._lines.half
            if content != known:
                self._take(PoolLines.read(self._name, content))
            self._settled_as = state
            return content != known

    def append(self, example: Example, note: Mapping[str, Any] | None = None) -> None:
        """Add an example as one line; see `extend`."""
        self.extend([example], note)

    def extend(self, examples: Sequence[Example], note: Mapping[str, Any] | None = None) -> None:
        """Add examples, a line each, all of them or none, on the disk before this returns. `note` is said beside each,
        for `notes`.

        Raises `DataError`, and leaves the file as it was, for a type that the pool lacks, offsets that cannot be, a
        text that the pool holds already, and where the file cannot be written. Half a line at its end, as a killed
        process leaves it, is moved to a file beside it first.
        """
        with self._guard, self._locked() as file:
            self.refreshed()
            checked, lines = Pool(tuple(examples), self.pool.labels).examples, self._lines
            for example in checked:
                if (number := lines.numbers.get(example.text)) is not None:
                    raise DataError(f"{self._name}, line {number}: the pool holds this text already; change it there")
                lines = lines.plus(example, note or {})
            try:
                self._put_aside(file)
                add(file, lines.content[len(self._lines.content) :])
            except OSError as error:
                raise self._unwritable(error) from None
            self._lines = lines
            self.pool = Pool((*self.pool.examples, *checked), self.pool.labels)
            self._settled_as = self._state()

    def remove(self, text: str) -> bool:
        """Take the last example with this text out again, and say whether there was one. Other lines stay as they are.

        Raises `DataError` where the file cannot be read or written.
        """
        with self._guard, self._locked() as file:
            self.refreshed()
            if text not in self._lines.numbers:
                return False
            self._rewrite(file, self._lines.without(text))
            return True

    def replace(self, example: Example, note: Mapping[str, Any] | None = None) -> None:
        """Put an example in the place of the last one with its text, at the end of the file: both, or neither.

        Raises `DataError` as `append` does, and where there is none with its text.
        """
        with self._guard, self._locked() as file:
            self.refreshed()
            (checked,) = Pool((example,), self.pool.labels).examples
            if checked.text not in self._lines.numbers:
                raise DataError(f"{self._name}: the pool has no example with this text; add it")
            left = PoolLines.read(self._name, self._lines.without(checked.text))
            self._rewrite(file, left.plus(checked, note or {}).content)

    def _rewrite(self, file: IO[bytes], content: bytes) -> None:
        lines = PoolLines.read(self._name, content)
        try:
            self._put_aside(file)
            put_whole(self.path, lines.content)
        except OSError as error:
            raise self._unwritable(error) from None
        self._take(lines)

    def _take(self, lines: PoolLines) -> None:
        """Make these lines the pool. Raises `DataError`, and changes nothing, where they are none."""
        self.pool = self._pool_of(lines, self.pool.labels)
        self._lines = lines

    def _pool_of(self, lines: PoolLines, known: Sequence[Label]) -> Pool:
        names = {label.name for label in known}
        found = (*known, *(label for label in occurring(lines.examples) if label.name not in names))
        try:
            pool = Pool(lines.examples, found if self._labels is None else self._labels)
        except DataError as error:
            raise DataError(f"{self._name}: {error}") from None
        if lines.half:
            aside = "the next example that is added moves it to a file beside it"
            warnings.warn(f"{self._name}: half a line at the end is left out; {aside}", stacklevel=4)
        return pool

    def _content(self) -> bytes:
        if is_special(self.path):
            raise DataError(f"{self._name}: this is no ordinary file; name a file of JSON lines")
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise DataError(f"{self._name}: cannot be read ({error.strerror}); check its permissions") from None

    def _state(self) -> tuple[int, ...] | None:
        """What tells one state of the file from another; None where a change might not show in it."""
        try:
            now = self.path.stat()
        except OSError:
            return None
        settled = time.time_ns() - now.st_mtime_ns > _SETTLED
        return (now.st_ino, now.st_size, now.st_mtime_ns) if settled else None

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """The file, there and open, and nobody else's as long as this is."""
        until = time.monotonic() + _PATIENCE
        while True:
            with self._open() as file:
                if lock(file):
                    held = os.fstat(file.fileno())
                    if self.path.exists() and self.path.stat().st_ino == held.st_ino:  # not replaced meanwhile
                        yield file
                        return
            if time.monotonic() > until:
                raise DataError(f"{self._name}: another process is writing to it; try again when that has ended")
            time.sleep(0.01)

    def _open(self) -> IO[bytes]:
        try:
            return os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from None

    def _put_aside(self, file: IO[bytes]) -> None:
        """Half a line goes to the end of a file beside this one, so that nothing is lost."""
        if self._lines.half:
            with self.path.with_name(f"{self.path.name}.half").open("ab") as aside:
                aside.write(self._lines.half + b"\n")
            file.truncate(len(self._lines.content))

    def _unwritable(self, error: OSError) -> DataError:
        return DataError(f"{self._name}: cannot be written ({error.strerror}); nothing was added; mend that, try again")
