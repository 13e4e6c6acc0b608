"""Episodes: a passage with its demonstrations, and the questions about it, in the exact prompts of the compact style.

All questions but pre-extraction begin alike, as at inference: an episode reads types, demonstrations and passage once,
and branches off into one list and several choices, none of which sees another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from candidates import Wrong
from mixes import Mix
from naming import Naming
from sets import Corpus
from writing import joined, reshaping

from el4ner.data import EMPTY, SEPARATOR, Example, Label
from el4ner.prompts.style import style
from el4ner.text.passage import show

KINDS = ("extract", "classify", "verify", "preextract")
# What a target token counts in the loss.
_DEMONSTRATION, _LIST, _CHOICE = 1, 2, 3
_SWAPPED = 0.4  # of the wrong claims say a wrong type of a right span
_ALONE = 0.05  # of the episodes are a pre-extraction, which has no demonstrations
_RIGHT = 2  # right claims an episode, at most
_FREE = 0.75  # of the wishes for a text without entities are met; else types are asked for that it has none of
_JOINED = 0.12  # of the train texts are read together with the one or two that follow
_KEPT = (1.0, 0.6, 0.3)  # shares of the neighbours, one of which is chosen from: pools of other sizes
_ANYWHERE, _DRAWN = 0.15, 40  # of the demonstrations are random texts with entities, out of so many
_NATURAL = 0.2  # of them come as they are, whether they have entities or not
_BARE = 0.45  # of the others have one to three without entities among them
_NEAREST_FIRST, _SHUFFLED = 0.45, 0.10  # of them; else the nearest stands last

Claim = tuple[str, str]  # a span's surface and a type


@dataclass(frozen=True)
class Branch:
    """A question behind what is shared, and its answer, which counts `weight` in the loss."""

    kind: int
    asked: str
    answer: str
    weight: int


@dataclass(frozen=True)
class Episode:
    """`targets` in what is shared: from, to, weight, whether the first token counts."""

    shared: str
    targets: tuple[tuple[int, int, int, bool], ...]
    branches: tuple[Branch, ...]


class Episodes:
    """Makes episodes for one expert out of the corpora, by the dice."""

    def __init__(self, corpora: Sequence[Corpus], mix: Mix, dice: random.Random) -> None:
        self.corpora, self.mix, self.dice = corpora, mix, dice
        self.style = style("compact")
        self.weights = mix.weights([c.name for c in corpora])

    def draw(self, dev: bool = False) -> Episode:
        """One episode: about a train text, or (`dev`) about one to watch the loss on."""
        dice = self.dice
        corpus = dice.choices(self.corpora, self.weights)[0]
        while dev and not corpus.watched:
            corpus = dice.choices(self.corpora, self.weights)[0]
        wish_free = dice.random() < self.mix.free
        if dev:
            at = dice.choice(corpus.watched)
        elif wish_free and corpus.bare and dice.random() < _FREE:
            at = dice.choice(corpus.bare)
        else:
            at = dice.choice(corpus.bearing)
        return self._about(corpus, at, wish_free, not dev)

    def _about(self, corpus: Corpus, at: int, wish_free: bool, may_join: bool) -> Episode:
        dice = self.dice
        used = [at]
        if may_join and dice.random() < _JOINED:
            used += range(at + 1, min(at + dice.randrange(2, 4), corpus.size))
        given = joined([corpus.examples[i] for i in used], corpus.join)
        if dice.random() < _ALONE:
            return self._preextract(reshaping(corpus, dice)(given))
        naming = Naming(corpus, given, self.mix, wish_free, dice)
        natural, demonstrations = self._demonstrations(corpus, used, naming)
        if not demonstrations and not naming.told:
            naming = naming.described(corpus)
        reshape = reshaping(corpus, dice)
        shots = [reshape(naming.relabelled(e)) for e in demonstrations]
        query = reshape(naming.relabelled(given))
        shown = show(query.text)
        prefix = self.style.prefix(naming.labels, shots, shown)
        wrong = Wrong(corpus, used, query, reshape(given), shots, dice)
        branches = (
            self._list(prefix, naming.labels, query, shown),
            *self._choices(prefix, naming.labels, query, wrong),
        )
        targets = self._demonstrated(prefix, shots, natural, skip=not naming.told)
        return Episode(prefix, targets, branches)

    def _preextract(self, query: Example) -> Episode:
        prompt = str(self.style.preextract([], show(query.text), False, 1).prompt)
        spans = sorted(query.entities, key=lambda e: (e.start, -e.end))
        found = dict.fromkeys(show(query.text[e.start : e.end]) for e in spans)
        answer = f" {SEPARATOR.join(found) or EMPTY}\n"
        return Episode(prompt, (), (Branch(KINDS.index("preextract"), "", answer, _LIST),))

    def _list(self, prefix: str, labels: Sequence[Label], query: Example, shown: str) -> Branch:
        prompt = self.style.extract(prefix, labels, shown, False, 1).prompt
        return _branch("extract", prefix, prompt, _answer(self.style.demonstration(query)), _LIST)

    def _choices(self, prefix: str, labels: Sequence[Label], query: Example, wrong: Wrong) -> Iterator[Branch]:
        """Of which type spans are, and whether they are of one: half of them right, but where there are no entities."""
        true = list(dict.fromkeys((show(query.text[e.start : e.end]), e.label) for e in query.entities))
        right = self.dice.sample(true, min(_RIGHT, len(true)))
        typed = [*right[:1], *((surface, EMPTY) for surface, _ in wrong.draw(1))]
        for surface, label in typed:
            prompt = self.style.classify(prefix, labels, surface, True).prompt
            yield _branch("classify", prefix, prompt, f"{label})", _CHOICE)
        claims = dict.fromkeys(right, True) | dict.fromkeys(self._false(labels, true, right, wrong), False)
        for (surface, label), holds in claims.items():
            prompt = self.style.verify(prefix, labels, surface, label).prompt
            yield _branch("verify", prefix, prompt, "true)" if holds else "false)", _CHOICE)

    def _false(
        self, labels: Sequence[Label], true: Sequence[Claim], right: Sequence[Claim], wrong: Wrong
    ) -> Iterator[Claim]:
        """As many wrong claims as right ones, one at least: a right span of a wrong type, or a wrong span."""
        names = [label.name for label in labels]
        swapped = [(surface, name) for surface, _ in right for name in names if (surface, name) not in true]
        for _ in range(max(1, len(right))):
            if swapped and self.dice.random() < _SWAPPED:
                yield self.dice.choice(swapped)
                continue
            for surface, like in wrong.draw(1):
                yield surface, like if like in names else self.dice.choice(names)

    def _demonstrations(self, corpus: Corpus, used: Sequence[int], naming: Naming) -> tuple[bool, list[Example]]:
        """Whether they are as they come, entity-free ones at their own rate; and the demonstrations, as placed."""
        dice = self.dice
        low, high = dice.choices(((0, 0), (1, 3), (4, 8), (9, 12)), self.mix.shots)[0]
        count = dice.randint(low, high)
        if not count:
            return True, []
        ranked, free = self._ranked(corpus, used)
        if dice.random() < _NATURAL:
            pool = ranked + free
            chosen = dice.sample(pool, min(count, len(pool)))
            return True, [corpus.examples[i] for i in chosen]
        bearing = [i for i in ranked if naming.has_any(corpus.examples[i])]
        bare = free + [i for i in ranked if not naming.has_any(corpus.examples[i])]
        few = dice.randint(1, 3) if dice.random() < _BARE else 0
        bare = bare[: min(few, count)]
        placed = self._placed(bare[::-1] + bearing[: count - len(bare)][::-1])
        return False, [corpus.examples[i] for i in placed]

    def _ranked(self, corpus: Corpus, used: Sequence[int]) -> tuple[list[int], list[int]]:
        """The texts to choose from, with entities and without, most similar first, but where they are any texts."""
        dice = self.dice
        share = dice.choice(_KEPT)
        ranked = [i for i in corpus.near[used[0]] if i not in used and dice.random() < share]
        if dice.random() < _ANYWHERE:
            ranked = dice.sample(corpus.bearing, min(_DRAWN, len(corpus.bearing)))
        return [i for i in ranked if i not in used], [i for i in corpus.free[used[0]] if i not in used]

    def _placed(self, chosen: list[int]) -> list[int]:
        order = self.dice.random()
        if order < _NEAREST_FIRST:
            return chosen[::-1]
        if order < _NEAREST_FIRST + _SHUFFLED:
            self.dice.shuffle(chosen)
        return chosen

    def _demonstrated(
        self, prefix: str, shots: Sequence[Example], natural: bool, skip: bool
    ) -> tuple[tuple[int, int, int, bool], ...]:
        """Where the lists of the demonstrations stand.

        That a demonstration has entities was decided when it was chosen: its first token teaches nothing that is true
        of inputs, unless the choice was natural. A first demonstration of meaningless names is not foretold (`skip`).
        """
        targets, at = [], 0
        for number, shot in enumerate(shots):
            text = self.style.demonstration(shot)
            at = prefix.index(text, at)
            start = at + text.index("\n") + len("\nEntities:")
            at += len(text)
            if not (skip and number == 0):
                targets.append((start, at - 1, _DEMONSTRATION, natural))
        return tuple(targets)


def _answer(demonstration: str) -> str:
    """The list of a demonstration and the line's end."""
    start = demonstration.index("\n") + len("\nEntities:")
    return demonstration[start:-1]


def _branch(kind: str, prefix: str, prompt: object, answer: str, weight: int) -> Branch:
    """The question of a whole prompt, behind the prefix."""
    return Branch(KINDS.index(kind), str(prompt).removeprefix(prefix), answer, weight)
