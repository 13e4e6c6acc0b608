"""In-context episodes: from labelled texts to token files, in the exact prompts of the compact style.

    python train/episodes.py CORPUS.json.xz TOKENIZER.json OUT --experts general reader breadth --tokens 60000000

An episode is a list of types, some demonstrations, a text, and one question with its answer. The loss falls on the
lists of the demonstrations too, so that one sequence trains every number of shots up to its own. The prompts come from
`el4ner.prompts.style` itself. Needs el4ner's source on the path, `tokenizers` and numpy; nothing else.
"""

from __future__ import annotations

import argparse
import json
import lzma
import multiprocessing
import os
import random
import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import names
import numpy as np
from tokenizers import Tokenizer

from el4ner.data import Example, Label, Span
from el4ner.models.constraint import EMPTY, SEPARATOR
from el4ner.passage import show
from el4ner.prompts.style import style
from el4ner.words import words

KINDS = ("extract", "classify", "verify", "preextract")
CHANCES = (0.60, 0.20, 0.15, 0.05)
LONGEST, RARELY = 1024, 1536  # tokens of a sequence; the second for one in ten
_CHUNK = 1000  # sequences a worker makes at a time
_DEV = 480
# What a target token counts in the loss.
_DEMONSTRATION, _LIST, _CHOICE = 1, 2, 5

