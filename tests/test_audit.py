"""Suspect labels of a pool, and what a changed pool changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import LABELS, POOL, ensemble, example
from knowing import knowing
from test_cli import ASK, Run, Scripted, model, run, work

from el4ner.evaluate.audit import audit
from el4ner.evaluate.mistakes.match import Kind
from el4ner.pool.pool import Pool

__all__ = ["model", "run", "work"]


def test_labels_that_the_ensemble_contradicts_come_first_with_what_speaks_against_them() -> None:
    wrong = example("wrong", "Maria Sol stayed in Oslo .", group="Oslo", person="Maria Sol")
    lacking = example("lacking", "The mayor of Berlin spoke .")
    pool = Pool.of([*POOL.examples, wrong, lacking], LABELS)
    ner = ensemble(knowing(), knowing(), pool=pool, member={"demonstrations": 4})
    suspects = audit(ner)
    by_id = {(s.example.id, s.pair.kind): s for s in suspects}
    retyped = by_id["wrong", Kind.TYPE]
    sides = (retyped.pair.gold, retyped.pair.found)
    assert [side and side.label for side in sides] == ["group", "location"]
    assert retyped.against[0] == "p2"  # reads Oslo (location)
    assert by_id["lacking", Kind.SPURIOUS].against[0] == "p1"
    assert [s.sureness for s in suspects] == sorted((s.sureness for s in suspects), reverse=True)
    right = [s for s in suspects if s.example.id == "p1"]
    assert right == []


def test_what_nobody_finds_is_suspect_by_how_many_do_not_and_how_much_they_find_elsewhere() -> None:
    pool = Pool.of(
        [example("1", "Tom is in Oslo .", person="Tom", location="Oslo"), example("2", "Rex ran .", person="Rex")]
    )
    suspects = audit(ensemble(knowing(), knowing(), pool=pool))
    assert [(s.example.id, s.pair.kind) for s in suspects] == [("2", Kind.MISSED)]
    assert suspects[0].sureness == pytest.approx(4 / 9)
    record = suspects[0].record()
    assert record["found"] is None
    assert record["kind"] == "missed"


def test_pool_audit_shows_suspects_and_writes_them(work: Path, model: Scripted, run: Run) -> None:
    rows = [json.loads(line) for line in Path("pool.jsonl").read_text().splitlines()]
    rows.append({"id": "bad", "text": "Oslo is here", "entities": [{"start": 0, "end": 4, "label": "person"}]})
    Path("pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("pool", "audit", "pool.jsonl", "-r", "recipe.toml", "-o", "suspects.jsonl")
    assert done.code == 0
    assert "Oslo (person)" in done.out
    assert "Oslo (place)" in done.out
    written = [json.loads(line) for line in Path("suspects.jsonl").read_text().splitlines()]
    (bad,) = [row for row in written if row["id"] == "bad"]
    assert (bad["kind"], bad["gold"]["label"], bad["found"]["label"]) == ("type", "person", "place")


def test_update_asks_only_what_reads_another_demonstration_and_says_what_changed(
    work: Path, model: Scripted, run: Run
) -> None:
    assert run("annotate", "texts.txt", *ASK, "-o", "out.jsonl").code == 0
    before, calls = Path("out.jsonl").read_text(), model.calls
    same = run("update", "out.jsonl", *ASK)
    assert same.code == 0
    assert model.calls == calls
    assert "no change" in same.err
    assert Path("out.jsonl").read_text() == before
    with Path("pool.jsonl").open("a") as pool:
        pool.write(json.dumps({"text": "nothing here", "entities": [{"start": 0, "end": 7, "label": "place"}]}) + "\n")
    grown = run("update", "out.jsonl", *ASK, "-o", "new.jsonl")
    assert grown.code == 0
    assert model.calls - calls > 0
    assert f"of these asked {model.calls - calls}" in grown.err
    assert Path("out.jsonl").read_text() == before
    assert len(Path("new.jsonl").read_text().splitlines()) == 3
