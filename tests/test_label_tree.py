"""Types grouped by likeness, and candidates asked for by group first."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fakes import POOL, Asked, FakeModel, LetterEncoder, ensemble, scripted
from hypothesis import given
from hypothesis import strategies as st

from el4ner.annotation import Annotation
from el4ner.data import Label
from el4ner.models.base import Outcome, Reply, Token
from el4ner.retrieval.encoder import default_encoder
from el4ner.stages.label_tree import grouped, joined

LABELS = [Label(name) for name in ("singer", "lake", "composer", "river", "guitarist", "sea")]


def test_like_types_are_grouped() -> None:
    names = [[label.name for label in group] for group in grouped(LABELS, 2, default_encoder())]
    assert names == [["singer", "composer", "guitarist"], ["lake", "river", "sea"]]


@given(st.lists(st.text(max_size=6), max_size=8, unique=True), st.integers(1, 9))
def test_every_type_is_in_one_group(names: list[str], groups: int) -> None:
    labels = [Label(name) for name in names]
    found = grouped(labels, groups, LetterEncoder())
    assert sorted(label.name for group in found for label in group) == sorted(names)
    assert len(found) == min(groups, len(labels))


def test_a_group_is_named_after_its_types() -> None:
    assert joined([Label("river", "running water"), Label("sea"), Label("lake", "standing water")]) == Label(
        "river/sea/lake", "running water, or standing water"
    )


def test_a_thousand_types_are_grouped_in_seconds() -> None:
    labels = [Label(f"{a}{b}{c}") for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyzabcd"]
    began = time.perf_counter()
    found = grouped(labels, 10, LetterEncoder())
    assert time.perf_counter() - began < 10
    assert sorted(label.name for group in found for label in group) == sorted(label.name for label in labels)


def test_a_group_is_told_from_a_type_that_is_called_so() -> None:
    labels = {"river": "z" * 20, "sea": "z" * 20, "river/sea": "q" * 20, "singer": "k" * 20}
    model = scripted("Lima", lambda asked: asked.last.split(", ")[0])
    annotation = ensemble(model, classify={"branches": 3})("Anna saw Lima .", labels)
    coarse, *_ = (asked.last.split(", ") for asked in model.questions("classify"))
    assert coarse == ["river/sea", "river/sea/", "singer", "none"]
    assert [e.label for e in annotation.entities] == ["river"]


def answers(choices: str, *wanted: str) -> str:
    """The first of the choices that holds one of the names."""
    return next(choice for choice in choices.split(", ") if set(choice.split("/")) & set(wanted))


class TestTree:
    def annotated(self, **more: Any) -> tuple[FakeModel, Annotation]:
        model = scripted("Lima", lambda asked: answers(asked.last, "person"))
        return model, ensemble(model, classify={"branches": 2, **more})("Anna saw Lima .")

    def test_the_group_is_asked_for_first_and_then_the_type_within_it(self) -> None:
        model, annotation = self.annotated()
        coarse, fine = (asked.last.split(", ") for asked in model.questions("classify"))
        assert len(coarse) == 3  # two groups and none
        assert coarse[-1] == "none"
        (group,) = [choice for choice in coarse if "/" in choice]
        assert "person" in group
        assert fine == group.split("/")
        assert [(e.text, e.label) for e in annotation.entities] == [("Lima", "person")]

    def test_the_demonstrations_of_a_group_bear_its_name(self) -> None:
        model, _ = self.annotated()
        coarse, fine = model.questions("classify")
        groups = set(coarse.last.split(", "))
        for asked, known in ((coarse, groups), (fine, {"person", "location", "group"})):
            said = "; ".join(entities for _, entities in asked.demonstrations).split("; ")
            assert {entity[entity.rfind("(") + 1 : -1] for entity in said} <= known

    def test_few_types_are_asked_for_at_once(self) -> None:
        model = scripted("Lima", "person")
        ensemble(model, classify={"branches": 3})("Anna saw Lima .")
        assert [asked.last for asked in model.questions("classify")] == ["person, location, group, none"]

    def test_none_of_these_ends_the_questions(self) -> None:
        model = scripted("Lima", "none")
        annotation = ensemble(model, classify={"branches": 2})("Anna saw Lima .")
        assert len(model.questions("classify")) == 1
        assert annotation.entities == ()

    def test_probabilities_multiply(self) -> None:
        def half(asked: Asked) -> Reply:
            said = answers(asked.last, "person")
            return Reply(said, tokens=(Token(said, -0.6931471805599453),))

        annotation = ensemble(scripted("Lima", half), classify={"branches": 2})("Anna saw Lima .")
        assert annotation.ballots[0].votes[0].probability == pytest.approx(0.25)

    def test_a_failure_within_a_group_abstains(self) -> None:
        def failing(asked: Asked) -> Reply | str:
            if "none" in asked.last.split(", "):
                return answers(asked.last, "person")
            return Reply("", Outcome.FAILED, error="gone")

        annotation = ensemble(scripted("Lima", failing), classify={"branches": 2})("Anna saw Lima .")
        assert annotation.entities == ()
        assert annotation.ballots[0].votes[0].abstained == "gone"

    def test_trees_may_be_deep(self) -> None:
        labels = dict.fromkeys("abcdefghi", "")
        model = scripted("Lima", lambda asked: answers(asked.last, "e"))
        annotation = ensemble(model, pool=POOL, classify={"branches": 2, "none": False})("Anna saw Lima .", labels)
        assert [(e.text, e.label) for e in annotation.entities] == [("Lima", "e")]
        assert all(len(asked.last.split(", ")) == 2 for asked in model.questions("classify"))
