"""Stage 1: the demonstrations whose spans are most like the input's (span-level sentence similarity)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from el4ner.config import RetrieveSettings
from el4ner.data import Example, Label, Span
from el4ner.desk import Desk
from el4ner.ground import ground
from el4ner.index import Index
from el4ner.member import Member
from el4ner.models.base import Outcome
from el4ner.passage import Passage
from el4ner.phrases import phrases
from el4ner.prompts.replies import read_listing
from el4ner.similarity import PosWeights, span_weights

STAGE = "retrieve"


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
    for member in members:
        limits = [16 + 2 * n for n in member.model.count(shown)]
        asked = member.labels(labels)
        requests = [member.style.preextract(asked, text, True, n) for text, n in zip(shown, limits, strict=True)]
        spans[member.name] = []
        for i, reply in enumerate(desk.ask(STAGE, member, requests)):
            if reply.outcome is Outcome.FAILED:
                abstained[i].append(f"{STAGE} {member.name}: {reply.error}")
            places = (place for item in read_listing(reply, ()) for place in ground(shown[i], item.text))
            spans[member.name].append(tuple(Span(*place) for place in dict.fromkeys(places)))
    return spans, abstained


def input_spans(
    passages: Sequence[Passage],
    settings: RetrieveSettings,
    members: Sequence[Member],
    labels: Sequence[Label],
    desk: Desk,
) -> tuple[list[Mapping[str, tuple[Span, ...]]], list[list[str]]]:
    """The spans of each passage by who found them: members, or (`spans = "words"`) the tagger; none if not needed."""
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
    hidden: Sequence[Sequence[int]] | None = None,
) -> list[Retrieved]:
    """Rank the pool for every passage by SpanSim over the union of its spans (PAPER, stage 1.2 to 1.4).

    `reach` demonstrations with entities and `entity_free` without, the latter by similarity of the whole text.
    `hidden`: for each passage, the positions of pool examples that are left out, as if the pool lacked them.
    """
    hidden = hidden if hidden is not None else [()] * len(passages)
    return [
        _ranked(
            passage,
            tuple(dict.fromkeys(s for group in by.values() for s in group)),
            index,
            settings,
            reach,
            entity_free,
            out,
        )
        for passage, by, out in zip(passages, spans, hidden, strict=True)
    ]


def _ranked(
    passage: Passage,
    spans: Sequence[Span],
    index: Index,
    settings: RetrieveSettings,
    reach: int,
    entity_free: int,
    hidden: Sequence[int],
) -> Retrieved:
    examples = index.pool.examples
    kept = np.ones(len(examples), dtype=bool)
    kept[list(hidden)] = False
    scores, how = _similarity(passage, spans, index, settings, kept)
    bare = np.array([not example.entities for example in examples])
    best = _top(np.where(kept & ~bare, scores, -np.inf), reach)
    free = _top(np.where(kept & bare, index.by_text(passage.shown), -np.inf), entity_free) if entity_free else []
    return Retrieved(
        tuple(examples[i] for i in best),
        tuple(round(float(scores[i]), 4) for i in best),
        tuple(examples[i] for i in free),
        how,
    )


def _similarity(
    passage: Passage, spans: Sequence[Span], index: Index, settings: RetrieveSettings, kept: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], str]:
    if settings.by == "random":
        drawn = np.zeros(len(kept))
        drawn[kept] = np.random.default_rng(settings.seed).random(kept.sum())  # what a pool without the rest would get
        return drawn, "random"
    if settings.by == "sentence" or not spans:
        return index.by_text(passage.shown), "sentence"
    numbers = PosWeights(settings.proper, settings.common, settings.pronoun, settings.other)
    weighed = span_weights(passage.shown, spans, numbers)
    surfaces = [passage.shown[s.start : s.end] for s in spans]
    return index.by_spans(surfaces, weighed.values), weighed.source


def _top(scores: NDArray[np.float64], count: int) -> list[int]:
    """Positions of the `count` largest finite scores, largest first; equals in pool order."""
    order = np.argsort(-scores, kind="stable")[:count]
    return [int(i) for i in order if np.isfinite(scores[i])]
