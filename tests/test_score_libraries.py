"""Our scores against those of seqeval and nervaluate, where they can agree, and by example where they cannot."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from el4ner.data import Span
from el4ner.evaluate.bootstrap import interval
from el4ner.evaluate.score import Score, Text, counts, score

TYPES = ("a", "b", "c")
WORDS = 10
Words = tuple[int, int, str]  # first word, one past the last, type

pieces = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([*TYPES, None])), max_size=WORDS)


@st.composite
def flat(draw: st.DrawFn) -> list[Words]:
    """Entities over the words of a text, none of which overlap; neighbours may touch."""
    found, at = [], 0
    for length, label in draw(pieces):
        if at + length <= WORDS and label:
            found.append((at, at + length, label))
        at += length
    return found


corpus = st.lists(st.tuples(flat(), flat()), min_size=1, max_size=6)


def tags(entities: list[Words]) -> list[str]:
    row = ["O"] * WORDS
    for start, end, label in entities:
        row[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return row


def in_characters(entities: list[Words], word: int = 4) -> list[Span]:
    return [Span(start * word, end * word - 1, label) for start, end, label in entities]


def text(gold: list[Words], found: list[Words]) -> Text:
    return Text("abc " * WORDS, in_characters(gold), in_characters(found))


def seqeval(gold: list[list[str]], found: list[list[str]], **options: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return classification_report(gold, found, output_dict=True, zero_division=0, **options)


def nervaluate(gold: list[list[Words]], found: list[list[Words]]) -> Any:
    def rows(texts: list[list[Words]]) -> list[list[dict[str, Any]]]:
        return [[{"start": s, "end": e - 1, "label": label} for s, e, label in entities] for entities in texts]

    return Evaluator(rows(gold), rows(found), tags=list(TYPES), loader="dict").evaluate()


@settings(max_examples=40)
@given(corpus)
def test_seqeval_in_strict_mode_agrees(rows: list[tuple[list[Words], list[Words]]]) -> None:
    assume(any(gold or found for gold, found in rows))  # seqeval has no score for no entities at all
    ours = score([text(gold, found) for gold, found in rows])
    theirs = seqeval([tags(g) for g, _ in rows], [tags(f) for _, f in rows], mode="strict", scheme=IOB2)
    micro = theirs["micro avg"]
    same = (ours.strict.precision, ours.strict.recall, ours.strict.f1)
    assert (micro["precision"], micro["recall"], micro["f1-score"]) == pytest.approx(same)
    assert theirs["macro avg"]["f1-score"] == pytest.approx(ours.macro_f1)
    assert set(ours.labels) == set(theirs) - {"micro avg", "macro avg", "weighted avg"}
    for label, one in ours.labels.items():
        assert theirs[label]["f1-score"] == pytest.approx(one.f1)
        assert theirs[label]["support"] == one.gold


@settings(max_examples=40)
@given(corpus)
def test_nervaluate_in_its_strict_scenario_agrees_on_flat_entities(rows: list[tuple[list[Words], list[Words]]]) -> None:
    ours = score([text(gold, found) for gold, found in rows])
    theirs = nervaluate([gold for gold, _ in rows], [found for _, found in rows])
    whole = theirs["overall"]["strict"]
    assert Score(whole.correct, whole.actual, whole.possible) == ours.strict
    assert whole.f1 == pytest.approx(ours.strict.f1)
    for label, one in ours.labels.items():
        part = theirs["entities"][label]["strict"]
        assert Score(part.correct, part.actual, part.possible) == one


def test_nervaluate_hangs_on_the_order_of_overlapping_entities() -> None:
    # It goes through what was found in the order in which it is given, and what overlaps a gold entity uses it up
    # before an exact match comes to it. Ours asks whether the same entity is in both sets: no order can matter.
    gold: list[Words] = [(0, 2, "a")]
    outer, exact = (0, 3, "a"), (0, 2, "a")
    assert nervaluate([gold], [[exact, outer]])["overall"]["strict"].correct == 1
    assert nervaluate([gold], [[outer, exact]])["overall"]["strict"].correct == 0
    assert score([text(gold, [outer, exact])]).strict == score([text(gold, [exact, outer])]).strict == Score(1, 2, 1)


def test_nervaluate_counts_what_stands_there_twice_twice() -> None:
    # An entity is a place and a type, so that saying it again adds nothing; ours counts it once.
    gold: list[Words] = [(0, 2, "a")]
    assert nervaluate([gold], [[*gold, *gold]])["overall"]["strict"].precision == 0.5
    assert score([text(gold, [*gold, *gold])]).strict.precision == 1


def test_seqeval_mends_bad_tags_unless_it_is_strict() -> None:
    # "I-a" behind "O" opens no entity in IOB2. seqeval's default takes it for one, its strict mode does not. Ours
    # never sees tags: what they mean is settled when a file is read, once and for all scores.
    gold, found = [["B-a", "I-a", "O"]], [["I-a", "I-a", "O"]]
    assert seqeval(gold, found)["micro avg"]["f1-score"] == 1
    assert seqeval(gold, found, mode="strict", scheme=IOB2)["micro avg"]["f1-score"] == 0


def test_tags_cannot_say_what_is_nested() -> None:
    # A word has one tag, so that of nested entities seqeval sees what was written last. Ours counts each.
    nested: list[Words] = [(0, 3, "a"), (1, 2, "b")]
    assert score([text(nested, nested)]).strict == Score(2, 2, 2)
    flattened = seqeval([tags(nested)], [tags(nested)], mode="strict", scheme=IOB2)
    assert flattened["micro avg"]["support"] == 2
    assert tags(nested) == ["B-a", "B-b", "I-a", *["O"] * 7]  # the outer one is one word long now
    inner_only = seqeval([tags(nested)], [tags([(0, 1, "a"), (1, 2, "b")])], mode="strict", scheme=IOB2)
    assert inner_only["micro avg"]["f1-score"] == 1
    assert score([text(nested, [(0, 1, "a"), (1, 2, "b")])]).strict == Score(1, 2, 2)


@pytest.mark.slow
def test_a_hundred_thousand_texts_are_scored_in_seconds() -> None:
    rng = np.random.default_rng(0)
    starts, types = rng.integers(0, 100, (100_000, 10)), rng.integers(0, 6, (100_000, 10))
    spans = [
        [Span(start, start + 5, f"type {label}") for start, label in zip(*row, strict=True)]
        for row in zip(starts.tolist(), types.tolist(), strict=True)
    ]
    texts = [Text("x" * 105, row[:5], row[3:8]) for row in spans]  # 500,000 gold and as many found
    began = time.process_time()  # of this process alone: other work on the machine is no failure of ours
    assert score(texts).strict.gold > 490_000  # a few stand there twice
    scored = time.process_time()
    interval(counts(texts), draws=1000)
    drawn = time.process_time()
    print(f"scored in {scored - began:.1f} s, drawn in {drawn - scored:.1f} s")
    assert scored - began < 10
    assert drawn - scored < 10
