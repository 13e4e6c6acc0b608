"""Stage 1 for an ensemble: its pool, made searchable when it is first asked, and what its members look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

from el4ner.concurrency import windows
from el4ner.data import Example, Label, Span
from el4ner.ensemble.dispatch import Desk
from el4ner.ensemble.member import Member
from el4ner.errors import ModelError
from el4ner.pool.pool import Pool
from el4ner.recipes.settings import Recipe
from el4ner.retrieval.encoder import Encoder
from el4ner.retrieval.index import Index, gold
from el4ner.stages.retrieve import Retrieved, input_spans, preextract, retrieve
from el4ner.text.noun_phrases import phrases
from el4ner.text.passage import Passage, passage


class Retriever:
    """Finds the demonstrations of passages for `members`, as the recipe says."""

    def __init__(self, pool: Pool, encoder: Encoder, recipe: Recipe, members: Sequence[Member], desk: Desk) -> None:
        self._pool = pool
        self._recipe = recipe
        self._members = members
        self._desk = desk
        how = recipe.retrieve.pool_spans
        # What members find depends on who answered, and the reply store keeps it: no file for their spans.
        self._index = Index(pool, encoder, self._pool_spans, None if how == "members" else how)
        self._searching = Lock()  # windows may overlap, and the first of them makes the index

    def spans(
        self, passages: Sequence[Passage], labels: Sequence[Label]
    ) -> tuple[list[Mapping[str, tuple[Span, ...]]], list[list[str]]]:
        """The spans of each passage by who found them, and who gave no usable answer."""
        return input_spans(passages, self._recipe.retrieve, self._members, labels, self._desk)

    def demonstrations(
        self,
        passages: Sequence[Passage],
        spans: Sequence[Mapping[str, tuple[Span, ...]]],
        labels: Sequence[Label],
        hidden: Sequence[Sequence[int]],
    ) -> list[Retrieved]:
        """As many as the members can make use of; none of those at the `hidden` places of the pool."""
        if not self._members:
            return [Retrieved((), (), (), "none") for _ in passages]
        reach = max(member.reach for member in self._members)
        if self._recipe.extract.types == "apart":
            reach *= len(labels)  # every type is shown by demonstrations that hold it, where there are some
        entity_free = max(member.settings.entity_free for member in self._members)
        with self._searching:
            return retrieve(passages, spans, self._index, self._recipe.retrieve, reach, entity_free, hidden)

    def _pool_spans(self, examples: Sequence[Example]) -> list[tuple[Span, ...]]:
        """The spans by which examples are found, into their texts as they were given (PAPER, stage 1.1)."""
        if self._recipe.retrieve.pool_spans == "gold":
            return gold(examples)
        shown = [passage(example.text) for example in examples]
        if self._recipe.retrieve.pool_spans == "words":
            found = [tuple(phrases(p.shown)) for p in shown]
        else:
            found = [spans for part in windows(shown, self._recipe.window) for spans in self._preextract(part)]
        return [tuple(p.span(s.start, s.end) for s in spans) for p, spans in zip(shown, found, strict=True)]

    def _preextract(self, passages: Sequence[Passage]) -> list[tuple[Span, ...]]:
        by, silent = preextract([p.shown for p in passages], self._members, self._pool.labels, self._desk)
        if all(len(failed) == len(self._members) for failed in silent):
            raise ModelError(
                f"no member answered about the pool's texts; the first reason: {silent[0][0]};"
                " `el4ner doctor` asks every endpoint"
            )
        return [tuple(dict.fromkeys(s for spans in by.values() for s in spans[i])) for i in range(len(passages))]
