"""The ensemble: composes the four stages over windows of texts.

texts -> demonstrations -> candidates -> ballots -> entities
         1 retrieve        2 extract     3 classify 4 verify
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from el4ner.annotation import Annotation
from el4ner.concurrency import ahead, windows
from el4ner.crf.voter import CrfVoter, weights
from el4ner.data import Document, Example, Label, Span
from el4ner.decide import Decision, decide
from el4ner.ensemble.costs import Cost, Failure, Ledger, failures
from el4ner.ensemble.dispatch import Dispatcher
from el4ner.ensemble.member import Member
from el4ner.errors import DataError
from el4ner.models.base import Model
from el4ner.models.open import open_models
from el4ner.models.replay import recorded, replayed
from el4ner.models.store import Store
from el4ner.pool.aliases import Aliases
from el4ner.pool.labels import Labels, asked_labels
from el4ner.pool.pool import Pool
from el4ner.prompts.style import style
from el4ner.recipes.load import load_recipe
from el4ner.recipes.outlets import allow_only
from el4ner.recipes.settings import Recipe
from el4ner.retrieval.encoder import Encoder, default_encoder
from el4ner.retrieval.index import Index
from el4ner.stages.classify import classify
from el4ner.stages.extract import extract
from el4ner.stages.parts import parts
from el4ner.stages.retrieve import pool_spans, retrieve
from el4ner.stages.silence import Silence
from el4ner.stages.state import STAGES, PassageState, Task
from el4ner.stages.verify import verify
from el4ner.text.passage import bytes_up_to, cut, show
from el4ner.text.printable import one_line

log = logging.getLogger(__name__)
_AHEAD = 3  # windows under way on servers: one waits for its last replies, one is full at work, one is being prepared


class EL4NER:
    """Annotates texts with an ensemble of language models that read demonstrations from a pool.

    As a context manager it gives back what the models hold at the end of the block.
    """

    def __init__(
        self,
        recipe: Recipe,
        members: Sequence[Member],
        pool: Pool,
        *,
        store: Store | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        """An ensemble of members that are made already; `from_recipe` opens a recipe's models.

        `members`: one for each of `recipe.members`, in that order. `pool`: the labelled examples; it is made searchable
        at the first text. `store`: the reply store, which stays the caller's to close; None remembers nothing.
        `encoder`: what spans and types are compared by; None is the shipped one. Raises `MissingExtraError` where the
        recipe needs the random field and its package is not installed.
        """
        self.recipe = recipe
        self.pool = pool
        self._aliases = Aliases.of(label.name for label in pool.labels)
        self._shown = self._aliases.pool(pool)  # models never see a name that they could misread
        used = recipe.crf.hints or recipe.crf.votes
        self._field = CrfVoter(self._shown) if used else None
        self.members = tuple(replace(m, hints=self._field if recipe.crf.hints else None) for m in members)
        self.encoder = encoder or default_encoder()
        self._ledger = Ledger()
        self._silence = Silence()
        self._store = store
        how = recipe.retrieve.pool_spans
        # What members find depends on who answered, and the reply store keeps it: no file for their spans.
        self._index = Index(self._shown, self.encoder, self._pool_spans, None if how == "members" else how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def decision(self) -> Decision:
        """How ballots become entities. A random field whose weight is measured learns for it first."""
        worth = self._field.worth if self._field else lambda: 1.0
        return self.recipe.decide.decision(weights(self.recipe, worth))

    @classmethod
    def from_recipe(
        cls,
        recipe: str | Recipe,
        pool: Pool,
        *,
        store: Store | str | Path | None = None,
        encoder: Encoder | None = None,
        replay: bool = False,
        allow_env: Collection[str] | None = None,
    ) -> EL4NER:
        """Open a recipe's models: `recipe` is the name of a shipped one ("nano"), a file, or a `Recipe`.

        `store`: a reply store or its path; None remembers nothing, and with `replay` it answers alone. `allow_env`: the
        variables whose keys an unknown recipe may send; None trusts it. Raises `ConfigError`, `ModelError`.
        """
        loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        allow_only(loaded, allow_env)
        opened = Store.open(store) if isinstance(store, str | Path) else store
        used = loaded.used
        models = replayed(used, opened) if replay else recorded(open_models(used), used, opened)
        return cls.on_models(loaded, models, pool, store=opened, encoder=encoder)

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

    def on_pool(self, pool: Pool) -> EL4NER:
        """The same open models, reply store and encoder on another pool, with costs of its own.

        Where `pool` is this one with examples behind, what is embedded already stays. Close one of the two.
        """
        other = EL4NER(self.recipe, self.members, pool, store=self._store, encoder=self.encoder)
        known = self._shown.examples
        if other._shown.examples[: len(known)] == known:
            other._index = replace(self._index.extended(other._shown), spans=other._index.spans)
        return other

    def __call__(self, text: str, labels: Labels | None = None) -> Annotation:
        """Annotate one text. Many at a time are much faster: see `annotate`."""
        return next(self.annotate([text], labels))

    def annotate(
        self, texts: Iterable[str | Document], labels: Labels | None = None, *, leave_one_out: bool = False
    ) -> Iterator[Annotation]:
        """Annotations in the order of the texts, in bounded memory. Strings get the ids "1", "2", ...

        `labels` (also as names, or {name: description}) are asked for instead of the pool's: demonstrations are shown
        without other types. With `leave_one_out`, each text is annotated as if the pool lacked every example that looks
        the same to a model: so an ensemble is judged by its own pool. Raises `ModelError` where no member
        answers: to the first texts at all, or to several in a row.
        """
        if isinstance(texts, str):
            raise DataError("annotate takes a list of texts; for a single text, call the ensemble itself: ner(text)")
        chosen = asked_labels(labels, self.pool)
        aliases = self._aliases.also(chosen)
        documents = (t if isinstance(t, Document) else Document(str(n), t) for n, t in enumerate(texts, 1))
        work = partial(self._annotate, labels=aliases.labels(chosen), leave_one_out=leave_one_out)
        for done in ahead(work, windows(documents, self.recipe.window), self._depth):
            yield from map(aliases.back, done)

    def close(self) -> None:
        """Give back what the models hold."""
        for model in {id(member.model): member.model for member in self.members}.values():
            model.close()

    @property
    def voters(self) -> tuple[str, ...]:
        """The names that votes come under: the members', and the random field's where it votes."""
        return tuple(self.recipe.weights)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What was asked so far, by stage and member, in their order."""
        names = [member.name for member in self.members]
        return tuple(sorted(self._ledger.costs, key=lambda cost: (STAGES.index(cost.stage), names.index(cost.member))))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The members that failed so far, how often and why; empty where all is well. Each text's own are in
        `Annotation.failed`."""
        return tuple(failures(self.costs))

    @property
    def busy(self) -> float:
        """Seconds in which at least one model was at work."""
        return self._ledger.busy

    @property
    def _depth(self) -> int:
        """How many windows are under way: while one is parsed and voted on, servers work on the next."""
        return _AHEAD if any(member.model.overlaps for member in self.members) else 1

    def _task(self, labels: tuple[Label, ...]) -> Task:
        dispatch, field = Dispatcher(self._store, self._ledger, True), self._field if self.recipe.crf.votes else None
        cut_scripts = self.pool.cut_scripts
        return Task(self.recipe, self.members, labels, self.decision, dispatch, self.encoder, field, cut_scripts)

    def _pool_spans(self, examples: Sequence[Example]) -> list[tuple[Span, ...]]:
        task = self._task(self._shown.labels)
        spans = pool_spans(examples, task)
        task.dispatch.settle()
        return spans

    def _annotate(
        self, documents: Sequence[Document], labels: tuple[Label, ...], leave_one_out: bool
    ) -> list[Annotation]:
        began = time.perf_counter()
        states = [s for number, document in enumerate(documents) for s in self._states(number, document, leave_one_out)]
        if states:
            task = self._task(labels)
            states = retrieve(states, task, self._index)
            states = [
                s for part in parts(states, self.members) for s in self._judged(states[part.start : part.stop], task)
            ]
            task.dispatch.settle()
        log.info("a window of %d texts took %.1f s", len(documents), time.perf_counter() - began)
        return [self._annotation(number, document, states) for number, document in enumerate(documents)]

    def _judged(self, states: Sequence[PassageState], task: Task) -> list[PassageState]:
        """Stages 2 to 4, for passages that the engines can hold at once."""
        states = extract(states, task)
        if self.members:
            self._silence.heed(states)
        return verify(classify(states, task), task)

    def _states(self, number: int, document: Document, leave_one_out: bool) -> list[PassageState]:
        """A document's passages, each hiding the pool's copies of the whole document if it is left out."""
        if not isinstance(document.text, str):
            raise DataError(f"text {document.id}: expected a string, got {type(document.text).__name__}")
        hidden = self.pool.places.get(show(document.text), []) if leave_one_out else []
        passages = cut(document.text, bytes_up_to(self.recipe.passage_bytes), number)
        if self._field is not None and hidden:
            self._field.leave_out(document.text, [passage.shown for passage in passages])
        return [PassageState(passage, hidden) for passage in passages]

    def _annotation(self, number: int, document: Document, states: Sequence[PassageState]) -> Annotation:
        """From passages back to texts: the evidence of document `number` of a window becomes its annotation."""
        own = [state for state in states if state.passage.document == number]
        ballots = tuple(ballot for state in own for ballot in state.placed_ballots())
        entities = decide(document.text, ballots, self.decision)
        traces = tuple(state.trace() for state in own)
        made = Annotation(document.id, document.text, entities, ballots, traces, self.decision, document.meta)
        for warning in made.warnings if log.isEnabledFor(logging.INFO) else ():
            log.info("text %s: %s", one_line(document.id), warning)
        return made
