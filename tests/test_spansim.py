from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import el4ner.retrieval.approximate
import el4ner.retrieval.spansim
from el4ner.retrieval.approximate import Coarse
from el4ner.retrieval.encoder import default_encoder
from el4ner.retrieval.spansim import Asked, Ranking, SpanTable, arrange, largest

Floats = NDArray[np.float32]
Groups = list[Floats]  # the span vectors of each text


def unit(rng: np.random.Generator, rows: int, width: int) -> Floats:
    vectors = rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def table_of(groups: Groups, start: int = 0) -> SpanTable:
    counts = np.array([len(group) for group in groups], dtype=np.int64)
    order, _ = arrange(counts)
    width = max([group.shape[1] for group in groups], default=1)
    vectors = np.concatenate([groups[i] for i in order]) if len(order) else np.empty((0, width), np.float32)
    return SpanTable(vectors, order + start, counts[order])


def asked_of(queries: list[tuple[Floats, list[float]]]) -> Asked:
    vectors = np.concatenate([query for query, _ in queries])
    shares = np.zeros((len(vectors), len(queries)), np.float32)
    row = 0
    for column, (_, weights) in enumerate(queries):
        for weight in weights:
            shares[row, column] = weight / sum(weights) if sum(weights) else 0
            row += 1
    return Asked(vectors, shares)


def by_the_formula(query: Floats, weights: list[float], groups: Groups) -> dict[int, float]:
    """SpanSim as the paper writes it, one sum after the other, for texts that have spans."""
    result = {}
    for number, own in enumerate(groups):
        if len(own):
            best = [w * max(float(s.astype(float) @ c) for c in own) for s, w in zip(query, weights, strict=True)]
            result[number] = sum(best) / sum(weights) if sum(weights) else 0.0
    return result


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[tuple[Floats, list[float]]], Groups]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width = draw(st.integers(1, 8))
    groups = [unit(rng, draw(st.integers(0, 5)), width) for _ in range(draw(st.integers(1, 12)))]
    groups += [groups[0]] * draw(st.integers(0, 2))  # equals
    queries = []
    for _ in range(draw(st.integers(1, 4))):
        weights = draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 4.0]), max_size=5))
        queries.append((unit(rng, len(weights), width), weights))
    return queries, groups


@given(cases(), st.sampled_from([1, 2, 5, 4096]), st.integers(0, 15))
@settings(max_examples=150, deadline=None)
def test_a_batch_is_ranked_by_the_formula_whatever_the_block(
    case: tuple[list[tuple[Floats, list[float]]], Groups], block: int, count: int
) -> None:
    queries, groups = case
    table, asked = table_of(groups), asked_of(queries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(el4ner.retrieval.spansim, "_BLOCK", block)
        patch.setattr(SpanTable.blocks, "__defaults__", (block,))
        scanned, found = table.scan(asked), table.rank(asked, count)
    for (query, weights), scores, ranking in zip(queries, scanned, found, strict=True):
        expected = by_the_formula(query, weights, groups)
        np.testing.assert_allclose(scores, [expected[i] for i in table.owners.tolist()], atol=1e-6)
        best = sorted(expected, key=lambda i: (-round(expected[i], 6), i))[:count]
        np.testing.assert_allclose(ranking.scores, [expected[i] for i in best], atol=2e-6)
        np.testing.assert_allclose([expected[i] for i in ranking.ids.tolist()], [expected[i] for i in best], atol=2e-6)


def test_equals_stand_in_the_order_of_the_pool_wherever_they_lie() -> None:
    rng = np.random.default_rng(0)
    same = unit(rng, 3, 64)
    groups = [same if i % 7 == 3 else unit(rng, 1 + i % 5, 64) for i in range(3000)]
    (ranking,) = table_of(groups).rank(asked_of([(same, [4.0, 2.0, 1.0])]), 500)
    equals = [i for i in range(3000) if i % 7 == 3]
    assert ranking.ids[: len(equals)].tolist() == equals
    assert set(ranking.scores[: len(equals)].tolist()) == {1.0}


def test_what_else_is_asked_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    table = table_of([unit(rng, 1 + i % 4, 32) for i in range(2000)])
    queries = [(unit(rng, 5, 32), [4.0, 2.0, 2.0, 1.0, 0.0]) for _ in range(9)]
    together = table.rank(asked_of(queries), 8)
    for query, ranking in zip(queries, together, strict=True):
        (alone,) = table.rank(asked_of([query]), 8)
        assert (alone.ids.tolist(), alone.scores.tolist()) == (ranking.ids.tolist(), ranking.scores.tolist())


def test_a_text_is_most_like_itself_and_shared_spans_are_embedded_once() -> None:
    texts = [["Berlin", "Angela Merkel"], ["aspirin"], [], ["bridge", "Berlin"]]
    encoder = default_encoder()
    table = table_of([encoder.encode(spans) for spans in texts])
    asked = Asked.of([(spans, np.ones(len(spans))) for spans in texts], encoder)
    assert len(asked.vectors) == 4
    assert [ranking.ids[0] for ranking, spans in zip(table.rank(asked, 3), texts, strict=True) if spans] == [0, 1, 3]
    assert all(2 not in ranking.ids for ranking in table.rank(asked, 9))


def test_a_weight_is_shared_by_mentions_of_one_surface() -> None:
    asked = Asked.of([(["a", "b", "a", "c"], np.array([1, 2, 1, 0]))], default_encoder())
    assert asked.shares.tolist() == [[0.5], [0.5]]


@pytest.mark.parametrize("weights", [[1.0, 1.0], [-1.0], [np.nan], [np.inf]])
def test_weights_that_do_not_fit_are_errors(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Asked.of([(["a"], np.array(weights))], default_encoder())


def test_texts_are_found_by_their_numbers() -> None:
    table = table_of([np.ones((n, 1), np.float32) for n in (3, 0, 1, 2, 1)], start=10)
    places = table.places(np.array([14, 11, 10, 99, 0]))
    assert table.owners[places].tolist() == [14, 10]
    assert table_of([]).places(np.array([1])).tolist() == []


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9]), max_size=300), st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_the_largest_and_what_is_nearly_as_large(values: list[float], count: int) -> None:
    scores = np.array(values, dtype=np.float32)
    found = largest(scores, count, 1e-4)
    bound = sorted(values, reverse=True)[:count][-1:] or [np.inf]
    assert found.tolist() == [i for i, value in enumerate(values) if value >= bound[0] - 1e-4 or count >= len(values)]


