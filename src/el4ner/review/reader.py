"""The thread that reads ahead: whatever it does or waits for, the page does not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread

import numpy as np

from el4ner.errors import El4nerError
from el4ner.files import write_whole
from el4ner.formats.jsonl import dumps
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.review.estimate import PoolEstimate
from el4ner.review.readings import AHEAD
from el4ner.review.review import Review

_AGAIN = 3.0  # seconds until a model that failed is asked again

logger = logging.getLogger(__name__)


class Reader(Thread):
    """Reads the texts that come next, those that would be read differently, and on request the rest.

    `open_` opens the ensemble on a pool, the first time that there is something to read. `rest` is the file that all
    annotations go to once all open texts are read.
    """

    def __init__(self, review: Review, open_: Callable[[Pool], EL4NER], rest: Path) -> None:
        super().__init__(name="reader", daemon=True)
        self.review = review
        self.rest = rest
        self.problem = ""  # why nothing is read
        self.voters: tuple[str, ...] = ()
        self.written: int | None = None  # texts in the file of the rest, since it was last asked for
        self.estimate = PoolEstimate()
        self._open = open_
        self._ner: EL4NER | None = None
        self._ended = False

    def run(self) -> None:
        """Work until `close`."""
        while not self._ended:
            try:
                self._step()
                self.problem = ""
            except El4nerError as error:
                self._stumble(str(error))
            except Exception as error:
                logger.exception("reading failed")
                self._stumble(f"reading failed ({type(error).__name__}: {error})")

    def close(self) -> None:
        """End, once what is under way is done, and give back what the models hold."""
        with self.review.changed:
            self._ended = True
            self.review.changed.notify_all()
        if self.is_alive():
            self.join(10)
        if self._ner is not None:
            self._ner.close()

    def _step(self) -> None:
        """Read some texts; judge some of the pool's, or write the rest, where there are none; or wait."""
        with self.review.changed:
            pool = self.review.file.pool if self.review.file else None
            readings = self.review.readings
            places = readings.wanted([self.review.places[ref] for ref in self.review.upcoming(AHEAD)]) if pool else []
            edition = readings.edition
            finished = readings.everything and not places
            if self._ended or not (places or finished or self.estimate.left):
                self.review.changed.wait(None if not self._ended else 0)
                return
        if pool is None:
            return
        if places:
            self._read(pool, places, edition)
        elif finished:
            self._write()
        else:
            self.estimate.take(self._on(pool))

    def _read(self, pool: Pool, places: Sequence[int], edition: int) -> None:
        asked = [self.review.texts[self.review.refs[place]] for place in places]
        for place, annotation in zip(places, self._on(pool).annotate(asked), strict=True):
            with self.review.changed:
                self.review.readings.took(place, annotation, edition)

    def _on(self, pool: Pool) -> EL4NER:
        if self._ner is None:
            self._ner = self._open(pool)
            self.voters = self._ner.voters
        elif self._ner.pool is not pool:
            self._ner = self._ner.on_pool(pool)
        return self._ner

    def _write(self) -> None:
        with self.review.changed:
            self.review.readings.everything = False
            lines = self.review_lines()
        try:
            write_whole(self.rest, (f"{line}\n" for line in lines))
        except OSError as error:
            raise El4nerError(f"{self.rest}: cannot be written ({error.strerror})") from None
        self.written = len(lines)

    def review_lines(self) -> list[str]:
        """The annotations of what is open and was read, in the order of the texts, a line each."""
        readings = self.review.readings
        read = [place for place in np.flatnonzero(readings.open).tolist() if place in readings.annotations]
        return [dumps(readings.annotations[place].record()) for place in read]

    def _stumble(self, reason: str) -> None:
        self.problem = reason
        with self.review.changed:
            if not self._ended:
                self.review.changed.wait(_AGAIN)
