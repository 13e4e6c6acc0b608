"""Spans that could be taken for entities and are none, or none of the types asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from sets import Corpus

from el4ner.data import EMPTY, Example
from el4ner.text.ground import ground
from el4ner.text.passage import show
from el4ner.text.words import words

Guess = tuple[str, str | None]  # a surface, and the type it could be taken for


class Wrong:
    """Wrong candidates of one text: `query` as it is asked about, `gold` with all its entities."""

    def __init__(
        self, corpus: Corpus, used: Sequence[int], query: Example, gold: Example, shots: Sequence[Example],
        dice: random.Random,
    ) -> None:  # fmt: skip
        self.query, self.dice = query, dice
        self.units = words(query.text)
        self.true = {show(query.text[e.start : e.end]) for e in query.entities}
        stated = {show(d.text[e.start : e.end]): e.label for d in shots for e in d.entities}
        self.stated: list[Guess] = [(s, label) for s, label in stated.items() if ground(query.text, s)]
        self.other: list[Guess] = [(gold.text[e.start : e.end], None) for e in gold.entities]
        alone = len(used) == 1 and gold.text == corpus.examples[used[0]].text
        self.phrases = [query.text[s:e] for s, e in corpus.phrases[used[0]]] if alone else []

    def draw(self, count: int) -> Iterator[Guess]:
        """So many, or fewer where there are none."""
        for _ in range(count if self.units else 0):
            for surface, like in self._guesses():
                shown = show(surface)
                if shown and shown not in self.true and any(c.isalnum() for c in shown) and shown.casefold() != EMPTY:
                    yield shown, like
                    break

    def _guesses(self) -> Iterator[Guess]:
        """Of one kind first, and then any words."""
        way = self.dice.random()
        if way < 0.45 and self.query.entities:
            yield from self._misplaced()
        elif way < 0.65 and (self.stated or self.other):
            yield from self.dice.sample(found := self.stated + self.other, len(found))
        elif way < 0.92:
            yield from ((surface, None) for surface in self.dice.sample(self.phrases, len(self.phrases)))
        for _ in range(3):
            first = self.dice.randrange(len(self.units))
            last = min(first + self.dice.choice((0, 0, 0, 1, 1, 2)), len(self.units) - 1)
            yield self._run(first, last), None

    def _misplaced(self) -> Iterator[Guess]:
        """An entity with a word too many or too few."""
        e = self.dice.choice(self.query.entities)
        inside = [i for i, u in enumerate(self.units) if e.start <= u.start and u.end <= e.end]
        if inside:
            edges = ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1))
            moves = [(inside[0] + a, inside[-1] + b) for a, b in edges]
            moves = [(a, b) for a, b in moves if 0 <= a <= b < len(self.units)]
            yield from ((self._run(a, b), e.label) for a, b in self.dice.sample(moves, len(moves)))

    def _run(self, first: int, last: int) -> str:
        return self.query.text[self.units[first].start : self.units[last].end]