@pytest.fixture(scope="module")
def clustered() -> SpanTable:
    """Texts of spans in clusters: points around 400 centres."""
    rng = np.random.default_rng(2)
    centres = unit(rng, 400, 32)
    groups = []
    for i in range(6000):
        near = centres[rng.integers(0, 400, 1 + i % 5)] + 0.6 * unit(rng, 1 + i % 5, 32)
        groups.append((near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32))
    return table_of(groups)


def test_the_first_pass_keeps_the_best(clustered: SpanTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(el4ner.retrieval.approximate, "KEPT", 400)
    monkeypatch.setattr(el4ner.retrieval.approximate, "_FIRST", 32)
    monkeypatch.setattr(el4ner.retrieval.approximate, "_SECOND", 32)
    rng = np.random.default_rng(3)
    rows = rng.integers(0, len(clustered.vectors), (32, 6))
    asked = asked_of([(clustered.vectors[some], [4.0, 4.0, 2.0, 2.0, 1.0, 1.0]) for some in rows])
    coarse = Coarse.of(clustered)
    recall = []
    for exact, near in zip(clustered.rank(asked, 8), coarse.rank(clustered, asked, 8), strict=True):
        recall.append(float(np.mean(near.scores >= exact.scores[-1])))
        known = dict(zip(exact.ids.tolist(), exact.scores.tolist(), strict=True))
        pairs = zip(near.ids.tolist(), near.scores.tolist(), strict=True)
        assert all(score == known.get(i, score) for i, score in pairs)  # what it finds has exact scores
    assert np.median(recall) == 1
    assert np.mean(recall) >= 0.95


def test_centres_are_the_same_every_time(clustered: SpanTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(el4ner.retrieval.approximate, "_FIRST", 16)
    first, second = Coarse.of(clustered), Coarse.of(clustered)
    np.testing.assert_array_equal(first.codes, second.codes)
    assert first.centres.shape == (16 * 256, 32)


def test_rankings_are_cut_and_joined() -> None:
    ranking = Ranking.best(np.array([5, 2, 9]), np.array([0.5, 0.5, 0.7]), 9)
    assert ranking.ids.tolist() == [9, 2, 5]
    assert Ranking.merged([ranking, ranking.at([5])], 2).ids.tolist() == [9, 2]
