"""The types of one episode."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import names
from kinds import KINDS
from mixes import Mix
from sets import Corpus

from el4ner.data import EMPTY, Example, Label, Span


class Naming:
    """The types of one episode: which, under which names, with which descriptions; and what becomes of entities."""

    def __init__(self, corpus: Corpus, given: Example, mix: Mix, wish_free: bool, dice: random.Random) -> None:
        self.corpus, self.dice = corpus, dice
        split = dice.random() < mix.finer
        self.fine: set[str] = set()
        if split:
            for label in corpus.labels:
                self.fine |= {f for f in names.splits(names.kind(corpus.name, label)) if dice.random() < 0.6}
        self.patterns: list[str] = []
        if dice.random() < mix.patterns and corpus.language != "zh":  # digits stand against characters there
            self.patterns = dice.sample(sorted(names.PATTERNS.keys() - corpus.labels.keys()), dice.randint(1, 2))
        keys = [*corpus.labels, *sorted(self.fine), *self.patterns]
        self.merged: dict[str, str] = {}
        if dice.random() < mix.merged:
            together = keys if dice.random() < 0.5 or len(keys) < 3 else dice.sample(keys, 2)
            self.merged = dict.fromkeys(together, "+".join(together))
            keys = list(dict.fromkeys(self.merged.get(k, k) for k in keys))
        self.keys: set[str] = set(keys)
        present = {label for _, _, label in self._entities(given)}
        self.keys = self._subset(keys, present, wish_free)
        order = sorted(self.keys)
        dice.shuffle(order)
        meaningless = dice.random() < mix.nonsense
        self.told = not meaningless
        self.name_of: dict[str, str] = {}
        taken: set[str] = set()
        for key in order:
            own = self._own(key)
            what = self._kind(key)
            word = names.nonsense(dice) if meaningless else names.name(own, what, corpus.language, dice, mix.rename)
            while word.casefold() in taken or word.casefold() == EMPTY:
                word = names.nonsense(dice) if meaningless else own if own.casefold() not in taken else word + "2"
            taken.add(word.casefold())
            self.name_of[key] = word
        with_words = dice.random() < mix.described * (0.5 if meaningless else 1)
        self.labels = [Label(self.name_of[k], self._description(k) if with_words else "") for k in order]
        self.told = self.told or with_words

    def described(self, corpus: Corpus) -> Naming:
        """The same with descriptions."""
        key_of = {name: key for key, name in self.name_of.items()}
        self.labels = [Label(t.name, self._description(key_of[t.name])) for t in self.labels]
        self.told = True
        return self

    def has_any(self, example: Example) -> bool:
        """Whether an example has entities of these types."""
        return any(label in self.keys for _, _, label in self._entities(example))

    def relabelled(self, example: Example) -> Example:
        """The example with its entities of these types, under their names."""
        kept = dict.fromkeys(
            Span(start, end, self.name_of[key]) for start, end, key in self._entities(example) if key in self.keys
        )
        return replace(example, entities=tuple(kept))

    def _entities(self, example: Example) -> Iterator[tuple[int, int, str]]:
        for e in example.entities:
            key = e.label
            if self.fine:
                fine = names.finer(names.kind(self.corpus.name, key), example.text[e.start : e.end])
                # What is asked for only as the coarse type is of that.
                key = fine if fine in self.fine and self.merged.get(fine, fine) in self.keys else key
            yield e.start, e.end, self.merged.get(key, key)
        asked = [e for e in example.entities if self.merged.get(e.label, e.label) in self.keys]
        for key in self.patterns:
            for m in names.PATTERNS[key].finditer(example.text):
                if not any(e.start < m.end() and m.start() < e.end for e in asked):
                    yield m.start(), m.end(), self.merged.get(key, key)

    def _subset(self, keys: list[str], present: set[str], wish_free: bool) -> set[str]:
        dice = self.dice
        absent = [k for k in keys if k not in present]
        if wish_free and present and absent:
            return set(dice.sample(absent, dice.randint(1, len(absent))))
        if dice.random() < 0.5:
            return set(keys)
        kept = set(dice.sample(keys, dice.randint(max(1, len(keys) // 3), len(keys))))
        if present and not kept & present:
            kept.add(dice.choice(sorted(present)))
        return kept

    def _kind(self, key: str) -> str | None:
        """What a type is: a label of the data set, or one that was made of its surface or the text's form."""
        if key in self.corpus.labels:
            return names.kind(self.corpus.name, key)
        return key if key in KINDS else None

    def _own(self, key: str) -> str:
        if key in self.merged.values():
            parts = key.split("+")
            if len(parts) > 3:
                return self.dice.choice(("entity", "name", "term", "mention", "named entity"))
            return self.dice.choice((" or ", "/", "_or_")).join(parts)
        return key

    def _description(self, key: str) -> str:
        parts = key.split("+") if key in self.merged.values() else [key]
        texts = []
        for part in parts[:4]:
            what = self._kind(part)
            surfaces = self.corpus.surfaces.get(part) or []
            examples = self.dice.sample(surfaces, min(3, len(surfaces)))
            texts.append(names.description(self.corpus.labels.get(part, ""), what, examples, self.dice))
        return " or ".join(t for t in texts if t).replace(";", ",").replace("\n", " ")
