"""Which examples of the pool a passage is read beside: the most similar ones, varied on request, or some at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from el4ner.recipes.settings import RetrieveSettings
from el4ner.retrieval.index import Index, Kind, Query
from el4ner.retrieval.pos_weights import PosWeights, span_weights
from el4ner.retrieval.spansim import NOTHING, Ranking
from el4ner.stages.state import PassageState, Retrieved
from el4ner.text.passage import show

_WIDER = 4  # candidates for each demonstration that balance and diversity choose from
_OF_A_LABEL = 4096  # examples of a label compared, where no candidate has it


@dataclass(frozen=True, slots=True)
class Search:
    """Looks for `reach` examples with entities, and for `entity_free` without, by similarity of the whole text."""

    index: Index
    settings: RetrieveSettings
    reach: int
    entity_free: int

    def find(self, states: Sequence[PassageState]) -> list[Retrieved]:
        """Rank the pool for every passage by SpanSim over the union of its spans (EL4NER, stage 1.2 to 1.4)."""
        hidden = [state.hidden for state in states]
        wholes: list[Query] = [([state.shown], np.ones(1)) for state in states]
        bare = self._rank("bare", wholes, hidden, self.entity_free) if self.entity_free else [NOTHING] * len(states)
        if self.settings.by == "random":
            drawn, how = [self._drawn(out) for out in hidden], ["random"] * len(states)
        else:
            queries, how = self._queries(states, wholes)
            drawn = self._chosen(queries, hidden, how)
        examples = self.index.pool.examples
        return [
            Retrieved(
                tuple(examples[i] for i in best.ids),
                tuple(round(score, 4) for score in best.scores.tolist()),
                tuple(examples[i] for i in free.ids),
                source,
            )
            for best, free, source in zip(drawn, bare, how, strict=True)
        ]

    def _queries(self, states: Sequence[PassageState], wholes: Sequence[Query]) -> tuple[list[Query], list[str]]:
        """What each passage is compared by, and how that was weighed: its spans, or the whole of it ("sentence")."""
        said = self.settings
        numbers = PosWeights(said.proper, said.common, said.pronoun, said.other)
        queries, how = list(wholes), ["sentence"] * len(states)
        for i, state in enumerate(states):
            union = tuple(dict.fromkeys(s for group in state.spans.values() for s in group))
            if said.by == "span" and union:
                weighed = span_weights(state.shown, union, numbers)
                queries[i] = [state.shown[s.start : s.end] for s in union], weighed.values
                how[i] = weighed.source
        return queries, how

    def _chosen(self, queries: Sequence[Query], hidden: Sequence[Sequence[int]], how: Sequence[str]) -> list[Ranking]:
        """The demonstrations for each query, from the pool's texts for a whole text, else from its spans."""
        chosen = [NOTHING] * len(queries)
        plain = not (self.settings.balance or self.settings.diversity)
        kinds: dict[Kind, list[int]] = {"texts": [], "spans": []}
        for i, source in enumerate(how):
            kinds["texts" if source == "sentence" else "spans"].append(i)
        for kind, mine in kinds.items():
            asked, out = [queries[i] for i in mine], [hidden[i] for i in mine]
            ranked = self._rank(kind, asked, out, self.reach * (1 if plain else _WIDER)) if mine else []
            for i, ranking in zip(mine, ranked, strict=True):
                chosen[i] = ranking if plain else self._varied(kind, queries[i], ranking, hidden[i])
        return chosen

    def _varied(self, kind: Kind, query: Query, ranking: Ranking, hidden: Sequence[int]) -> Ranking:
        if self.settings.balance:
            ranking = self._with_every_label(kind, query, ranking, hidden)
        examples = [self.index.pool.examples[i] for i in ranking.ids]
        labels = [{entity.label for entity in e.entities} if self.settings.balance else set() for e in examples]
        cosines = np.zeros((len(examples), len(examples)))
        if self.settings.diversity:
            vectors = self.index.encoder.encode([show(e.text) for e in examples])
            cosines = (vectors @ vectors.T).astype(np.float64)
        return ranking.at(choose(ranking.scores, cosines, labels, self.settings.diversity, self.reach))

    def _with_every_label(self, kind: Kind, query: Query, ranking: Ranking, hidden: Sequence[int]) -> Ranking:
        """The candidates, and for each label that they lack the best example that has it."""
        seen = {entity.label for i in ranking.ids for entity in self.index.pool.examples[i].entities}
        found = [ranking]
        for label, ids in self.index.by_label.items():
            ids = ids[~np.isin(ids, hidden)]
            if label not in seen and len(ids):
                found.append(self.index.scores(kind, query, ids[:_OF_A_LABEL]).at([0]))
        return Ranking.merged(found, sum(len(f.ids) for f in found))

    def _rank(self, kind: Kind, queries: Sequence[Query], hidden: Sequence[Sequence[int]], count: int) -> list[Ranking]:
        """The best `count` for each query that are not hidden from it."""
        spare = max(map(len, hidden))
        found = self.index.rank(kind, queries, count + spare, self.settings.search == "approximate")
        return [
            ranking.at(np.flatnonzero(~np.isin(ranking.ids, out))[:count].tolist())
            for ranking, out in zip(found, hidden, strict=True)
        ]

    def _drawn(self, hidden: Sequence[int]) -> Ranking:
        """Examples with entities at random: the same for every text that nothing is hidden from."""
        examples = self.index.pool.examples
        kept = np.setdiff1d(np.arange(len(examples)), hidden)
        scores = np.random.default_rng(self.settings.seed).random(len(kept))  # what a pool without the rest would get
        named = np.array([bool(examples[i].entities) for i in kept], dtype=bool)
        return Ranking.best(kept[named], scores[named], self.reach)


def choose(
    scores: NDArray[np.float64],
    cosines: NDArray[np.float64],
    labels: Sequence[set[str | None]],
    diversity: float,
    count: int,
) -> list[int]:
    """Which `count` candidates to show, in their order: one by one, those with a label not chosen yet come first.

    Among these, and when there are none among all, the one with the largest marginal relevance: see
    `RetrieveSettings.diversity`. Equals go by the candidates' order.
    """
    left, chosen, shown = list(range(len(scores))), list[int](), set[str | None]()
    nearest = np.full(len(scores), -1.0)  # to what is chosen: the same for all before the first
    while left and len(chosen) < count:
        worth = (1 - diversity) * scores - diversity * nearest
        best = max([i for i in left if labels[i] - shown] or left, key=lambda i: (worth[i], -i))
        left.remove(best)
        chosen.append(best)
        shown |= labels[best]
        nearest = np.maximum(nearest, cosines[best])
    return sorted(chosen)
