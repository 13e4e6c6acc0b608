"""Stage 1: the demonstrations whose spans are most like the input's (span-level sentence similarity)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Example, Label, Span
from el4ner.ensemble.dispatch import Desk
from el4ner.ensemble.member import Member
from el4ner.models.base import Outcome, Request
from el4ner.prompts.replies import read_listing
from el4ner.recipes.settings import RetrieveSettings
from el4ner.retrieval.index import Index, Kind, Query
from el4ner.retrieval.pos_weights import PosWeights, span_weights
from el4ner.retrieval.spansim import NOTHING, Ranking
from el4ner.text.ground import ground
from el4ner.text.noun_phrases import phrases
from el4ner.text.passage import Passage, show

STAGE = "retrieve"
_WIDER = 4  # candidates for each demonstration that balance and diversity choose from
_OF_A_LABEL = 4096  # examples of a label compared, where no candidate has it


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Demonstrations of a passage, most similar first, with their similarity; likewise those without entities.

    `weights` says how the input's spans were weighed: "pos", "uniform" (see `similarity`), or, where there was no
    span or the recipe does not retrieve by spans, "sentence" or "random".
    """

    examples: tuple[Example, ...]
    similarities: tuple[float, ...]
    entity_free: tuple[Example, ...]
    weights: str


def preextract(
    shown: Sequence[str], members: Sequence[Member], labels: Sequence[Label], desk: Desk
) -> tuple[dict[str, list[tuple[Span, ...]]], list[list[str]]]:
    """Every member lists the spans of each text that could be entities, without demonstrations (PAPER, stage 1.1).

    By member, a tuple of spans for each text; and for each text, who gave no usable answer. Replies are held to the
    text's spans by a grammar where the engine can.
    """
    spans: dict[str, list[tuple[Span, ...]]] = {}
    abstained: list[list[str]] = [[] for _ in shown]
    asked = [(member, _questions(shown, member, labels)) for member in members]
    for member, replies in zip(members, desk.ask(STAGE, asked), strict=True):
        spans[member.name] = []
        for i, reply in enumerate(replies):
            if reply.outcome is Outcome.FAILED:
                abstained[i].append(f"{STAGE} {member.name}: {reply.error}")
            places = (place for item in read_listing(reply, ()) for place in ground(shown[i], item.text))
            spans[member.name].append(tuple(Span(*place) for place in dict.fromkeys(places)))
    return spans, abstained


def _questions(shown: Sequence[str], member: Member, labels: Sequence[Label]) -> list[Request]:
    limits = [16 + 2 * n for n in member.model.count(shown)]
    asked = member.labels(labels)
    return [member.style.preextract(asked, text, True, limit) for text, limit in zip(shown, limits, strict=True)]


def input_spans(
    passages: Sequence[Passage],
    settings: RetrieveSettings,
    members: Sequence[Member],
    labels: Sequence[Label],
    desk: Desk,
) -> tuple[list[Mapping[str, tuple[Span, ...]]], list[list[str]]]:
    """The spans of each passage by who found them: members, or (`spans = "words"`) parts of speech; {} if unused."""
    if settings.by != "span":
        return [{} for _ in passages], [[] for _ in passages]
    if settings.spans == "words":
        return [{"words": tuple(phrases(p.shown))} for p in passages], [[] for _ in passages]
    found, abstained = preextract([p.shown for p in passages], members, labels, desk)
    return [{name: spans[i] for name, spans in found.items()} for i in range(len(passages))], abstained


def retrieve(
    passages: Sequence[Passage],
    spans: Sequence[Mapping[str, tuple[Span, ...]]],
    index: Index,
    settings: RetrieveSettings,
    reach: int,
    entity_free: int,
    hidden: Sequence[Sequence[int]] = (),
) -> list[Retrieved]:
    """Rank the pool for every passage by SpanSim over the union of its spans (PAPER, stage 1.2 to 1.4).

    `reach` demonstrations with entities and `entity_free` without, the latter by similarity of the whole text.
    `hidden`: for each passage, the positions of pool examples that are left out, as if the pool lacked them.
    """
    hidden = hidden or [()] * len(passages)
    wholes: list[Query] = [([p.shown], np.ones(1)) for p in passages]
    bare = _rank(index, "bare", wholes, hidden, entity_free, settings) if entity_free else [NOTHING] * len(passages)
    if settings.by == "random":
        drawn, how = [_drawn(index, reach, settings.seed, out) for out in hidden], ["random"] * len(passages)
    else:
        queries, how = _queries(passages, spans, wholes, settings)
        drawn = _chosen(index, queries, hidden, how, settings, reach)
    examples = index.pool.examples
    return [
        Retrieved(
            tuple(examples[i] for i in best.ids),
            tuple(round(score, 4) for score in best.scores.tolist()),
            tuple(examples[i] for i in free.ids),
            source,
        )
        for best, free, source in zip(drawn, bare, how, strict=True)
    ]


