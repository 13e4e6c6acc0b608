"""`show`, `decide`, `diff` and the evidence that `annotate` keeps for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from test_cli import ASK, Scripted, model, run, work
from test_run_page import random_annotation

from el4ner.annotation import Annotation
from el4ner.formats.jsonl import dumps

__all__ = ["model", "run", "work"]
Run = Callable[..., SimpleNamespace]


@pytest.fixture
def kept(work: Path) -> list[Annotation]:
    """A file of annotations with evidence, and what it holds."""
    random = Random(11)
    made = [random_annotation(random, f"t{n}", least=2) for n in range(12)]
    Path("out.jsonl").write_text("".join(dumps(a.record(evidence=True)) + "\n" for a in made), "utf-8")
    return made


def test_annotate_keeps_evidence_that_reads_back(work: Path, model: Scripted, run: Run) -> None:
    plain = run("annotate", "texts.txt", *ASK)
    done = run("annotate", "texts.txt", *ASK, "--evidence")
    for line, without in zip(done.out.splitlines(), plain.out.splitlines(), strict=True):
        record = json.loads(line)
        assert Annotation.from_record(record).record() == json.loads(without)
        assert record["el4ner"] == 1


def test_decide_gives_what_python_gives(kept: list[Annotation], run: Run) -> None:
    done = run(
        "decide", "out.jsonl", "--threshold", ".5", "--without", "crf", "--rule", "probability", "-o", "new.jsonl"
    )
    assert done.code == 0
    right = [a.without("crf").decide(threshold=0.5, rule="probability") for a in kept]
    lines = Path("new.jsonl").read_text("utf-8").splitlines()
    assert [Annotation.from_record(json.loads(line)) for line in lines] == right
    entities = sum(len(a.entities) for a in right)
    assert f"texts 12 · entities {entities:,}, before {sum(len(a.entities) for a in kept):,}" in done.err


def test_decide_with_nothing_to_change_changes_nothing(kept: list[Annotation], run: Run) -> None:
    assert run("decide", "out.jsonl").out == Path("out.jsonl").read_text("utf-8")


def test_decide_names_what_it_cannot_do(kept: list[Annotation], run: Run) -> None:
    wrong = run("decide", "out.jsonl", "--without", "crt")
    assert (wrong.code, wrong.out) == (1, "")
    assert "--without crt: no such member; there are a, b, c, crf; did you mean 'crf'?" in wrong.err
    Path("plain.jsonl").write_text(dumps(kept[0].record()) + "\n", "utf-8")
    done = run("decide", "plain.jsonl")
    assert done.code == 1
    assert "plain.jsonl, line 1: no evidence; write it with `el4ner annotate --evidence`" in done.err
    assert run("decide", "out.jsonl", "--threshold", "2").code == 2
    assert "would overwrite it" in run("decide", "out.jsonl", "-o", "out.jsonl").err


def test_show_sorts_filters_and_writes_a_page(kept: list[Annotation], run: Run) -> None:
    done = run("show", "out.jsonl", "--sort", "uncertainty", "--html", "page.html")
    ids = [line for line in done.out.splitlines() if line in {a.id for a in kept}]
    doubts = {a.id: a.doubt for a in kept}
    assert [doubts[one] for one in ids] == sorted(doubts.values(), reverse=True)
    assert "t11" in Path("page.html").read_text("utf-8")
    typed = run("show", "out.jsonl", "--type", "Älter")
    named = [line for line in typed.out.splitlines() if line in doubts]
    assert named == [a.id for a in kept if any(e.label == "Älter" for e in a.entities)]
    assert "shown 3" in run("show", "out.jsonl", "--limit", "3").err


def test_a_page_with_gold_scores(kept: list[Annotation], run: Run) -> None:
    gold = [a.record() for a in kept]
    Path("gold.jsonl").write_text("".join(dumps(row) + "\n" for row in gold), "utf-8")
    assert run("show", "out.jsonl", "--html", "page.html", "--gold", "gold.jsonl").code == 0
    assert 'name="wrong"' in Path("page.html").read_text("utf-8")
    Path("gold.jsonl").write_text(dumps(gold[0]) + "\n", "utf-8")
    done = run("show", "out.jsonl", "--html", "page.html", "--gold", "gold.jsonl")
    assert done.code == 1
    assert "gold.jsonl: no example 't1' with the same text" in done.err


def _lines(name: str, *texts: tuple[str, str, list[tuple[int, int, str]]]) -> None:
    rows = []
    for id_, text, entities in texts:
        found = [
            {"start": s, "end": e, "text": text[s:e], "label": label, "score": 1.0, "votes": {}, "verified": None}
            for s, e, label in entities
        ]
        rows.append(dumps({"id": id_, "text": text, "entities": found}) + "\n")
    Path(name).write_text("".join(rows), "utf-8")


def test_diff_tells_what_came_went_moved_and_changed_type(work: Path, run: Run) -> None:
    text = "Ada Berg saw Oslo, Rome and Bonn."
    _lines("old.jsonl", ("1", text, [(0, 3, "person"), (13, 17, "place"), (19, 23, "place")]), ("2", "same", []))
    _lines("new.jsonl", ("1", text, [(0, 8, "person"), (13, 17, "band"), (28, 32, "place")]), ("2", "same", []))
    done = run("diff", "old.jsonl", "new.jsonl")
    assert done.out.splitlines() == [
        "1  moved: Ada (person) 0–3 → Ada Berg (person) 0–8",
        "1  retyped: Oslo (place) 13–17 → Oslo (band) 13–17",
        "1  went: Rome (place) 19–23",
        "1  came: Bonn (place) 28–32",
    ]
    assert "texts 2 · came 1 · moved 1 · retyped 1 · went 1" in done.err
    assert "texts 2 · no change" in run("diff", "new.jsonl", "new.jsonl").err


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ([("1", "Ada", []), ("3", "x", [])], "text '3' is not in the old file"),
        ([("1", "Ada!", [])], "text '1' is another text in the old file"),
        ([("1", "Ada", [])], "1 texts of the old file are not in the new one, '2' first"),
    ],
)
def test_diff_of_other_texts_is_refused(
    work: Path, run: Run, new: list[tuple[str, str, list[tuple[int, int, str]]]], said: str
) -> None:
    _lines("old.jsonl", ("1", "Ada", []), ("2", "x", []))
    _lines("new.jsonl", *new)
    done = run("diff", "old.jsonl", "new.jsonl")
    assert done.code == 1
    assert said in done.err


def test_a_page_does_not_overwrite_the_lines(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", "texts.txt", *ASK, "-o", "same.out", "--html", "./same.out")
    assert done.code == 2
    assert "would overwrite" in done.err


def test_annotate_writes_its_page(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", "texts.txt", *ASK, "--html", "page.html")
    assert done.code == 0
    page = Path("page.html").read_text("utf-8")
    assert '"text":"Ada saw Oslo."' in page
    assert '["person",""],["place",""]' in page
