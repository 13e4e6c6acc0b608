"""Scores, intervals, stages, calibration, and a run that is kept and read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import LABELS, POOL, ensemble, scripted
from hypothesis import given
from hypothesis import strategies as st

from el4ner.data import Document, Entity, Span
from el4ner.errors import DataError
from el4ner.evaluate.bootstrap import compare, drawn_f1, interval
from el4ner.evaluate.calibration import calibration
from el4ner.evaluate.report import as_json, report
from el4ner.evaluate.run import Run, Setup, load, load_setup, save
from el4ner.evaluate.score import Score, Text, counts, score, spans, total
from el4ner.evaluate.stages import Dropped, Judged, Share, stages

TEXT = "Ada met Ada in Rome ."


def text(gold: list[Span], found: list[Span], of: str = TEXT) -> Text:
    return Text(of, gold, found)


def entity(start: int, end: int, label: str, score: float) -> Entity:
    return Entity(start, end, TEXT[start:end], label, score, {})


def test_an_entity_is_right_by_offsets_and_type_by_offsets_or_by_string_and_type() -> None:
    gold = [Span(0, 3, "person"), Span(15, 19, "location")]
    found = [Span(8, 11, "person"), Span(15, 19, "person")]
    scores = score([text(gold, found)])
    assert scores.strict == Score(0, 2, 2)
    assert scores.spans == Score(1, 2, 2)
    assert scores.surface == Score(1, 2, 2)  # "Ada" is a person, wherever it stands


def test_repeated_mentions_are_several_entities_but_one_string() -> None:
    both = [Span(0, 3, "person"), Span(8, 11, "person")]
    scores = score([text(both, both)])
    assert scores.strict == Score(2, 2, 2)
    assert scores.surface == Score(1, 1, 1)


def test_nested_entities_count_each() -> None:
    nested = [Span(0, 11, "group"), Span(0, 3, "person"), Span(0, 3, "group")]
    assert score([text(nested, nested[:2])]).strict == Score(2, 2, 3)


def test_what_is_found_in_a_text_without_entities_is_wrong() -> None:
    assert score([text([], [Span(0, 3, "person")]), text([], [])]).strict == Score(0, 1, 0)


def test_nothing_found_and_nothing_there_is_zero_not_an_error() -> None:
    scores = score([text([], [])])
    assert (scores.strict.f1, scores.macro_f1, scores.strict.precision, scores.strict.recall) == (0, 0, 0, 0)


def test_macro_is_the_mean_over_types_that_are_gold_or_found() -> None:
    scores = score(
        [text([Span(0, 3, "person"), Span(15, 19, "location")], [Span(0, 3, "person"), Span(4, 7, "group")])]
    )
    assert {label: one.f1 for label, one in scores.labels.items()} == {"group": 0, "location": 0, "person": 1}
    assert scores.macro_f1 == pytest.approx(1 / 3)


spans_of = st.lists(st.builds(Span, st.integers(0, 5), st.integers(6, 9), st.sampled_from(["a", "b", "c"])), max_size=6)


@given(st.lists(st.tuples(spans_of, spans_of), min_size=1, max_size=8))
def test_the_types_scores_add_up_to_the_whole(rows: list[tuple[list[Span], list[Span]]]) -> None:
    texts = [text(gold, found) for gold, found in rows]
    scores = score(texts)
    parts = scores.labels.values()
    assert scores.strict == Score(sum(p.right for p in parts), sum(p.found for p in parts), sum(p.gold for p in parts))
    assert total(counts(texts)) == scores.strict
    assert scores.spans.right >= max((p.right for p in parts), default=0)


def test_the_interval_holds_the_score_and_shrinks_with_more_texts() -> None:
    rng = np.random.default_rng(1)
    table = rng.integers(0, 3, (50, 3))
    table[:, 0] = np.minimum(table[:, 0], np.minimum(table[:, 1], table[:, 2]))
    few, many = interval(table), interval(np.tile(table, (20, 1)))
    f1 = total(table).f1
    assert few.low < f1 < few.high
    assert few.low < many.low < f1 < many.high < few.high


def test_draws_are_the_same_texts_for_all_tables_and_the_same_every_time() -> None:
    table = np.random.default_rng(0).integers(0, 4, (30, 3))
    one, other = drawn_f1([table, table], draws=50)
    assert (one == other).all()
    assert (one == drawn_f1([table], draws=50)[0]).all()
    assert not (one == drawn_f1([table], draws=50, seed=1)[0]).all()


def test_a_system_does_not_differ_from_itself_and_differs_from_one_that_finds_nothing() -> None:
    good = np.tile([1, 1, 1], (60, 1))
    bad = np.tile([0, 1, 1], (60, 1))
    assert compare(good, good).p == 1
    found = compare(bad, good)
    assert (found.difference, found.interval.low, found.p) == (1, 1, 0.001)


def test_runs_on_different_texts_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="different texts"):
        compare(np.zeros((2, 3), int), np.zeros((3, 3), int))


def test_calibration_weighs_each_bin_by_its_entities() -> None:
    found = [entity(0, 3, "person", 0.95), entity(8, 11, "person", 0.95), entity(15, 19, "person", 0.35)]
    told = calibration([Text(TEXT, [Span(0, 3, "person"), Span(15, 19, "location")], found)])
    assert [(b.low, b.entities, b.right) for b in told.bins] == [(0.3, 1, 0.0), (0.9, 2, 0.5)]
    assert told.error == pytest.approx((0.35 + 2 * 0.45) / 3)
    assert calibration([]).error == 0


def judged() -> list[Judged]:
    """One member finds Ada, Rome and Mars in three texts; a verifier refuses one."""
    model = scripted(
        extract=lambda a: {"Ada slept .": "Ada", "Rome fell .": "Rome", "Mars rose .": "Mars"}[a.text],
        classify=lambda a: "person" if a.span == "Ada" else "location",
        verify=lambda a: "false" if a.span in ("Rome", "Mars") else "true",
    )
    ner = ensemble(model, verify={"members": ["a"]}, classify={"none": False})
    documents = [Document("1", "Ada slept ."), Document("2", "Rome fell ."), Document("3", "Mars rose .")]
    gold = [(Span(0, 3, "person"),), (Span(0, 4, "group"), Span(5, 9, "group")), ()]
    return [Judged(g, a) for g, a in zip(gold, ner.annotate(documents), strict=True)]


def test_each_stage_is_measured_by_what_it_could_have_done() -> None:
    told = stages(judged())
    assert told.candidates == Score(2, 3, 3)
    assert told.extraction == {"a": Score(2, 3, 3)}
    assert told.classification == Share(1, 2)  # Rome is a gold span, but a group
    assert told.votes == {"a": Share(1, 2)}
    assert told.verified == Dropped(rightly=2, wrongly=0)
    assert told.decided == Dropped(0, 0)


def test_a_threshold_that_drops_the_truth_is_told_apart_from_the_verifier() -> None:
    texts = [Judged(t.gold, t.annotation.decide(threshold=1.0, verify=False)) for t in judged()]
    kept = sum(len(t.annotation.entities) for t in texts)
    told = stages(texts)
    assert told.verified == Dropped(0, 0)
    assert kept + told.decided.rightly + told.decided.wrongly == 3


def run() -> Run:
    recipe = ensemble(scripted()).recipe
    setup = Setup(recipe, "made up", "test", None, 0, "0", POOL.digest, 0, "1")
    return Run(setup, LABELS, tuple(judged()), (), 1.0, None)


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    kept = run()
    save(kept, tmp_path / "run", as_json(report(kept)))
    again = load(tmp_path / "run")
    assert again == kept
    assert load_setup(tmp_path / "run") == kept.setup
    told = json.loads((tmp_path / "run" / "run.json").read_text())["report"]
    assert told["scores"]["strict"] == {"right": 1, "found": 1, "gold": 3, "precision": 1, "recall": 1 / 3, "f1": 0.5}


def test_evidence_that_was_read_back_can_be_decided_anew(tmp_path: Path) -> None:
    kept = run()
    save(kept, tmp_path, {})
    found = [a.annotation.decide(verify=False).entities for a in load(tmp_path).texts]
    assert found == [a.annotation.decide(verify=False).entities for a in kept.texts]
    assert sum(map(len, found)) == 3


def test_texts_with_lone_surrogates_are_kept(tmp_path: Path) -> None:
    kept = run()
    odd = ensemble(scripted())("a \ud800 b")
    save(Run(kept.setup, LABELS, (Judged((), odd),), (), 1.0, None), tmp_path, {})
    assert load(tmp_path).texts[0].annotation.text == "a \ud800 b"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}'])
def test_a_folder_without_a_run_is_a_clear_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="no run there"):
        load(tmp_path)
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(DataError, match="run the evaluation again"):
        load(tmp_path)
    assert load_setup(tmp_path) is None


def test_a_run_whose_texts_are_damaged_is_a_clear_error(tmp_path: Path) -> None:
    kept = run()
    save(kept, tmp_path, {})
    with (tmp_path / "texts.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(DataError, match="line 4 is not a judged text"):
        load(tmp_path)


def test_spans_of_the_same_place_count_once_whatever_their_types() -> None:
    two = [Span(0, 3, "person"), Span(0, 3, "group")]
    assert total(counts([text(two, two)], spans)) == Score(1, 1, 1)
