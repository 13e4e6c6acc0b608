from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from el4ner.data import Span
from el4ner.errors import ConfigError
from el4ner.retrieval.pos_weights import PosWeights, span_weights

TEXT = "she met Angela Merkel near the old bridge in Berlin ."


def spans_of(text: str, *surfaces: str) -> list[Span]:
    return [Span(text.index(s), text.index(s) + len(s)) for s in surfaces]


def test_weights_follow_parts_of_speech() -> None:
    found = span_weights(TEXT, spans_of(TEXT, "Angela Merkel", "bridge", "she", "near", "Berlin"))
    assert found.source == "pos"
    assert found.values.tolist() == [4, 2, 1, 0, 4]


@pytest.mark.parametrize(("word", "weight"), [("max", 4), ("first", 0), ("head", 2)])
def test_which_word_decides(word: Literal["max", "first", "head"], weight: float) -> None:
    text = "He wrote about the bridge of London last year ."
    scheme = PosWeights(word=word)
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
def test_settings_that_make_no_sense_are_errors(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PosWeights(**setting)
