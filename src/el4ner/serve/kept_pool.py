"""The pool of a service: its file, which clients append to, and which its user may edit meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from el4ner.data import Example
from el4ner.errors import DataError, El4nerError
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile

logger = logging.getLogger(__name__)

Note = Mapping[str, Any]  # what a line says beside its example


class AlreadyThere(DataError):
    """A text is in the pool already."""


class PoolUnwritten(El4nerError):
    """The pool's file could not be written; its place is in the log, not in the message."""


class KeptPool:
    """A pool's file for many threads. What cannot be taken is refused before anything is written."""

    def __init__(self, file: PoolFile) -> None:
        self._file = file
        self._lock = Lock()

    @property
    def pool(self) -> Pool:
        """The pool as it was when its file was last looked at."""
        return self._file.pool

    def look(self) -> Pool:
        """The pool as its file is now; where that cannot be read, as it was."""
        with self._lock:
            return self._current()

    def add(self, examples: Sequence[Example], note: Note) -> Pool:
        """Append examples; the next batch reads them. All of them or, where one cannot be taken, none.

        Raises `DataError`, `AlreadyThere` and `PoolUnwritten`.
        """
        with self._lock:
            _check(examples, self._current())
            self._written(lambda: self._file.extend(examples, note))
            return self._file.pool

    def correct(self, example: Example, note: Note) -> None:
        """Append an example, in the place of one of the same text whose note has the same "source".

        Where the pool says the same already, nothing happens. Raises as `add` does.
        """
        with self._lock:
            pool = self._current()
            known = next((one for one in pool.examples if one.text == example.text), None)
            if known is not None and set(known.entities) == set(example.entities):
                return
            own = known is not None and self._source(example.text) == note["source"]
            _check([example], pool.without([example.text]) if own else pool)
            if own:
                self._written(lambda: self._file.replace(example, note))
            else:
                self._written(lambda: self._file.append(example, note))

    def withdraw(self, text: str, source: str) -> None:
        """Take the example of a text out again, if its note has this "source". Raises `PoolUnwritten`."""
        with self._lock:
            self._current()
            if self._source(text) == source:
                self._written(lambda: self._file.remove(text))

    def _current(self) -> Pool:
        try:
            self._file.refreshed()
        except DataError as error:  # a user's edit that is not yet right
            logger.warning("%s", error)
        return self._file.pool

    def _source(self, text: str) -> object:
        return self._file.notes.get(text, {}).get("source")

    def _written(self, change: Callable[[], object]) -> None:
        try:
            change()
        except DataError as error:
            logger.error("%s", error)
            raise PoolUnwritten("the pool's file cannot be written; the server's log says why") from None


def _check(examples: Sequence[Example], pool: Pool) -> None:
    """Raises `DataError` for examples that the pool cannot take, or has."""
    replace(pool, examples=tuple(examples))  # offsets and types
    known = {example.text for example in pool.examples}
    for example in examples:
        if example.text in known:
            raise AlreadyThere(f"example {example.id!r}: its text is in the pool already; leave it out")
        known.add(example.text)
