"""The span that an episode asks about: an entity, or what could be taken for one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from sets import Corpus

from el4ner.data import Example
from el4ner.models.constraint import EMPTY
from el4ner.text.passage import show
from el4ner.text.words import words


def candidate(
    corpus: Corpus, used: Sequence[int], query: Example, gold: Example, shots: Sequence[Example], dice: random.Random
) -> tuple[str, str | None] | None:
    """A span of the text and its type; None for what is no entity of these types."""
    text = query.text
    true = {show(text[e.start : e.end]): e.label for e in query.entities}
    if true and dice.random() < 0.5:
        surface = dice.choice(list(true))
        return surface, true[surface]
    wrong: list[str] = []
    way = dice.random()
    units = words(text)
    if not units:
        return None
    entities = list(query.entities)
    if way < 0.40 and entities:  # wrong boundaries
        e = dice.choice(entities)
        inside = [i for i, u in enumerate(units) if e.start <= u.start and u.end <= e.end]
        if inside:
            first, last = inside[0], inside[-1]
            edges = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1)]
            moves = [(first + a, last + b) for a, b in edges]
            moves = [(a, b) for a, b in moves if 0 <= a <= b < len(units)]
            wrong += [text[units[a].start : units[b].end] for a, b in dice.sample(moves, len(moves))]
    elif way < 0.60:  # what a demonstration calls an entity, or a type that is not asked
        stated = [d.text[e.start : e.end] for d in shots for e in d.entities]
        wrong += [s for s in stated if s in text]
        wrong += [text[e.start : e.end] for e in gold.entities]
        dice.shuffle(wrong)
    if not wrong and way < 0.92 and len(used) == 1 and gold.text == corpus.examples[used[0]].text:
        runs = corpus.phrases[used[0]]
        wrong = [text[s:e] for s, e in dice.sample(runs, len(runs))]
    for _ in range(3):
        first = dice.randrange(len(units))
        last = min(first + dice.choice((0, 0, 0, 1, 1, 2)), len(units) - 1)
        wrong.append(text[units[first].start : units[last].end])
    for surface in map(show, wrong):
        if surface and surface not in true and any(c.isalnum() for c in surface) and surface.casefold() != EMPTY:
            return surface, None
    return None