_SHARES = {
    "wikigold": 8, "uner_en_ewt": 13, "btc": 12, "litbank": 6, "annoctr": 8, "sec_filings": 3, "tasteset": 8,
    "bc5cdr": 6, "bionlp13cg": 8, "bc2gm": 4, "ncbi_disease": 3, "anem": 4,
    "uner_zh_gsdsimp": 10, "germeval2014": 5, "gum": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Mix:
    """What one expert reads. `shots`: weights of 0, 1-3, 4-8 and 9-12 demonstrations; the others are chances."""

    seed: int
    rename: float = 0.4
    nonsense: float = 0.10
    described: float = 0.5
    finer: float = 0.30
    merged: float = 0.07
    patterns: float = 0.10
    free: float = 0.22
    shots: tuple[float, float, float, float] = (0.10, 0.20, 0.55, 0.15)
    shares: dict[str, float] = field(default_factory=lambda: dict(_SHARES))


MIXES = {
    "general": Mix(seed=1),
    "reader": Mix(
        seed=2, rename=0.7, nonsense=0.28, described=0.35, merged=0.12, finer=0.35, shots=(0.02, 0.13, 0.60, 0.25)
    ),
    "breadth": Mix(
        seed=3,
        described=0.95,
        finer=0.45,
        free=0.33,
        shots=(0.22, 0.33, 0.37, 0.08),
        shares={
            "wikigold": 10, "uner_en_ewt": 18, "btc": 17, "litbank": 5, "annoctr": 8, "sec_filings": 2, "tasteset": 9,
            "bc5cdr": 3, "bionlp13cg": 5, "bc2gm": 2, "ncbi_disease": 1, "anem": 3, "uner_zh_gsdsimp": 14,
            "germeval2014": 4, "gum": 4,
        },
    ),
}  # fmt: skip


class Corpus:
    """The texts of one data set, with neighbours; see `corpus.py`."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.name, self.language, self.join = table["name"], table["language"], table["join"]
        self.labels: dict[str, str] = dict(table["labels"])
        if self.name == "btc":
            self.labels["USER"] = "user names of social media"
        self.size = len(table["texts"])
        self.examples = [
            Example(str(i), text, tuple(_handles(text, [Span(*e) for e in entities])))
            for i, (text, entities) in enumerate([*table["texts"], *table["dev"]])
        ]
        self.phrases, self.near, self.free = table["phrases"], table["near"], table["free"]
        self.bearing = [i for i in range(self.size) if self.examples[i].entities]
        self.bare = [i for i in range(self.size) if not self.examples[i].entities]
        self.watched = range(self.size, len(self.examples))
        self.surfaces: dict[str, list[str]] = {label: [] for label in self.labels}
        for example in self.examples[: self.size]:
            for e in example.entities:
                if len(self.surfaces[e.label]) < 400 and e.end - e.start < 30:
                    self.surfaces[e.label].append(example.text[e.start : e.end])


def _handles(text: str, entities: Sequence[Span]) -> Iterator[Span]:
    """User names as one entity of their own type: btc has the sign and the name as two people or organisations."""
    signs = {e.end for e in entities if text[e.start : e.end] == "@"}
    for e in entities:
        if text[e.start : e.end] != "@":
            sign = next((at for at in (e.start, e.start - 1) if at in signs), None)
            yield e if sign is None else Span(sign - 1, e.end, "USER")


def read_corpora(path: Path) -> list[Corpus]:
    """All data sets of a corpus file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [Corpus(table) for table in json.load(file)["sets"]]


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
        self.weights = [mix.shares[c.name] for c in corpora]

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
        given = _joined([corpus.examples[i] for i in used], corpus.join)
        if KINDS[kind] == "preextract":
            return self._preextract(self._reshaped(corpus, given))
        naming = Naming(corpus, given, self.mix, wish_free, dice)
        natural, demonstrations = self._demonstrations(corpus, used, naming)
        if not demonstrations and not naming.told:
            naming = naming.described(corpus)
        reshape = self._reshape(corpus)
        shots = [reshape(naming.relabelled(e)) for e in demonstrations]
        query = reshape(naming.relabelled(given))
        shown = show(query.text)
        prefix = self.style.prefix(naming.labels, shots, shown)
        targets = self._demonstrated(prefix, shots, natural, skip=not naming.told)
        if KINDS[kind] == "extract":
            prompt = self.style.extract(prefix, naming.labels, shown, False, 1).prompt
            answer = _answer(self.style.demonstration(query))
            return _question(kind, prompt, answer, targets, _LIST)
        candidate = self._candidate(corpus, used, query, reshape(given), shots, naming)
        if candidate is None:
            return None
        surface, label = candidate
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

    def _candidate(
        self,
        corpus: Corpus,
        used: Sequence[int],
        query: Example,
        gold: Example,
        shots: Sequence[Example],
        naming: Naming,
    ) -> tuple[str, str | None] | None:
        """A span of the text and its type; None for what is no entity of these types."""
        dice, text = self.dice, query.text
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

    def _reshape(self, corpus: Corpus) -> Any:
        """How the texts of this episode are written: as they are, without the tokenizer's spaces, in small letters."""
        spaced = corpus.join and self.dice.random() >= 0.3
        small = corpus.language != "zh" and self.dice.random() < 0.08

        def reshape(example: Example) -> Example:
            if not spaced and corpus.join:
                example = untokenised(example, corpus.language)
            if small and len(example.text.lower()) == len(example.text):
                example = replace(example, text=example.text.lower())
            return example

        return reshape

    def _reshaped(self, corpus: Corpus, example: Example) -> Example:
        return self._reshape(corpus)(example)


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
        if dice.random() < mix.patterns:
            self.patterns = dice.sample(list(names.PATTERNS), dice.randint(1, 2))
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
            what = names.kind(corpus.name, key) or (key if key in names.KINDS else None)
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
                key = fine if fine in self.fine else key
            yield e.start, e.end, self.merged.get(key, key)
        for key in self.patterns:
            for m in names.PATTERNS[key].finditer(example.text):
                if not any(e.start < m.end() and m.start() < e.end for e in example.entities):
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
            what = names.kind(self.corpus.name, part) or (part if part in names.KINDS else None)
            surfaces = self.corpus.surfaces.get(part) or []
            examples = self.dice.sample(surfaces, min(3, len(surfaces)))
            texts.append(names.description(self.corpus.labels.get(part, ""), what, examples, self.dice))
        return " or ".join(t for t in texts if t).replace(";", ",").replace("\n", " ")


def _joined(examples: Sequence[Example], gap: str) -> Example:
    text, entities = "", []
    for example in examples:
        text += gap if text else ""
        entities += [Span(e.start + len(text), e.end + len(text), e.label) for e in example.entities]
        text += example.text
    return Example(examples[0].id, text, tuple(entities))


_NO_SPACE_BEFORE = re.compile(r" (?=[.,;:!?%)\]}]|'(?: ?(?:s|re|ve|ll|d|m)\b)|n't\b)")
_NO_SPACE_AFTER = re.compile(r"(?<=[(\[{$#@]) |(?<=\w') (?=(?:s|re|ve|ll|d|m|t)\b)|(?<= ') (?=(?:s|re|ve|ll)\b)")
_HYPHEN = re.compile(r"(?<=\w) (?=[-/] \w)|(?<=\w [-/]) (?=\w)")


def untokenised(example: Example, language: str) -> Example:
    """The text as people write it: without the spaces that a tokenizer put around punctuation. Roughly."""
    text = example.text
    gone = {m.start() for p in (_NO_SPACE_BEFORE, _NO_SPACE_AFTER) for m in p.finditer(text)}
    if language == "en":
        gone |= {m.start() for m in _HYPHEN.finditer(text)}
    edges = {e.start for e in example.entities}
    cuts = sorted(gone - edges)
    if not cuts:
        return example
    out = set(cuts)

    def moved(at: int) -> int:
        return at - bisect_left(cuts, at)

    entities = tuple(Span(moved(e.start), moved(e.end), e.label) for e in example.entities)
    return replace(example, text="".join(c for i, c in enumerate(text) if i not in out), entities=entities)


def _answer(demonstration: str) -> str:
    """The list of a demonstration and the line's end."""
    start = demonstration.index("\n") + len("\nEntities:")
    return demonstration[start:-1]


def _question(
    kind: int, prompt: Any, answer: str, targets: tuple[tuple[int, int, int, bool], ...], weight: int
) -> Question:
    text = prompt + answer
    return Question(kind, text, len(prompt), (*targets, (len(prompt), len(text), weight, True)))


def encoded(tokenizer: Tokenizer, question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Tokens, and what each counts as a target."""
    coded = tokenizer.encode(question.text, add_special_tokens=False)
    starts = np.array([start for start, _ in coded.offsets])
    weights = np.zeros(len(starts), np.uint8)
    for start, end, weight, first in question.targets:
        low, high = np.searchsorted(starts, [start, end])
        weights[low + (not first) : high] = weight
    return np.array(coded.ids, np.uint16), weights


_state: dict[str, Any] = {}


def _start(corpus: Path, tokenizer: Path) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _state["corpora"] = read_corpora(corpus)
    _state["tokenizer"] = Tokenizer.from_file(str(tokenizer))


def _chunk(task: tuple[str, int, int, bool]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    expert, number, count, dev = task
    mix = MIXES[expert]
    dice = random.Random(f"{mix.seed}/{number}/{dev}")
    episodes = Episodes(_state["corpora"], mix, dice)
    ids, weights, kinds = [], [], []
    while len(ids) < count:
        question = episodes.draw(dev)
        limit = RARELY if dice.random() < 0.1 else LONGEST
        tokens, targets = encoded(_state["tokenizer"], question)
        if len(tokens) <= limit:
            ids.append(tokens)
            weights.append(targets)
            kinds.append(question.kind)
    lengths = np.array([len(i) for i in ids], np.int32)
    return np.concatenate(ids), np.concatenate(weights), lengths, np.array(kinds, np.uint8)


def main() -> None:
    """Write the token files of each expert, and of its dev episodes; what is there already is left alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--experts", nargs="+", default=list(MIXES), choices=list(MIXES))
    parser.add_argument("--tokens", type=int, default=60_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(args.workers, _start, (args.corpus, args.tokenizer)) as pool:
        for expert in args.experts:
            for name, tokens, dev in ((f"{expert}-dev", 0, True), (expert, args.tokens, False)):
                if not (args.out / f"{name}.json").exists():
                    _write(pool, args.out / name, expert, tokens, dev)


def _write(pool: Any, out: Path, expert: str, tokens: int, dev: bool) -> None:
    began, total = time.monotonic(), 0
    parts = []
    count = _DEV // 4 if dev else _CHUNK
    tasks = ((expert, n, count, dev) for n in range(4 if dev else 1 + tokens // (_CHUNK * 100)))
    wave = 4 if dev else multiprocessing.cpu_count()
    while total <= tokens:
        batch = list(islice(tasks, wave))
        if not batch:
            break
        for part in pool.map(_chunk, batch, chunksize=1):
            parts.append(part)
            total += len(part[0])
        if dev:
            break
    ids, weights, lengths, kinds = (np.concatenate(group) for group in zip(*parts, strict=True))
    for suffix, array in (("tokens", ids), ("weights", weights), ("lengths", lengths), ("kinds", kinds)):
        np.save(out.with_name(f"{out.name}.{suffix}.npy"), array)
    facts = {
        "sequences": len(lengths),
        "tokens": int(total),
        "targets": int((weights > 0).sum()),
        "longest": int(lengths.max()),
        "kinds": {KINDS[k]: n for k, n in sorted(Counter(kinds.tolist()).items())},
        "tokens by kind": {KINDS[k]: int(lengths[kinds == k].sum()) for k in range(len(KINDS))},
        "seconds": round(time.monotonic() - began, 1),
    }
    out.with_name(f"{out.name}.json").write_text(json.dumps(facts))
    print(out.name, json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
