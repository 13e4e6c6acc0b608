from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import el4ner.similarity
from el4ner.data import Span
from el4ner.encoder import default_encoder
from el4ner.errors import ConfigError
from el4ner.similarity import PosWeights, span_sim, span_weights

TEXT = "she met Angela Merkel near the old bridge in Berlin ."
Floats = NDArray[np.float32]
Case = tuple[Floats, Floats, Floats, NDArray[np.int64], int]


def spans_of(text: str, *surfaces: str) -> list[Span]:
    return [Span(text.index(s), text.index(s) + len(s)) for s in surfaces]


def by_the_formula(query: Floats, weights: Floats, pool: Floats, owners: NDArray[np.int64], n: int) -> list[float]:
    """SpanSim as the paper writes it, one sum after the other."""
    result = []
    for text in range(n):
        own = [c for c, owner in zip(pool, owners, strict=True) if owner == text]
        if not own:
            result.append(-np.inf)
            continue
        total = float(weights.sum())
        best = [float(w) * max(float(s @ c) for c in own) for s, w in zip(query, weights, strict=True)]
        result.append(sum(best) / total if total else 0.0)
    return result


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    q, d, n = draw(st.integers(0, 5)), draw(st.integers(1, 8)), draw(st.integers(1, 8))
    owners = np.array(sorted(draw(st.lists(st.integers(0, n - 1), max_size=20))), dtype=np.int64)
    weights = np.array(draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 4.0]), min_size=q, max_size=q)), dtype=np.float32)

    def unit(rows: int) -> Floats:
        vectors = rng.normal(size=(rows, d))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    return unit(q), weights, unit(len(owners)), owners, n


@given(cases(), st.sampled_from([1, 2, 5, 1 << 16]))
@settings(max_examples=150, deadline=None)
def test_span_sim_is_the_formula_whatever_the_block(case: Case, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(el4ner.similarity, "_BLOCK", block)
        found = span_sim(*case)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_the_formula(*case), atol=1e-5)


def test_a_text_is_most_like_itself() -> None:
    texts = [["Berlin", "Angela Merkel"], ["aspirin"], [], ["bridge", "Berlin"]]
    pool = default_encoder().encode([s for spans in texts for s in spans])
    owners = np.repeat(np.arange(4), [len(spans) for spans in texts])
    scores = span_sim(pool[:2], np.array([4, 4], dtype=np.float32), pool, owners, 4)
    assert scores.argmax() == 0
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert scores[2] == -np.inf


def test_owners_of_any_integer_type_will_do() -> None:
    ones = np.ones((3, 1), dtype=np.float32)
    scores = span_sim(ones[:1], np.ones(1, np.float32), ones, np.array([0, 0, 2], dtype=np.uint8), 3)
    assert scores.tolist() == [1.0, -np.inf, 1.0]


@pytest.mark.parametrize(
    ("weights", "owners", "n"),
    [([1.0, 1.0], [0, 0], 1), ([-1.0], [0, 0], 1), ([np.nan], [0, 0], 1), ([1.0], [1, 0], 2), ([1.0], [0, 1], 1)],
)
def test_arguments_that_do_not_fit_are_errors(weights: list[float], owners: list[int], n: int) -> None:
    ones = np.ones((2, 3), dtype=np.float32)
    with pytest.raises(ValueError, match=r"weights|owners"):
        span_sim(ones[:1], np.array(weights, dtype=np.float32), ones, np.array(owners), n)
    with pytest.raises(ValueError, match="do not fit"):
        span_sim(ones[:, :2], np.ones(2, np.float32), ones, np.array([0, 0]), 1)


def test_weights_follow_parts_of_speech() -> None:
    found = span_weights(TEXT, spans_of(TEXT, "Angela Merkel", "bridge", "she", "near", "Berlin"))
    assert found.source == "pos"
    assert found.values.tolist() == [4, 2, 1, 0, 4]


@pytest.mark.parametrize(("word", "weight"), [("max", 4), ("first", 0), ("head", 2)])
def test_which_word_decides(word: str, weight: float) -> None:
    text = "He wrote about the bridge of London last year ."
    scheme = PosWeights(word=word)  # type: ignore[arg-type]
    [span] = spans_of(text, "the bridge of London")
    bridge, other = span_weights(text, [span, Span(0, 2)], scheme).values
    assert (bridge, other) == (weight, 1)


def test_a_span_is_judged_in_its_text_not_alone() -> None:
    noun, name = "we paid the bill on time", "we met Bill at the station"
    assert span_weights(noun, spans_of(noun, "bill")).values.tolist() == [2]
    assert span_weights(name, spans_of(name, "Bill")).values.tolist() == [4]


@pytest.mark.parametrize(
    ("text", "surfaces"),
    [
        ("今天下午北京市的天气很好", ["北京市"]),
        ("Die Regierung der Stadt Hamburg hat gestern einen neuen Plan vorgelegt .", ["Hamburg", "Plan"]),
        (TEXT, ["near", "old"]),  # nothing but zeros
        (TEXT, []),
    ],
)
def test_uniform_where_parts_of_speech_do_not_help(text: str, surfaces: list[str]) -> None:
    found = span_weights(text, spans_of(text, *surfaces))
    assert found.source == "uniform"
    assert found.values.tolist() == [1] * len(surfaces)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_text_and_any_span_get_a_weight(data: st.DataObject) -> None:
    text = data.draw(st.text(st.characters(exclude_categories=()), max_size=40))
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    spans = [Span(min(pair), max(pair)) for pair in data.draw(st.lists(ends, max_size=5))]
    found = span_weights(text, spans)
    assert found.values.shape == (len(spans),)
    assert np.all(found.values >= 0)
    assert not spans or found.values.any()


@pytest.mark.parametrize("setting", [{"proper": -1.0}, {"common": float("nan")}, {"word": "last"}])
def test_settings_that_make_no_sense_are_errors(setting: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        PosWeights(**setting)  # type: ignore[arg-type]
