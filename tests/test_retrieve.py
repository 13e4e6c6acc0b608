from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fakes import LABELS, POOL, LetterEncoder, example
from hypothesis import given
from hypothesis import strategies as st

from el4ner.pool.pool import Pool
from el4ner.recipes.settings import RetrieveSettings
from el4ner.retrieval.index import Index, gold
from el4ner.stages.demonstrations import Search, choose
from el4ner.stages.state import PassageState, Retrieved
from el4ner.text.noun_phrases import phrases
from el4ner.text.passage import passage

TEXTS = [
    "Anna Berg lives in Berlin .",
    "Storms hit Kyoto .",
    "",
    "Hamburg hat gestern einen neuen Plan vorgelegt",
    "it rains",
    "Oslo and Quito",
]


def retrieved(texts: list[str], reach: int = 3, bare: int = 0, pool: Pool = POOL, **how: Any) -> list[Retrieved]:
    settings = RetrieveSettings(**{"spans": "words", **how})
    passages = [passage(text) for text in texts]
    states = [PassageState(p, spans={"words": tuple(phrases(p.shown))}) for p in passages]
    return Search(Index(pool, LetterEncoder(), gold), settings, reach, bare).find(states)


@pytest.mark.parametrize("by", ["span", "sentence", "random"])
@pytest.mark.parametrize("how", [{}, {"balance": True}, {"diversity": 0.5}, {"search": "approximate"}])
def test_a_window_gives_what_its_texts_give_alone(by: str, how: dict[str, Any]) -> None:
    together = retrieved(TEXTS, 3, 1, by=by, **how)
    assert together == [one for text in TEXTS for one in retrieved([text], 3, 1, by=by, **how)]
    for one in together:
        assert len(one.examples) == 3
        assert [e.id for e in one.entity_free] == ["p5"]
        assert list(one.similarities) == sorted(one.similarities, reverse=True)


def test_what_is_compared_is_told() -> None:
    assert [one.weights for one in retrieved(TEXTS)] == ["pos", "pos", "sentence", "sentence", "sentence", "pos"]


def test_none_asked_for_none_given() -> None:
    for one in retrieved(TEXTS, 0):
        assert (one.examples, one.similarities, one.entity_free) == ((), (), ())


RARE = Pool.of(
    [*(example(f"m{i}", f"Berlin {i} is large .", location="Berlin") for i in range(60)),
     example("rare", "zzz Vox Qqq zzz .", group="Vox Qqq"),
     example("both", "Anna xx Berlin", person="Anna", location="Berlin")],
    LABELS,
)  # fmt: skip


@pytest.mark.parametrize("by", ["span", "sentence"])
def test_balance_shows_every_label_that_the_pool_has(by: str) -> None:
    text = ["Berlin is large ."]
    (plain,), (balanced,) = retrieved(text, 4, pool=RARE, by=by), retrieved(text, 4, pool=RARE, by=by, balance=True)
    labels = {entity.label for e in balanced.examples for entity in e.entities}
    assert labels == {"location", "group", "person"}
    assert {entity.label for e in plain.examples for entity in e.entities} != labels
    assert balanced.examples[0] == plain.examples[0]
    assert len(retrieved(text, 1, pool=RARE, balance=True)[0].examples) == 1


def test_diversity_avoids_texts_like_those_that_are_shown() -> None:
    text = ["Berlin is large ."]

    def likeness(**how: Any) -> float:
        (one,) = retrieved(text, 4, pool=RARE, by="sentence", **how)
        vectors = LetterEncoder().encode([e.text for e in one.examples])
        return float((vectors @ vectors.T).sum())

    assert likeness(diversity=0.8, balance=False) < likeness()
    assert retrieved(text, 4, pool=RARE, diversity=0.0) == retrieved(text, 4, pool=RARE)


@given(st.integers(0, 10**6), st.integers(0, 12), st.sampled_from([0.0, 0.3, 1.0]))
def test_choosing(seed: int, count: int, diversity: float) -> None:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(8))[::-1]
    vectors = rng.normal(size=(8, 3))
    labels: list[set[str | None]] = [set(rng.choice(list("abcd"), rng.integers(0, 3)).tolist()) for _ in range(8)]
    chosen = choose(scores, vectors @ vectors.T, labels, diversity, count)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, 8)
    every = set[str | None]().union(*labels)
    if count >= len(every):
        assert set[str | None]().union(*(labels[i] for i in chosen)) == every
    assert choose(scores, vectors @ vectors.T, [set()] * 8, 0.0, count) == list(range(min(count, 8)))
