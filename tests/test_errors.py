"""Mistakes of a run: their kinds, the stages they arose in, the tables, and the page."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import LABELS, POOL, ensemble, scripted
from hypothesis import given
from hypothesis import strategies as st
from test_cli import Run as Call
from test_cli import run as run_command
from test_page import CLEAN, EVIL, Reader, assert_tame
from test_render import HOSTILE

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Candidate, Label, Proposal, Span, Verdict, Vote
from el4ner.decide import Decision, decide
from el4ner.evaluate.mistakes.confusion import confusion
from el4ner.evaluate.mistakes.match import Kind, match
from el4ner.evaluate.mistakes.mistake_page import mistake_page
from el4ner.evaluate.mistakes.mistakes import Dissent, examine, mistakes, worst
from el4ner.evaluate.run import Run, Setup, save
from el4ner.evaluate.score import Score, Text, score
from el4ner.evaluate.stages import Judged

run = run_command  # the fixture


def kinds(gold: list[Span], found: list[Span]) -> list[tuple[Kind | None, object, object]]:
    return [(pair.kind, pair.gold, pair.found) for pair in match(gold, found)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], [Kind.MISSED]),
        ([Span(2, 5, "a")], [None]),
        ([Span(2, 5, "b")], [Kind.TYPE]),
        ([Span(3, 5, "a")], [Kind.BOUNDARY]),
        ([Span(0, 9, "b")], [Kind.BOTH]),
        ([Span(5, 9, "a")], [Kind.MISSED, Kind.SPURIOUS]),  # they touch, and share nothing
        ([Span(3, 5, "a"), Span(2, 5, "a")], [None, Kind.SPURIOUS]),
    ],
)
def test_every_kind_by_example(found: list[Span], expected: list[Kind | None]) -> None:
    assert [pair.kind for pair in match([Span(2, 5, "a")], found)] == expected


def test_the_same_offsets_go_before_the_same_type_and_that_before_overlap() -> None:
    gold, other = Span(2, 5, "a"), Span(8, 12, "b")
    assert kinds([gold], [Span(2, 9, "a"), Span(2, 5, "b")]) == [
        (Kind.TYPE, gold, Span(2, 5, "b")),
        (Kind.SPURIOUS, None, Span(2, 9, "a")),
    ]
    # One found entity over two gold ones: the type decides, though it shares more with the other.
    assert kinds([gold, other], [Span(4, 12, "a")]) == [
        (Kind.BOUNDARY, gold, Span(4, 12, "a")),
        (Kind.MISSED, other, None),
    ]
    # Of the same type: the larger overlap.
    assert kinds([gold], [Span(0, 3, "a"), Span(3, 9, "a")])[1] == (Kind.BOUNDARY, gold, Span(3, 9, "a"))


def test_ties_go_to_what_stands_first() -> None:
    gold = Span(4, 8, "a")
    assert (Kind.BOUNDARY, gold, Span(2, 6, "a")) in kinds([gold], [Span(6, 10, "a"), Span(2, 6, "a")])


entities = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("abc")).map(
        lambda one: Span(one[0], one[0] + one[1], one[2])
    ),
    max_size=8,
)


@given(entities, entities, st.randoms(use_true_random=False))
def test_every_entity_is_in_exactly_one_case_whatever_the_order(
    gold: list[Span], found: list[Span], random: np.random.Generator
) -> None:
    pairs = match(gold, found)
    assert Counter(pair.gold for pair in pairs if pair.gold) == Counter(set(gold))
    assert Counter(pair.found for pair in pairs if pair.found) == Counter(set(found))
    assert sum(pair.kind is None for pair in pairs) == score([Text(" " * 20, gold, found)]).strict.right
    missed = [s for pair in pairs if pair.kind is Kind.MISSED and isinstance(s := pair.gold, Span)]
    spurious = [s for pair in pairs if pair.kind is Kind.SPURIOUS and isinstance(s := pair.found, Span)]
    counted = Counter(pair.kind for pair in pairs)
    assert (len(missed), len(spurious)) == (counted[Kind.MISSED], counted[Kind.SPURIOUS])
    assert not any(one.overlaps(other) for one in missed for other in spurious)
    random.shuffle(gold)
    random.shuffle(found)
    assert match(gold, found) == pairs


@given(entities, entities)
def test_the_matrix_holds_every_entity_once(gold: list[Span], found: list[Span]) -> None:
    told = confusion([Text(" " * 20, gold, found)], ["c"])
    assert told.types[0] == "c"
    assert told.counts[:-1].sum() == len(set(gold))
    assert told.counts[:, :-1].sum() == len(set(found))
    assert told.counts.trace() == score([Text(" " * 20, gold, found)]).strict.right
    assert told.counts[-1, -1] == 0


def test_the_matrix_compares_types_at_the_same_offsets_only() -> None:
    gold = [Span(0, 3, "a"), Span(5, 8, "a"), Span(10, 12, "b")]
    found = [Span(0, 3, "b"), Span(5, 7, "b"), Span(10, 12, "b")]
    told = confusion([Text(" " * 20, gold, found)], ["a", "b"])
    assert told.counts.tolist() == [[0, 1, 1], [0, 1, 0], [0, 1, 0]]
    assert told.frequent() == [("a", "b", 1)]


def test_a_long_text_is_matched_in_linear_time() -> None:
    gold = [Span(5 * n, 5 * n + 3, "a") for n in range(30_000)]
    found = [Span(5 * n + 1, 5 * n + 4, "a") for n in range(30_000)]
    began = time.process_time()  # of this process alone: other work on the machine is no failure of ours
    assert {pair.kind for pair in match(gold, found)} == {Kind.BOUNDARY}
    assert time.process_time() - began < 5  # took 0.2 s; every pair of them would be 900 million


TEXT = "Ada met Bob in Rome near Oslo and Lima ."


def ballot(word: str, *labels: str | None, verdict: bool | None = None, probability: float = 0.9) -> Ballot:
    at = TEXT.index(word)
    votes = tuple(Vote(member, label, probability) for member, label in zip("xyz", labels, strict=False))
    said = () if verdict is None else (Verdict("x", labels[0] or "", verdict),)
    return Ballot(Candidate(Span(at, at + len(word)), (Proposal("x"),)), votes, said)


def judged(*ballots: Ballot, gold: list[Span], **how: Any) -> Judged:
    decision = Decision(**how)
    return Judged(tuple(gold), Annotation("t", TEXT, decide(TEXT, ballots, decision), ballots, (), decision))


def at(word: str, label: str) -> Span:
    return Span(TEXT.index(word), TEXT.index(word) + len(word), label)


def test_each_mistake_arose_in_the_stage_that_lost_it() -> None:
    text = judged(
        ballot("met", "person", "person"),
        ballot("Bob", None, "person", None),
        ballot("Rome", "place", verdict=False),
        ballot("Oslo", "place", probability=0.1),
        ballot("Lima", "person", "person", "place"),
        gold=[at("Ada", "person"), *(at(name, "place") for name in ("Rome", "Oslo", "Lima")), at("Bob", "person")],
        threshold=0.5,
    )
    told = [(case.pair.kind, TEXT[case.pair.gold.start : case.pair.gold.end] if case.pair.gold else "", case.origin)
            for case in examine(text)]  # fmt: skip
    assert told == [
        (Kind.MISSED, "Ada", "extraction"),
        (Kind.SPURIOUS, "", "extraction"),
        (Kind.MISSED, "Bob", "classification"),
        (Kind.MISSED, "Rome", "verification"),
        (Kind.MISSED, "Oslo", "decision"),
        (Kind.TYPE, "Lima", "classification"),
    ]
    assert [case.split for case in examine(text)] == [False, False, True, False, False, True]


def test_what_lost_to_an_overlap_or_had_too_few_proposers_is_lost_in_the_decision() -> None:
    overlapped = judged(ballot("Bob in Rome", "place"), ballot("Rome", "place"), gold=[at("Rome", "place")])
    assert [(case.pair.kind, case.origin) for case in examine(overlapped)] == [(Kind.BOUNDARY, "decision")]
    lonely = judged(ballot("Rome", "place"), gold=[at("Rome", "place")], proposers=2)
    assert [(case.pair.kind, case.origin) for case in examine(lonely)] == [(Kind.MISSED, "decision")]


def test_right_entities_have_no_origin_and_the_counts_add_up() -> None:
    text = judged(ballot("Ada", "person", "person", "place"), gold=[at("Ada", "person"), at("Rome", "place")])
    told = mistakes([text, text])
    assert told.kinds == {None: 2, Kind.MISSED: 2}
    assert told.types == {"person": {None: 2}, "place": {Kind.MISSED: 2}}
    assert told.origins["extraction"] == {Kind.MISSED: 2}
    assert told.split[None] == 2


def test_dissent_is_right_where_gold_says_so() -> None:
    text = judged(
        ballot("Ada", "place", "place", "person"),  # z was right
        ballot("met", "person", "person", None),  # z was right: it is none
        ballot("Rome", "place", "place", "person"),  # z was wrong
        ballot("Oslo", "place", "place", "place"),
        gold=[at("Ada", "person"), at("Rome", "place")],
    )
    assert mistakes([text]).dissent == {"x": Dissent(3, 0, 0), "y": Dissent(3, 0, 0), "z": Dissent(3, 3, 2)}


def kept(*texts: Judged, labels: tuple[Label, ...] = LABELS) -> Run:
    setup = Setup(ensemble(scripted()).recipe, "made up", "dev", None, 0, "0", POOL.digest, 0, "1")
    return Run(setup, labels, texts, (), 1.0, None)


def named(name: str, count: int, text: str = TEXT) -> Judged:
    gold = tuple(Span(n, n + 1, "person") for n in range(count))
    return Judged(gold, Annotation(name, text, (), (), (), Decision()))


def test_the_worst_texts_come_first_and_then_go_by_id() -> None:
    texts = [named("b", 1), named("c", 3), named("none", 0), named("a", 1)]
    assert [text.annotation.id for text, _ in worst(texts)] == ["c", "a", "b"]
    assert worst(texts, Kind.SPURIOUS) == []


def test_the_command_prints_tables_and_the_worst_texts(tmp_path: Path, run: Call) -> None:
    text = judged(
        ballot("Ada", "person"),
        ballot("Lima", "person", "person", "place"),
        gold=[at("Ada", "person"), at("Lima", "place"), at("Rome", "place")],
    )
    save(kept(text, named("second", 1)), tmp_path / "r", {})
    done = run("errors", str(tmp_path / "r"), "--html", str(tmp_path / "p.html"))
    assert done.code == 0
    for said in ("Right and wrong, by type", "Where mistakes arose", "Types taken for others", "wrong type",
                 "[Rome | place]", "[Lima | person]", "extraction", "Texts with mistakes: 2"):  # fmt: skip
        assert said in done.out
    assert (tmp_path / "p.html").read_text().startswith("<!doctype html>")
    before = (tmp_path / "r" / "run.json").read_bytes()
    over = run("errors", str(tmp_path / "r"), "--html", str(tmp_path / "r" / "run.json"))
    assert (over.code, "would overwrite it" in over.err) == (1, True)
    assert (tmp_path / "r" / "run.json").read_bytes() == before
    only = run("errors", str(tmp_path / "r"), "--kind", "type", "--limit", "1")
    assert "Texts with mistakes (wrong type): 1" in only.out
    assert "second" not in only.out


def test_a_folder_without_a_run_is_one_clear_line(tmp_path: Path, run: Call) -> None:
    done = run("errors", str(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert "no run there" in done.err
    assert len(done.err.splitlines()) == 1
    assert run("errors", str(tmp_path), "--kind", "right").code == 2


def test_the_page_marks_mistakes_on_both_sides_by_words() -> None:
    text = judged(
        ballot("Ada", "person"),
        ballot("Lima", "person"),
        gold=[at("Ada", "person"), at("Lima", "location"), at("Rome", "location")],
    )
    read = Reader(mistake_page(kept(text)))
    marks = [(mark["data-label"], "wrong" in (mark["class"] or "").split()) for mark in read.having("mark")]
    assert marks == [
        ("person", False), ("location · missed", True), ("location · wrong type", True),
        ("person", False), ("person · wrong type", True),
    ]  # fmt: skip
    assert "evidence: 2 candidates, 0 left out" in read.words
    assert any("classification: another type was elected, or none;" in words for words in read.words)  # not cut


def test_the_page_says_how_many_texts_it_leaves_out() -> None:
    html = mistake_page(kept(*(named(str(n), 1) for n in range(5))), limit=2)
    assert html.count("<article>") == 2
    assert "the worst 2 of 5" in html


def test_nothing_that_is_untrusted_reaches_page_or_terminal(tmp_path: Path, run: Call) -> None:
    label = '<img src=x onerror="alert(1)">\x1b[31m'
    text = named("<script>\x1b", 3, HOSTILE + "<script>alert(1)</script>")
    odd = Judged((*text.gold, Span(3, 9, label)), text.annotation)
    made = kept(odd, labels=(*LABELS, Label(label, '"><script>')))
    read = Reader(mistake_page(made))
    assert not {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe"}
    mistake_page(made).encode()
    save(made, tmp_path, {})
    done = run("errors", str(tmp_path))
    assert done.code == 0
    assert "\x1b[31m" not in done.out


def test_nothing_hostile_comes_through_from_any_place_of_the_page() -> None:
    ballots = (Ballot(Candidate(Span(1, 9), (Proposal(EVIL, EVIL),)), (Vote(EVIL, EVIL, 0.9),)),)
    found = Annotation(EVIL, EVIL, decide(EVIL, ballots, Decision()), ballots, (), Decision())
    text = Judged((Span(0, len(EVIL), EVIL), Span(1, 9, "other")), found)
    base = kept(text, labels=(Label(EVIL, EVIL),))
    member = base.setup.recipe.members[0].model_copy(update={"name": EVIL})
    recipe = base.setup.recipe.model_copy(update={"name": EVIL, "members": (member,)})
    html = mistake_page(replace(base, setup=replace(base.setup, recipe=recipe, data=EVIL, split=EVIL)))
    read = Reader(html)
    assert_tame(html, read)
    for tag, kind in (("h1", None), ("title", None), ("p", "id"), ("p", "text"), ("li", "chip"), ("th", None),
                      ("td", None), ("bdi", None), ("span", "chip")):  # fmt: skip
        assert CLEAN in "".join(read.within(tag, kind)), (tag, kind)
    assert [mark["data-label"] for mark in read.having("mark")] == [
        f"{CLEAN} · missed", "other · wrong type", f"{CLEAN} · wrong type",
    ]  # fmt: skip


def test_a_perfect_run_has_an_empty_page() -> None:
    text = judged(ballot("Ada", "person"), gold=[at("Ada", "person")])
    assert score(kept(text).judged()).strict == Score(1, 1, 1)
    assert "<article>" not in mistake_page(kept(text))
