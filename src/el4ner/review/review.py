"""A review under way: what is open, what comes next, what was decided, and what has to be read again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import Any

from el4ner.data import Document, Example, Label, Span
from el4ner.errors import DataError
from el4ner.files import write_whole
from el4ner.formats import read_labels
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile
from el4ner.review.history import History, undo_record
from el4ner.review.journal import Journal
from el4ner.review.judgement import Judgement, Kind, review_texts
from el4ner.review.readings import Readings


class Conflict(Exception):
    """What was decided rests on something that has changed; `open` says whether its text is still to be decided."""

    def __init__(self, reason: str, is_open: bool = False) -> None:
        super().__init__(reason)
        self.is_open = is_open


@dataclass(frozen=True, slots=True)
class Said:
    """A decision as it comes from the page: `digest` is the pool's when it was made, `key` the request's own.

    `suggested` is what was shown: start, end, label and score, None where the text had not been read.
    """

    digest: str
    key: str
    ref: str
    kind: Kind
    entities: tuple[Span, ...] = ()
    suggested: Sequence[Sequence[Any]] | None = None
    seconds: float = 0.0


class Review:
    """Decisions on texts, kept in the pool's file and a journal beside it; threads may share it.

    `labels`: the types; None takes the pool's, and where there is no pool yet waits for `name_types`. `told` is said in
    each line that is added to the pool: who decided, and by which recipe. Raises `DataError`.
    """

    def __init__(
        self,
        documents: Iterable[Document],
        pool: Path,
        labels: Sequence[Label] | None,
        readings: Callable[[Sequence[str]], Readings],
        told: dict[str, str] | None = None,
    ) -> None:
        self.texts = review_texts(documents)
        self.refs = list(self.texts)
        self.places = {ref: place for place, ref in enumerate(self.refs)}
        self.changed = Condition()  # holds the lock; told whenever there may be work for the reader
        self.readings = readings([document.text for document in self.texts.values()])
        self.trouble = ""  # what is wrong with the pool's file since it was last read
        self.file: PoolFile | None = None
        self._path = pool
        self._told = told or {}
        self._journal = Journal(pool.with_name(f"{pool.name}.review.jsonl"))
        self.history = History()
        self._front: str | None = None  # what was taken back is looked at first
        self.labels_file = pool.with_suffix(".labels.json")
        if labels is None and self.labels_file.exists():
            labels = read_labels(self.labels_file)
        if labels is not None or pool.exists():
            self.file = PoolFile(pool, labels)
            with self.changed:
                self._pool_changed(all_touched=True)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The types that can be given; none before they are named."""
        return self.file.pool.labels if self.file else ()

    @property
    def digest(self) -> str:
        """The state of the pool's file, which every decision has to name."""
        return self.file.digest if self.file else ""

    def name_types(self, labels: Sequence[Label]) -> None:
        """Ask for these types from now on; they are kept in a file beside the pool.

        Raises `DataError`, and asks for those of before, where one of them cannot be, or one of the pool's is missing.
        """
        with self.changed:
            file = PoolFile(self._path, Pool((), tuple(labels)).labels)
            try:
                write_whole(self.labels_file, [json.dumps({one.name: one.description for one in file.pool.labels})])
            except OSError as error:
                raise DataError(f"{self.labels_file}: cannot be written ({error.strerror})") from None
            self.file = file
            self._pool_changed(all_touched=True)

    def refresh(self) -> None:
        """See whether the user has edited the pool. What is wrong with it then stands in `trouble`."""
        with self.changed:
            try:
                if self.file and self.file.refreshed():
                    self._pool_changed()
                self.trouble = ""
            except DataError as error:
                self.trouble = str(error)

    def judge(self, said: Said) -> None:
        """Keep a decision: it is on the disk when this returns, and a second time it changes nothing.

        Raises `Conflict` where the pool is no longer as it was, or the text no longer open, and `DataError` for
        entities that cannot be, and where nothing can be written.
        """
        with self.changed:
            file = self._current()
            if said.key in self.history.keys:
                return
            place = self.places.get(said.ref)
            if place is None or not self.readings.open[place]:
                raise Conflict("this text was decided elsewhere, or is in the pool by now")
            if said.digest != file.digest:
                raise Conflict("the pool has changed since this text was shown", is_open=True)
            made = Judgement(
                self.history.last + 1,
                said.key,
                said.kind,
                said.ref,
                said.entities,
                None if said.suggested is None else tuple(Span(row[0], row[1], row[2]) for row in said.suggested),
                round(said.seconds, 2),
            )
            if said.kind == "accept":
                made = self._accept(file, made, said.suggested)
                self.readings.grew(file.pool)
            else:
                self._journal.append({**made.record(), **self._now()})
            self.history = self.history.plus(made)
            self._front = None if self._front == said.ref else self._front
            self._settle()

    def undo(self, number: int, digest: str) -> None:
        """Take a decision back: the last one, if it is not too long ago. Raises as `judge` does."""
        with self.changed:
            file = self._current()
            one = self.history.undoable
            if number <= self.history.last and all(held.number != number for held in self.history.judgements):
                return  # it is taken back already
            if one is None or one.number != number:
                raise Conflict("this can no longer be taken back: others came after it, or it is too long ago")
            if digest != file.digest:
                raise Conflict("the pool has changed meanwhile", is_open=True)
            self._journal.append(undo_record(one))
            text = next((text for text, note in file.notes.items() if note.get("key") == one.key), None)
            if one.kind == "accept" and text is not None:
                file.remove(text)
            self._front = one.ref
            self._pool_changed()

    def upcoming(self, count: int) -> list[str]:
        """The texts that are looked at next; those that were skipped come last, and in turn."""
        with self.changed:
            skipped = {ref: one.number for ref, one in self.history.latest().items() if one.kind == "skip"}
            ranked = [self.refs[place] for place in self.readings.ranked(ready=True)]
            ranked.sort(key=lambda ref: (ref != self._front, skipped.get(ref, 0)))
            return ranked[:count]

    def example_of(self, ref: str) -> str:
        """The id that a text has in the pool: its own, unless another example is called so."""
        known = {example.id for example in self.file.pool.examples} if self.file else set()
        own = self.texts[ref].id
        if own.isdecimal():  # the number of a line in some file: another file has that line, too
            return f"text-{ref[:8]}"
        return own if own not in known else f"{own}-{ref[:6]}"

    def _current(self) -> PoolFile:
        """The pool's file as it is on the disk. Raises `DataError` where it cannot be read, or there are no types."""
        if self.file is None:
            raise DataError("there are no types yet; name them first")
        if self.file.refreshed():
            self._pool_changed()
        self.trouble = ""
        return self.file

    def _accept(self, file: PoolFile, made: Judgement, shown: Sequence[Sequence[Any]] | None) -> Judgement:
        note = {**made.record(), "suggested": shown, **self._now(), **self._told, "pool": file.digest}
        file.append(Example(self.example_of(made.ref), self.texts[made.ref].text, made.entities), note)
        kept = file.pool.examples[-1].entities
        return Judgement(made.number, made.key, made.kind, made.ref, kept, made.suggested, made.seconds)

    def _pool_changed(self, all_touched: bool = False) -> None:
        """After any change that is more than one example at the end."""
        if self.file is not None:
            self.readings.changed(self.file.pool, all_touched)
            self.history = History.of(self.file, self._journal)
            self._settle()

    def _settle(self) -> None:
        """Say which texts are open, and that there may be work."""
        latest = self.history.latest()
        rejected = {ref for ref, one in latest.items() if one.kind == "reject"}
        for place, ref in enumerate(self.refs):
            held = self.file is not None and self.texts[ref].text in self.file
            self.readings.set_open(place, not held and ref not in rejected)
        self.changed.notify_all()

    def _now(self) -> dict[str, str]:
        return {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