def _queries(
    passages: Sequence[Passage],
    spans: Sequence[Mapping[str, tuple[Span, ...]]],
    wholes: Sequence[Query],
    settings: RetrieveSettings,
) -> tuple[list[Query], list[str]]:
    """What each passage is compared by, and how that was weighed: its spans, or the whole of it ("sentence")."""
    numbers = PosWeights(settings.proper, settings.common, settings.pronoun, settings.other)
    queries, how = list(wholes), ["sentence"] * len(passages)
    for i, (passage, by) in enumerate(zip(passages, spans, strict=True)):
        union = tuple(dict.fromkeys(s for group in by.values() for s in group))
        if settings.by == "span" and union:
            weighed = span_weights(passage.shown, union, numbers)
            queries[i], how[i] = ([passage.shown[s.start : s.end] for s in union], weighed.values), weighed.source
    return queries, how


def _chosen(
    index: Index,
    queries: Sequence[Query],
    hidden: Sequence[Sequence[int]],
    how: Sequence[str],
    settings: RetrieveSettings,
    reach: int,
) -> list[Ranking]:
    """The demonstrations for each query, from the pool's texts for a whole text, else from its spans."""
    chosen = [NOTHING] * len(queries)
    plain = not (settings.balance or settings.diversity)
    kinds: dict[Kind, list[int]] = {"texts": [], "spans": []}
    for i, source in enumerate(how):
        kinds["texts" if source == "sentence" else "spans"].append(i)
    for kind, mine in kinds.items():
        asked, out = [queries[i] for i in mine], [hidden[i] for i in mine]
        ranked = _rank(index, kind, asked, out, reach if plain else _WIDER * reach, settings) if mine else []
        for i, ranking in zip(mine, ranked, strict=True):
            chosen[i] = ranking if plain else _varied(index, kind, queries[i], ranking, hidden[i], settings, reach)
    return chosen


def _varied(
    index: Index,
    kind: Kind,
    query: Query,
    ranking: Ranking,
    hidden: Sequence[int],
    settings: RetrieveSettings,
    reach: int,
) -> Ranking:
    if settings.balance:
        ranking = _with_every_label(index, kind, query, ranking, hidden)
    examples = [index.pool.examples[i] for i in ranking.ids]
    labels = [{entity.label for entity in e.entities} if settings.balance else set() for e in examples]
    cosines = np.zeros((len(examples), len(examples)))
    if settings.diversity:
        vectors = index.encoder.encode([show(e.text) for e in examples])
        cosines = (vectors @ vectors.T).astype(np.float64)
    return ranking.at(choose(ranking.scores, cosines, labels, settings.diversity, reach))


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


def _with_every_label(index: Index, kind: Kind, query: Query, ranking: Ranking, hidden: Sequence[int]) -> Ranking:
    """The candidates, and for each label that they lack the best example that has it."""
    seen = {entity.label for i in ranking.ids for entity in index.pool.examples[i].entities}
    found = [ranking]
    for label, ids in index.by_label.items():
        ids = ids[~np.isin(ids, hidden)]
        if label not in seen and len(ids):
            found.append(index.scores(kind, query, ids[:_OF_A_LABEL]).at([0]))
    return Ranking.merged(found, sum(len(f.ids) for f in found))


def _rank(
    index: Index,
    kind: Kind,
    queries: Sequence[Query],
    hidden: Sequence[Sequence[int]],
    count: int,
    settings: RetrieveSettings,
) -> list[Ranking]:
    """The best `count` for each query that are not hidden from it."""
    spare = max(map(len, hidden))
    found = index.rank(kind, queries, count + spare, settings.search == "approximate")
    return [
        ranking.at(np.flatnonzero(~np.isin(ranking.ids, out))[:count].tolist())
        for ranking, out in zip(found, hidden, strict=True)
    ]


def _drawn(index: Index, count: int, seed: int, hidden: Sequence[int]) -> Ranking:
    """Examples with entities at random: the same for every text that nothing is hidden from."""
    kept = np.setdiff1d(np.arange(len(index.pool.examples)), hidden)
    scores = np.random.default_rng(seed).random(len(kept))  # what a pool without the rest would get
    named = np.array([bool(index.pool.examples[i].entities) for i in kept], dtype=bool)
    return Ranking.best(kept[named], scores[named], count)
