"""Questions with their answers, in the exact prompts of the compact style: what an episode is made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from candidates import candidate
from mixes import Mix
from naming import Naming
from sets import Corpus
from writing import joined, reshaping

from el4ner.data import Example
from el4ner.models.constraint import EMPTY, SEPARATOR
from el4ner.prompts.style import style
from el4ner.text.passage import show

KINDS = ("extract", "classify", "verify", "preextract")
CHANCES = (0.60, 0.20, 0.15, 0.05)
# What a target token counts in the loss.
_DEMONSTRATION, _LIST, _CHOICE = 1, 2, 5


@dataclass(frozen=True)
class Question:
    """A prompt with its answer, and where the loss falls: from, to, weight, whether the first token counts."""

    kind: int
    text: str
    prompt: int  # length of what is given at inference; the answer follows
    targets: tuple[tuple[int, int, int, bool], ...]


class Episodes:
    """Makes questions for one expert out of the corpora, by the dice."""

    def __init__(self, corpora: Sequence[Corpus], mix: Mix, dice: random.Random) -> None:
        self.corpora, self.mix, self.dice = corpora, mix, dice
        self.style = style("compact")
        self.weights = [mix.shares.get(c.name, 5) for c in corpora]

    def draw(self, dev: bool = False) -> Question:
        """One question: about a train text, or (`dev`) about one to watch the loss on."""
        while True:
            dice = self.dice
            corpus = dice.choices(self.corpora, self.weights)[0]
            if dev and not corpus.watched:
                continue
            wish_free = dice.random() < self.mix.free
            kind = dice.choices(range(4), CHANCES)[0]
            if dev:
                at = dice.choice(corpus.watched)
            elif wish_free and corpus.bare and dice.random() < 0.75:
                at = dice.choice(corpus.bare)
            else:
                at = dice.choice(corpus.bearing)
            question = self._ask(corpus, at, kind, wish_free, not dev)
            if question is not None:
                return question

    def _ask(self, corpus: Corpus, at: int, kind: int, wish_free: bool, may_join: bool) -> Question | None:
        dice = self.dice
        used = [at]
        if may_join and dice.random() < 0.12:
            used += range(at + 1, min(at + dice.randrange(2, 4), corpus.size))
        given = joined([corpus.examples[i] for i in used], corpus.join)
        if KINDS[kind] == "preextract":
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
        targets = self._demonstrated(prefix, shots, natural, skip=not naming.told)
        if KINDS[kind] == "extract":
            prompt = self.style.extract(prefix, naming.labels, shown, False, 1).prompt
            answer = _answer(self.style.demonstration(query))
            return _question(kind, prompt, answer, targets, _LIST)
        found = candidate(corpus, used, query, reshape(given), shots, dice)
        if found is None:
            return None
        surface, label = found
        if KINDS[kind] == "classify":
            prompt = self.style.classify(prefix, naming.labels, surface, True).prompt
            return _question(kind, prompt, f"{label or EMPTY})", targets, _CHOICE)
        asked = label
        if label is None or dice.random() < 0.4:
            others = [t.name for t in naming.labels if t.name != label]
            if not others and label is None:
                others = [naming.labels[0].name]
            asked = dice.choice(others) if others else label
        prompt = self.style.verify(prefix, naming.labels, surface, asked).prompt
        return _question(kind, prompt, "true)" if asked == label else "false)", targets, _CHOICE)

    def _preextract(self, query: Example) -> Question:
        prompt = self.style.preextract([], show(query.text), False, 1).prompt
        spans = sorted(query.entities, key=lambda e: (e.start, -e.end))
        found = dict.fromkeys(show(query.text[e.start : e.end]) for e in spans)
        return _question(KINDS.index("preextract"), prompt, f" {SEPARATOR.join(found) or EMPTY}\n", (), _LIST)

    def _demonstrations(self, corpus: Corpus, used: Sequence[int], naming: Naming) -> tuple[bool, list[Example]]:
        """Whether they are as they come, entity-free ones at their own rate; and the demonstrations, as placed."""
        dice = self.dice
        low, high = dice.choices(((0, 0), (1, 3), (4, 8), (9, 12)), self.mix.shots)[0]
        count = dice.randint(low, high)
        if not count:
            return True, []
        thinning = dice.choice((1.0, 0.6, 0.3))
        ranked = [i for i in corpus.near[used[0]] if i not in used and dice.random() < thinning]
        free = [i for i in corpus.free[used[0]] if i not in used]
        if dice.random() < 0.15:
            ranked = dice.sample(corpus.bearing, min(40, len(corpus.bearing)))
            ranked = [i for i in ranked if i not in used]
        natural = dice.random() < 0.2
        if natural:
            pool = ranked + free
            chosen = dice.sample(pool, min(count, len(pool)))
            return True, [corpus.examples[i] for i in chosen]
        bearing = [i for i in ranked if naming.has_any(corpus.examples[i])]
        bare = free + [i for i in ranked if not naming.has_any(corpus.examples[i])]
        few = dice.randint(1, 3) if dice.random() < 0.45 else 0
        bare = bare[: min(few, count)]
        chosen = bare[::-1] + bearing[: count - len(bare)][::-1]
        order = dice.random()
        if order < 0.45:
            chosen.reverse()
        elif order < 0.55:
            dice.shuffle(chosen)
        return False, [corpus.examples[i] for i in chosen]

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


def _question(
    kind: int, prompt: Any, answer: str, targets: tuple[tuple[int, int, int, bool], ...], weight: int
) -> Question:
    text = prompt + answer
    return Question(kind, text, len(prompt), (*targets, (len(prompt), len(text), weight, True)))
