"""The random field: what it learns, how sure it is, and that it never learns from what it is asked about."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError
from random import Random

import pytest
from fakes import LABELS, POOL, any_text, ensemble, example, scripted
from hypothesis import given, settings

from el4ner.crf import model as crf
from el4ner.crf.model import Crf
from el4ner.crf.voter import CrfVoter
from el4ner.data import Example, Span
from el4ner.errors import MissingExtraError
from el4ner.pool.pool import Pool
from el4ner.text.passage import show

NAMES = ("Oslo", "Lima", "Quito", "Kyoto", "Bergen", "Turin")
PEOPLE = ("Anna Berg", "Tom Lind", "Maria Sol", "Eva Stone", "Ole Ray", "Ida Moor")
TEXTS = [
    example(f"{i}{j}", f"{person} lives in {place} now .", person=person, location=place)
    for i, person in enumerate(PEOPLE)
    for j, place in enumerate(NAMES)
]
ALL = {label.name for label in LABELS}


def found(tagger: Crf, text: str) -> list[tuple[str, str | None]]:
    return [(text[g.span.start : g.span.end], g.span.label) for g in tagger.guess(text)]


def test_it_learns_names_and_contexts() -> None:
    tagger = Crf.train(TEXTS)
    assert found(tagger, "Tom Lind lives in Lima now .") == [("Tom Lind", "person"), ("Lima", "location")]
    assert found(tagger, "Uma Frost lives in Skopje now .") == [("Uma Frost", "person"), ("Skopje", "location")]
    assert all(0.5 < guess.confidence <= 1 for guess in tagger.guess("Uma Frost lives in Skopje now ."))


def test_it_learns_the_same_every_time() -> None:
    one, two = Crf.train(TEXTS), Crf.train(TEXTS)
    assert one.guess("Uma lives in Turin .") == two.guess("Uma lives in Turin .")


def test_scripts_without_spaces() -> None:
    pairs = [("李明", "北京"), ("王芳", "上海"), ("张伟", "北京"), ("李娜", "广州")] * 3
    texts = [example(str(i), f"{a}在{b}。", person=a, location=b) for i, (a, b) in enumerate(pairs)]
    assert found(Crf.train(texts), "李伟在北京。") == [("李伟", "person"), ("北京", "location")]


def test_of_nested_entities_the_outermost_is_learnt() -> None:
    texts = [example(n, f"The University of {n} won .", group=f"University of {n}", location=n) for n in NAMES]
    assert found(Crf.train(texts), "The University of Lima won .") == [("University of Lima", "group")]


def test_a_pool_without_entities_teaches_nothing() -> None:
    assert Crf.train([Example("1", "Nothing happened .")]).guess("Oslo") == ()
    assert Crf.train([]).guess("Oslo") == ()


def test_of_a_large_pool_texts_at_even_distances_are_learnt() -> None:
    some, total = crf._some(TEXTS, 60)
    assert 5 <= len(some) <= 10
    assert total == 60
    assert {e.id[0] for e in some} == {str(i) for i in range(6)}
    assert crf._some(TEXTS, 10_000) == (TEXTS, sum(len(e.text.split()) for e in TEXTS))


def test_with_very_many_labels_it_learns_from_fewer_texts_and_says_so() -> None:
    texts = [example(str(n), f"Ada saw Oslo {n} .", **{f"kind {n}": "Oslo"}) for n in range(1000)]
    began = time.perf_counter()
    with pytest.warns(UserWarning, match=r"learns from 62 of the pool's 1,000 examples: with 1,000 labels"):
        assert Crf.train(texts).guess("Ada saw Oslo 1 .")
    assert time.perf_counter() - began < 20


TRAINED = Crf.train([*TEXTS, Example("x", "\ud800 \x85 Oslo ; <s> é", (Span(4, 8, "location"),))])


@given(any_text)
@settings(max_examples=60)
def test_any_text_is_tagged(text: str) -> None:
    at = 0
    for guess in TRAINED.guess(show(text)):
        assert at <= guess.span.start < guess.span.end <= len(show(text))
        assert 0 < guess.confidence <= 1
        at = guess.span.end


def test_hints_on_demonstrations_are_out_of_fold() -> None:
    odd = example("odd", "Zyxw qqq in the wiggle .", person="Zyxw qqq", group="wiggle")
    plugin = CrfVoter(Pool.of([*TEXTS, odd], LABELS))
    assert "wiggle (group" in plugin.hint("Zyxw qqq in the wiggle ?", ALL)  # almost a text that it has learnt by heart
    assert "wiggle (group" not in plugin.hint(odd.text, ALL)
    assert "Tom Lind (person, " in plugin.hint(TEXTS[8].text, ALL)


def test_copies_of_a_text_are_in_one_fold() -> None:
    odd = [example(str(n), "Zyxw qqq in the wiggle .", person="Zyxw qqq", group="wiggle") for n in range(8)]
    plugin = CrfVoter(Pool.of([*TEXTS, *odd], LABELS))
    assert "wiggle (group" not in plugin.hint(odd[0].text, ALL)


def test_a_pools_text_that_is_cut_is_still_out_of_fold() -> None:
    odd = example("odd", "Zyxw qqq in the wiggle . " + "It rained . " * 9, person="Zyxw qqq", group="wiggle")
    pool = Pool.of([*TEXTS, odd], LABELS)
    seen = []
    for leave_one_out in (True, False):
        ner = ensemble(scripted("none"), pool=pool, passage_bytes=40, crf={"votes": True})
        (annotation,) = ner.annotate([odd.text], leave_one_out=leave_one_out)
        assert len(annotation.traces) > 1
        seen.append([p.label for b in annotation.ballots for p in b.candidate.proposals if p.member == "crf"])
    assert "group" not in seen[0]
    assert "group" in seen[1]


def test_hints_stand_beside_every_text_and_are_of_the_types_asked_for() -> None:
    model = scripted("none")
    pool = Pool.of(TEXTS, LABELS)
    texts = ["Uma Frost lives in Skopje now .", "now ."]
    list(ensemble(model, pool=pool, crf={"hints": True}).annotate(texts, {"person": "", "group": ""}))
    first, second = (asked.text for asked in model.questions("extract"))
    assert first.startswith("Uma Frost lives in Skopje now . {Uma Frost (person, ")
    assert "location" not in first
    assert second == "now . {none}"
    for text, _ in model.questions("extract")[0].demonstrations:
        assert " {" in text
        assert text.endswith(")}")


def test_its_votes_count_beside_the_members() -> None:
    pool = Pool.of(TEXTS, LABELS)
    model = scripted("Skopje (location); rains (person)")
    text = "Uma Frost lives in Skopje now where it rains ."
    annotation = ensemble(model, pool=pool, crf={"votes": True})(text)
    votes = {text[b.candidate.span.start : b.candidate.span.end]: b.votes for b in annotation.ballots}
    assert {name: [(v.member, v.label) for v in cast] for name, cast in votes.items()} == {
        "Uma Frost": [("a", None), ("crf", "person")],
        "Skopje": [("a", "location"), ("crf", "location")],
        "rains": [("a", "person"), ("crf", None)],
    }
    assert votes["Skopje"][1].probability is not None


def test_its_belief_is_weighed_with_the_members() -> None:
    pool = Pool.of(TEXTS, LABELS)
    model = scripted("Skopje (location); rains (person)")
    mean = {"classify": {"ask": "nobody", "none": False}, "decide": {"rule": "probability"}}
    ner = ensemble(model, pool=pool, crf={"votes": True, "weight": 3.0}, **mean)
    annotation = ner("Uma Frost lives in Skopje now where it rains .")
    sure = {b.candidate.span: b.votes[1].probability or 0.0 for b in annotation.ballots}
    believed = {"Uma Frost": 0.0, "Skopje": 1.0, "rains": 1.0}
    for entity in annotation.entities:
        theirs = sure[Span(entity.start, entity.end)]
        assert entity.score == pytest.approx((believed[entity.text] + 3 * theirs) / 4)
        assert (theirs > 0) == (entity.text != "rains")
    assert {e.text for e in annotation.entities} == set(believed)


def test_its_worth_is_what_it_gets_right_without_having_learnt_it() -> None:
    random = Random(0)
    names = ["".join(random.choices("abcdefghijklmnop", k=7)) for _ in range(60)]
    threes = [names[i : i + 3] for i in range(0, 60, 3)]
    new = [example(str(i), " saw ".join(three), person=three[i % 3]) for i, three in enumerate(threes)]
    regular, guesses = CrfVoter(Pool.of(TEXTS, LABELS)).worth(), CrfVoter(Pool.of(new, LABELS)).worth()
    assert 0.9 < regular < 1
    assert 0 < guesses < 0.5
    assert 0 < CrfVoter(Pool.of(TEXTS[:1], LABELS)).worth() < 0.1


def test_its_weight_can_be_measured() -> None:
    pool, how = Pool.of(TEXTS, LABELS), {"votes": True, "weight": 3.0, "measured": True}
    mean = {"classify": {"ask": "nobody", "none": False}, "decide": {"rule": "probability"}}
    ner = ensemble(scripted("rains (person)"), pool=pool, crf=how, **mean)
    [rains] = [e for e in ner("Uma Frost lives in Skopje now where it rains .").entities if e.text == "rains"]
    assert rains.score == pytest.approx(1 / (1 + 3 * CrfVoter(pool).worth()))


def test_it_can_vote_alone() -> None:
    ner = ensemble(pool=Pool.of(TEXTS, LABELS), crf={"votes": True}, retrieve={"spans": "members"})
    first, second = ner.annotate(["Uma Frost\nlives in Skopje now .", ""])
    assert [(e.text, e.label, dict(e.votes)) for e in first.entities] == [
        ("Uma Frost", "person", {"crf": "person"}),
        ("Skopje", "location", {"crf": "location"}),
    ]
    assert 0.5 < first.entities[0].score <= 1
    assert second.entities == ()
    assert ner.voters == ("crf",)
    ner.close()


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(crf, "version", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'el4ner\[tagger\]'"):
        ensemble(scripted(), pool=POOL, crf={"hints": True})
