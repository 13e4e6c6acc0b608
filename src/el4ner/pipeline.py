"""The ensemble: composes the four stages over windows of texts.

texts -> demonstrations -> candidates -> ballots -> entities
         1 retrieve        2 extract     3 classify 4 verify
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TypeVar

from el4ner.annotation import Annotation, Shown, Trace
from el4ner.config import Recipe, load_recipe
from el4ner.data import Ballot, Candidate, Document, Example, Label, Span
from el4ner.desk import Desk
from el4ner.encoder import Encoder, default_encoder
from el4ner.errors import ConfigError, DataError, El4nerError, ModelError
from el4ner.index import Index, gold
from el4ner.ledger import Cost, Ledger
from el4ner.member import Brief, Member
from el4ner.models.base import Model
from el4ner.models.constraint import EMPTY
from el4ner.models.open import open_models
from el4ner.models.store import Store
from el4ner.passage import Passage, cut, passage
from el4ner.phrases import phrases
from el4ner.plugin import NAME as TAGGER
from el4ner.plugin import Plugin, proposed, voted
from el4ner.pool import Pool
from el4ner.prompts.style import style
from el4ner.sidebyside import ahead
from el4ner.stages.classify import classify
from el4ner.stages.extract import STAGE as EXTRACT
from el4ner.stages.extract import Extracted, extract
from el4ner.stages.fork import Setting, fork
from el4ner.stages.retrieve import Retrieved, input_spans, preextract, retrieve
from el4ner.stages.verify import verify
from el4ner.vote import Decision, decide

_STAGES = ("retrieve", "extract", "classify", "verify")
_AHEAD = 3  # windows under way on servers: one waits for its last replies, one is full at work, one is being prepared

T = TypeVar("T")
Labels = Sequence[Label] | Sequence[str] | Mapping[str, str]


class EL4NER:
    """Annotates texts with an ensemble of language models that read demonstrations from a pool."""

    def __init__(
        self,
        recipe: Recipe,
        members: Sequence[Member],
        pool: Pool,
        *,
        store: Store | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self.recipe = recipe
        self.pool = pool
        self._plugin = Plugin(pool) if recipe.tagger.hints or recipe.tagger.votes else None
        hints = self._plugin if recipe.tagger.hints else None
        self.members = tuple(replace(member, hints=hints) for member in members)
        self._encoder = encoder or default_encoder()
        self._ledger = Ledger()
        self._desk = Desk(store, self._ledger)
        self._index: Index | None = None
        self._searching = Lock()
        self._verifiers = tuple(m for m in self.members if m.name in recipe.verify.members)
        how = recipe.decide
        weights = {m.name: m.settings.weight for m in self.members}
        self.decision = Decision(how.rule, True, how.proposers, how.threshold, how.overlap, weights)

    @classmethod
    def from_recipe(
        cls,
        recipe: str | Recipe,
        pool: Pool,
        *,
        store: Store | str | Path | None = None,
        encoder: Encoder | None = None,
    ) -> EL4NER:
        """Open a recipe's models: `recipe` is the name of a shipped one ("nano"), a file, or a `Recipe`.

        `store` is a reply store or the path of one; without it, nothing is remembered. Raises `ConfigError`,
        `ModelError`.
        """
        loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        opened = Store.open(store) if isinstance(store, str | Path) else store
        return cls.on_models(loaded, open_models(loaded), pool, store=opened, encoder=encoder)

    @classmethod
    def on_models(
        cls,
        recipe: Recipe,
        models: Mapping[str, Model],
        pool: Pool,
        *,
        store: Store | None = None,
        encoder: Encoder | None = None,
    ) -> EL4NER:
        """A recipe's ensemble on models that are open already, by their names in the recipe."""
        members = [Member(settings, models[settings.model], style(settings.style)) for settings in recipe.members]
        return cls(recipe, members, pool, store=store, encoder=encoder)

    def __call__(self, text: str, labels: Labels | None = None) -> Annotation:
        """Annotate one text. Many at a time are much faster: see `annotate`."""
        return next(self.annotate([text], labels))

    def annotate(self, texts: Iterable[str | Document], labels: Labels | None = None) -> Iterator[Annotation]:
        """Annotations in the order of the texts, in bounded memory. Strings get the ids "1", "2", ...

        `labels` (also as names, or {name: description}) are asked for instead of the pool's: demonstrations are shown
        without other
        types. Raises `ModelError` where no member answered anything in a window of texts.
        """
        if isinstance(texts, str):
            raise DataError("annotate takes a list of texts; for a single text, call the ensemble itself: ner(text)")
        chosen = self._labels(labels)
        documents = (t if isinstance(t, Document) else Document(str(n), t) for n, t in enumerate(texts, 1))
        windows = _windows(documents, self.recipe.window)
        for done in ahead(lambda window: self._annotate(window, chosen), windows, self._depth):
            yield from done

    def close(self) -> None:
        """Give back what the models hold."""
        for model in {id(member.model): member.model for member in self.members}.values():
            model.close()

    @property
    def voters(self) -> tuple[str, ...]:
        """The names that votes come under: the members', and the trained tagger's where it votes."""
        return (*(member.name for member in self.members), *([TAGGER] if self.recipe.tagger.votes else []))

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What was asked so far, by stage and member, in their order."""
        names = [member.name for member in self.members]
        return tuple(sorted(self._ledger.costs, key=lambda cost: (_STAGES.index(cost.stage), names.index(cost.member))))

    @property
    def busy(self) -> float:
        """Seconds in which at least one model was at work."""
        return self._ledger.busy

    @property
    def _depth(self) -> int:
        """How many windows are under way: while one is parsed and voted on, servers work on the next."""
        return _AHEAD if any(member.model.overlaps for member in self.members) else 1

    def _labels(self, labels: Labels | None) -> tuple[Label, ...]:
        if labels is None:
            chosen = self.pool.labels
        elif isinstance(labels, Mapping):
            chosen = tuple(Label(name, description) for name, description in labels.items())
        else:
            chosen = tuple(Label(label) if isinstance(label, str) else label for label in labels)
        if not chosen:
            raise ConfigError("labels: none given; name at least one type of entity")
        if len({label.name for label in chosen}) < len(chosen):
            raise ConfigError("labels: a name stands there twice; give every type a name of its own")
        for label in chosen:
            if not label.name.strip() or label.name.casefold() == EMPTY or any(c in label.name for c in ";()\n"):
                raise ConfigError(
                    f"label {label.name!r}: a label is a short name without ; ( ) or line breaks, and not {EMPTY!r}"
                )
        return chosen

    def _annotate(self, documents: Sequence[Document], labels: tuple[Label, ...]) -> list[Annotation]:
        passages = [p for i, document in enumerate(documents) for p in self._passages(i, document)]
        if not passages:
            return [Annotation(d.id, d.text, (), (), (), self.decision) for d in documents]
        recipe = self.recipe
        spans, silent = input_spans(passages, recipe.retrieve, self.members, labels, self._desk)
        found = self._retrieve(passages, spans, labels)
        briefs = self._briefs(passages, found, labels)
        extracted = extract(passages, found, briefs, self.members, labels, recipe.extract, self._desk)
        self._someone_answered(extracted)
        extracted = self._tagged(passages, extracted, labels)
        root = fork(labels, recipe.classify.branches, self._encoder, Setting(passages, found, self.members, briefs))
        ballots = classify(passages, extracted, root, self.members, recipe.classify, self._desk)
        if recipe.tagger.votes:
            ballots = [[voted(ballot) for ballot in group] for group in ballots]
        ballots = verify(passages, ballots, briefs, self._verifiers, labels, self.decision, self._desk)
        traces = [
            _trace(p, spans[i], found[i], {m: b[i] for m, b in briefs.items()}, extracted[i], silent[i])
            for i, p in enumerate(passages)
        ]
        placed = [[_placed(ballot, p) for ballot in group] for p, group in zip(passages, ballots, strict=True)]
        return [self._merge(i, d, passages, placed, traces) for i, d in enumerate(documents)]

    def _passages(self, number: int, document: Document) -> list[Passage]:
        if not isinstance(document.text, str):
            raise DataError(f"text {document.id}: expected a string, got {type(document.text).__name__}")
        return cut(document.text, lambda line: len(line.encode()) <= self.recipe.passage_bytes, number)

    def _retrieve(
        self,
        passages: Sequence[Passage],
        spans: Sequence[Mapping[str, tuple[Span, ...]]],
        labels: Sequence[Label],
    ) -> list[Retrieved]:
        if not self.members:
            return [Retrieved((), (), (), "none") for _ in passages]
        reach = max(member.reach for member in self.members)
        if self.recipe.extract.types == "apart":
            reach *= len(labels)  # every type is shown by demonstrations that hold it, where there are some
        entity_free = max(member.settings.entity_free for member in self.members)
        with self._searching:  # windows may overlap, and the first of them makes the index
            return retrieve(passages, spans, self._pool_index(), self.recipe.retrieve, reach, entity_free)

    def _pool_index(self) -> Index:
        if self._index is None:
            how = self.recipe.retrieve.pool_spans
            # What members find depends on who answered, and the reply store keeps it: no file for their spans.
            source = None if how == "members" else how
            self._index = Index(self.pool, self._encoder, self._pool_spans, source)
        return self._index

    def _pool_spans(self, examples: Sequence[Example]) -> list[tuple[Span, ...]]:
        """The spans by which examples are found, into their texts as they were given (PAPER, stage 1.1)."""
        if self.recipe.retrieve.pool_spans == "gold":
            return gold(examples)
        shown = [passage(example.text) for example in examples]
        if self.recipe.retrieve.pool_spans == "words":
            found = [tuple(phrases(p.shown)) for p in shown]
        else:
            found = [spans for part in _windows(shown, self.recipe.window) for spans in self._preextract(part)]
        return [tuple(p.span(s.start, s.end) for s in spans) for p, spans in zip(shown, found, strict=True)]

    def _preextract(self, passages: Sequence[Passage]) -> list[tuple[Span, ...]]:
        by, _ = preextract([p.shown for p in passages], self.members, self.pool.labels, self._desk)
        return [tuple(dict.fromkeys(s for spans in by.values() for s in spans[i])) for i in range(len(passages))]

    def _briefs(
        self, passages: Sequence[Passage], found: Sequence[Retrieved], labels: tuple[Label, ...]
    ) -> dict[str, list[Brief]]:
        return {
            member.name: member.brief(labels, passages, [member.choose(r.examples, r.entity_free) for r in found])
            for member in self.members
        }

    def _tagged(
        self, passages: Sequence[Passage], extracted: Sequence[Extracted], labels: Sequence[Label]
    ) -> list[Extracted]:
        """With what the trained tagger proposes, where it votes."""
        if self._plugin is None or not self.recipe.tagger.votes:
            return list(extracted)
        names = {label.name for label in labels}
        guesses = [self._plugin.guess(p.shown, names) for p in passages]
        return [replace(e, candidates=proposed(e.candidates, g)) for e, g in zip(extracted, guesses, strict=True)]

    def _someone_answered(self, extracted: Sequence[Extracted]) -> None:
        if self.members and not any(e.answered for e in extracted):
            member, reason = next(iter(extracted[0].failed.items()))
            raise ModelError(
                f"no member answered; the first reason: {EXTRACT} {member}: {reason};"
                " `el4ner doctor` asks every endpoint"
            )

    def _merge(
        self,
        number: int,
        document: Document,
        passages: Sequence[Passage],
        placed: Sequence[Sequence[Ballot]],
        traces: Sequence[Trace],
    ) -> Annotation:
        mine = [i for i, p in enumerate(passages) if p.document == number]
        ballots = tuple(ballot for i in mine for ballot in placed[i])
        entities = decide(document.text, ballots, self.decision)
        return Annotation(document.id, document.text, entities, ballots, tuple(traces[i] for i in mine), self.decision)


def _windows(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items. Where reading fails, what was read before is given first, then the error raised."""
    rest, failure = iter(items), None
    while failure is None:
        window: list[T] = []
        try:
            window.extend(islice(rest, size))
        except El4nerError as error:
            failure = error
        if not window:
            break
        yield window
    if failure:
        raise failure


def _placed(ballot: Ballot, where: Passage) -> Ballot:
    span = ballot.candidate.span
    candidate = Candidate(where.span(span.start, span.end), ballot.candidate.proposals)
    return Ballot(candidate, ballot.votes, ballot.verdicts)


def _trace(
    where: Passage,
    spans: Mapping[str, tuple[Span, ...]],
    found: Retrieved,
    briefs: Mapping[str, Brief],
    extracted: Extracted,
    silent: Sequence[str],
) -> Trace:
    return Trace(
        {name: tuple(where.span(s.start, s.end) for s in group) for name, group in spans.items()},
        found.weights,
        tuple(Shown(e.id, s) for e, s in zip(found.examples, found.similarities, strict=True)),
        {name: brief.demonstrations for name, brief in briefs.items()},
        extracted.ungrounded,
        (*silent, *(f"{EXTRACT} {member}: {reason}" for member, reason in extracted.failed.items())),
        extracted.cut,
    )
