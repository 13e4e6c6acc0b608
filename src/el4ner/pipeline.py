"""The ensemble: composes the four stages over windows of texts.

texts -> demonstrations -> candidates -> ballots -> entities
         1 retrieve        2 extract     3 classify 4 verify
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from math import ceil
from pathlib import Path

from el4ner.annotation import Annotation
from el4ner.assemble import assemble, trace
from el4ner.concurrency import ahead, shares, windows
from el4ner.crf.voter import CrfVoter, proposed, voted, weights
from el4ner.data import Ballot, Document, Label
from el4ner.decide import Decision
from el4ner.ensemble.costs import Cost, Ledger
from el4ner.ensemble.dispatch import Desk
from el4ner.ensemble.member import Brief, Member
from el4ner.errors import DataError, ModelError
from el4ner.models.base import Model
from el4ner.models.open import open_models
from el4ner.models.replay import recorded, replayed
from el4ner.models.store import Store
from el4ner.pool.labels import Labels, asked_labels
from el4ner.pool.pool import Pool
from el4ner.prompts.style import style
from el4ner.recipes.load import load_recipe
from el4ner.recipes.settings import Recipe
from el4ner.retrieval.encoder import Encoder, default_encoder
from el4ner.stages.classify import classify
from el4ner.stages.extract import STAGE as EXTRACT
from el4ner.stages.extract import Extracted, extract
from el4ner.stages.label_tree import Setting, fork
from el4ner.stages.retrieve import Retrieved
from el4ner.stages.retriever import Retriever
from el4ner.stages.verify import verify
from el4ner.text.passage import Passage, cut, show

_STAGES = ("retrieve", "extract", "classify", "verify")
_SILENT = 4  # passages in a row without an answer that end a run: fewer can be texts that every model refuses
_AHEAD = 3  # windows under way on servers: one waits for its last replies, one is full at work, one is being prepared


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
        self._plugin = CrfVoter(pool) if recipe.crf.hints or recipe.crf.votes else None
        self.members = tuple(replace(m, hints=self._plugin if recipe.crf.hints else None) for m in members)
        self._encoder = encoder or default_encoder()
        self._ledger = Ledger()
        self._silent = _SILENT  # passages in a row that nobody answered; at first, one is too many
        self._desk = Desk(store, self._ledger)
        self._retriever = Retriever(pool, self._encoder, recipe, self.members, self._desk)
        self._verifiers = tuple(m for m in self.members if m.name in recipe.verify.members)

    @cached_property
    def decision(self) -> Decision:
        """How ballots become entities. A random field whose weight is measured learns for it first."""
        worth = self._plugin.worth if self._plugin else lambda: 1.0
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
    ) -> EL4NER:
        """Open a recipe's models: `recipe` is the name of a shipped one ("nano"), a file, or a `Recipe`.

        `store` is a reply store or the path of one; without it, nothing is remembered. With `replay` it answers alone,
        and no model is opened. Raises `ConfigError`, `ModelError`.
        """
        loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
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
        documents = (t if isinstance(t, Document) else Document(str(n), t) for n, t in enumerate(texts, 1))
        work = partial(self._annotate, labels=chosen, leave_one_out=leave_one_out)
        for done in ahead(work, windows(documents, self.recipe.window), self._depth):
            yield from done

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
        return tuple(sorted(self._ledger.costs, key=lambda cost: (_STAGES.index(cost.stage), names.index(cost.member))))

    @property
    def busy(self) -> float:
        """Seconds in which at least one model was at work."""
        return self._ledger.busy

    @property
    def _depth(self) -> int:
        """How many windows are under way: while one is parsed and voted on, servers work on the next."""
        return _AHEAD if any(member.model.overlaps for member in self.members) else 1

    def _annotate(
        self, documents: Sequence[Document], labels: tuple[Label, ...], leave_one_out: bool
    ) -> list[Annotation]:
        passages = [p for i, document in enumerate(documents) for p in self._passages(i, document)]
        if not passages:
            return [Annotation(d.id, d.text, (), (), (), self.decision) for d in documents]
        spans, silent = self._retriever.spans(passages, labels)
        same = self.pool.places if leave_one_out else {}
        hidden = [same.get(show(documents[p.document].text), []) for p in passages]
        for p, out in zip(passages, hidden, strict=True):
            if self._plugin is not None and out:
                self._plugin.leave_out(documents[p.document].text, [p.shown])
        found = self._retriever.demonstrations(passages, spans, labels, hidden)
        briefs = self._briefs(passages, found, labels)
        extracted: list[Extracted] = []
        ballots: list[list[Ballot]] = []
        for part in self._parts(briefs, len(passages)):
            mine = {member: brief[part.start : part.stop] for member, brief in briefs.items()}
            window = passages[part.start : part.stop]
            seen, judged = self._judge(window, found[part.start : part.stop], mine, labels)
            extracted += seen
            ballots += judged
        traces = [
            trace(p, spans[i], found[i], {m: b[i] for m, b in briefs.items()}, extracted[i], silent[i])
            for i, p in enumerate(passages)
        ]
        return [assemble(i, d, passages, ballots, traces, self.decision) for i, d in enumerate(documents)]

    def _judge(
        self,
        passages: Sequence[Passage],
        found: Sequence[Retrieved],
        briefs: dict[str, list[Brief]],
        labels: tuple[Label, ...],
    ) -> tuple[list[Extracted], list[list[Ballot]]]:
        """Stages 2 to 4, for passages that the engines can hold at once."""
        recipe = self.recipe
        extracted = extract(passages, found, briefs, self.members, labels, recipe.extract, self._desk)
        self._someone_answered(extracted)
        extracted = self._tagged(passages, extracted, labels)
        root = fork(labels, recipe.classify.branches, self._encoder, Setting(passages, found, self.members, briefs))
        ballots = classify(passages, extracted, root, self.members, recipe.classify, self.decision, self._desk)
        if recipe.crf.votes:
            ballots = [[voted(ballot) for ballot in group] for group in ballots]
        return extracted, verify(passages, ballots, briefs, self._verifiers, labels, self.decision, self._desk)

    def _parts(self, briefs: Mapping[str, Sequence[Brief]], count: int) -> Iterator[range]:
        """The window in parts of about the same size whose prefixes fit the engines' caches, all stages long."""
        full = [0.0] * count  # how much of a cache the passage takes, of the cache that it takes most of
        for model in {id(member.model): member.model for member in self.members}.values():
            if model.cached:
                mine = [briefs[member.name] for member in self.members if member.model is model]
                taken = [sum(brief.tokens + brief.limit for brief in group) for group in zip(*mine, strict=True)]
                full = [max(one, tokens / model.cached) for one, tokens in zip(full, taken, strict=True)]
        weights = [ceil(1000 * share) for share in full]
        fewest = max(1, ceil(sum(weights) / 1000))
        return shares(weights, min(1000, ceil(sum(weights) / fewest) + max(weights)))

    def _passages(self, number: int, document: Document) -> list[Passage]:
        if not isinstance(document.text, str):
            raise DataError(f"text {document.id}: expected a string, got {type(document.text).__name__}")
        return cut(document.text, lambda line: len(line.encode()) <= self.recipe.passage_bytes, number)

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
        """With what the random field proposes, where it votes."""
        if self._plugin is None or not self.recipe.crf.votes:
            return list(extracted)
        names = {label.name for label in labels}
        guesses = [self._plugin.guess(p.shown, names) for p in passages]
        return [replace(e, candidates=proposed(e.candidates, g)) for e, g in zip(extracted, guesses, strict=True)]

    def _someone_answered(self, extracted: Sequence[Extracted]) -> None:
        """One text that every model refuses is no end; members that never answered, or not for a while, are."""
        if not self.members or any(e.answered for e in extracted):
            self._silent = 0
            return
        self._silent += len(extracted)
        if self._silent >= _SILENT:
            member, reason = next(iter(extracted[0].failed.items()))
            raise ModelError(
                f"no member answered; the first reason: {EXTRACT} {member}: {reason};"
                " `el4ner doctor` asks every endpoint"
            )
