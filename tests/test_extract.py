"""Stage 2: what members list, in every form, and what of it stands in the text."""

from __future__ import annotations

import pytest
from fakes import Asked, FakeModel, ensemble, scripted
from knowing import TEXT, annotated, found, knowing, right, typed

from el4ner.data import Ungrounded
from el4ner.models.base import Outcome, Reply, Request, Token


class TestMentions:
    def test_every_mention_is_an_entity(self) -> None:
        annotation = annotated("Oslo , Oslo\nand   Oslo", scripted("Oslo (location)"))
        assert [(e.start, e.end) for e in annotation.entities] == [(0, 4), (7, 11), (18, 22)]

    @pytest.mark.parametrize(
        ("overlap", "expected"),
        [("flat", ["University of Oslo"]), ("nested", ["University of Oslo", "Oslo"])],
    )
    def test_nested_mentions(self, overlap: str, expected: list[str]) -> None:
        annotation = annotated("The University of Oslo .", knowing(), decide={"overlap": overlap})
        assert [e.text for e in annotation.entities] == expected

    def test_mentions_over_line_ends_and_controls(self) -> None:
        text = "\ufeff\nAnna \r\n Berg\0 met\u2028Tom"
        annotation = annotated(text, knowing())
        assert [e.text for e in annotation.entities] == ["Anna \r\n Berg", "Tom"]
        assert [(e.start, e.end) for e in annotation.entities] == [(2, 14), (20, 23)]

    def test_chinese(self) -> None:
        annotation = annotated("李明在北京，北京很大。", knowing())
        assert [(e.start, e.text) for e in annotation.entities] == [(0, "李明"), (3, "北京"), (6, "北京")]

    def test_what_does_not_stand_in_the_text_is_reported(self) -> None:
        annotation = annotated("Tom saw Oslo", scripted("Tom (person); Rome (location); Oslo (city); Os (location)"))
        assert found(annotation) == [("Tom", "person")]  # nobody gave Oslo a type that was asked for
        assert annotation.traces[0].ungrounded == (
            Ungrounded("extract", "a", "Rome", "location"),
            Ungrounded("extract", "a", "Oslo", "city"),
            Ungrounded("extract", "a", "Os", "location"),
        )

    def test_a_listing_that_was_cut_off_gives_its_complete_entries(self) -> None:
        cut = Reply("Tom (person); Anna Berg (per", Outcome.CUT)
        annotation = annotated(TEXT, scripted(lambda _: cut))
        assert found(annotation) == [("Tom", "person")]
        assert annotation.traces[0].cut == ("a",)
        assert annotation.traces[0].abstained == ()

    def test_a_type_left_out_costs_no_entry(self) -> None:
        annotation = annotated(TEXT, scripted("Tom; Anna Berg; Oslo (location)", "person"))
        assert found(annotation) == [("Anna Berg", "person"), ("Tom", "person"), ("Oslo", "location")]
        assert annotation.traces[0].ungrounded == ()


class TestForms:
    def test_types_can_be_asked_for_apart(self) -> None:
        model = scripted(lambda asked: typed(asked) if asked.types.startswith("person") else "Oslo; Tom (group)")
        annotation = annotated(TEXT, model, member={"demonstrations": 3}, extract={"types": "apart"})
        asked = model.questions("extract")
        assert [question.types for question in asked] == [
            "person: a human being",
            "location: a place",
            "group: a named group",
        ]
        for question, label in zip(asked, ("person", "location", "group"), strict=True):
            said = [entities for _, entities in question.demonstrations]
            assert all(entities == "none" or entities.endswith(f"({label})") for entities in said)
            assert sum(entities != "none" for entities in said) == (1 if label == "group" else 3) + (label == "group")
        lost = annotation.traces[0].ungrounded
        assert Ungrounded("extract", "a", "Tom", "group") in lost  # asked about locations
        assert {p.label for p in annotation.ballots[-1].candidate.proposals} <= {"location", "group"}

    def test_spans_can_be_asked_for_without_types(self) -> None:
        model = scripted("Tom; Oslo; Anna Berg (person)", right)
        annotation = annotated(TEXT, model, extract={"types": "none"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]
        assert not any("(" in entities for a in model.questions("extract") for _, entities in a.demonstrations)
        assert any("(" in entities for a in model.questions("classify") for _, entities in a.demonstrations)

    def test_a_marked_mention_is_a_candidate_and_others_of_its_name_are_not(self) -> None:
        model = scripted("Oslo met @@Oslo## .", "location")
        annotation = annotated("Oslo met Oslo .", model, extract={"answer": "marks", "types": "none"})
        assert [(e.start, e.end) for e in annotation.entities] == [(9, 13)]

    def test_a_marked_string_of_another_text_is_looked_for(self) -> None:
        model = scripted("@@Oslo## saw @@Rome## and @@Os##", "location")
        annotation = annotated("Tom saw\n Oslo", model, extract={"answer": "marks", "types": "none"})
        assert found(annotation) == [("Oslo", "location")]
        assert [lost.text for lost in annotation.traces[0].ungrounded] == ["Rome", "Os"]

    def test_a_mark_within_a_word_has_no_place(self) -> None:
        model = scripted("Os@@lo## here", "location")
        annotation = annotated("Oslo here", model, extract={"answer": "marks", "types": "none"})
        assert annotation.ballots == ()
        assert [lost.text for lost in annotation.traces[0].ungrounded] == ["lo"]

    def test_a_span_marked_for_two_types_is_of_the_surer_one(self) -> None:
        def sure(asked: Asked) -> Reply:
            logprob = {"person": -2.0, "location": -0.5}.get(asked.types.partition(":")[0], -9.0)
            return Reply("@@Oslo##", tokens=(Token("@@Oslo##", logprob),))

        annotation = annotated("Oslo", scripted(sure), extract={"answer": "marks", "types": "apart"})
        assert [(p.member, p.label) for p in annotation.ballots[0].candidate.proposals] == [("a", "location")]

    def test_candidates_with_reasons(self) -> None:
        model = scripted("Tom | true | he is (person)\nsaw | false | no\nOslo | true | (location)")
        annotation = annotated("Tom saw Oslo", model, extract={"answer": "reasons"}, classify={"ask": "nobody"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]

    def test_what_any_sample_holds_goes_on(self) -> None:
        replies = iter(["Tom (person)", "Oslo (location)", "none"])
        model = scripted(lambda _: next(replies))
        annotation = annotated("Tom saw Oslo", model, extract={"samples": 3}, member={"temperature": 0.5, "seed": 7})
        assert [request.seed for request in model.asked] == [7, 8, 9]
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]

    def test_a_type_whose_question_failed_is_no_vote_against(self) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        half = scripted(lambda asked: refused if asked.types.startswith("location") else "none")
        annotation = annotated(
            "Tom saw Oslo", half, scripted("Oslo (location)"), extract={"types": "apart"}, classify={"ask": "nobody"}
        )
        assert annotation.ballots[0].votes[0].abstained == "refused"
        assert annotation.traces[0].abstained == ("extract a: refused",)

    @pytest.mark.parametrize("ask", ["nobody", "others", "both"])
    def test_a_failed_question_does_not_undo_the_others(self, ask: str) -> None:
        refused = Reply("", Outcome.FAILED, error="refused")
        half = scripted(lambda asked: refused if asked.types.startswith("person") else "Oslo (location)", "location")
        annotation = annotated("Tom saw Oslo", half, extract={"types": "apart"}, classify={"ask": ask})
        assert found(annotation) == [("Oslo", "location")]
        assert annotation.traces[0].abstained == ("extract a: refused",)

    @pytest.mark.parametrize(
        "said",
        [
            "Tom (person); Oslo (location).",
            "Entities: Tom (person); Oslo (location)",
            "1. Tom (person)\n2. Oslo (location)",
            "2) Tom (Person); Oslo (LOCATION)",
        ],
    )
    def test_usual_ways_to_write_a_list_are_read(self, said: str) -> None:
        annotation = annotated("Tom saw Oslo", scripted(said), classify={"ask": "nobody"})
        assert found(annotation) == [("Tom", "person"), ("Oslo", "location")]
        assert annotation.traces[0].ungrounded == ()

    def test_a_number_that_belongs_to_a_name_stays(self) -> None:
        annotation = annotated("the 1. FC lost", scripted("1. FC (location)"), classify={"ask": "nobody"})
        assert found(annotation) == [("1. FC", "location")]


class TestTooLong:
    """A server that refuses long prompts is asked once more with fewer demonstrations."""

    @staticmethod
    def picky(most: int) -> FakeModel:
        """Refuses every prompt that shows more than so many demonstrations."""

        def answer(request: Request) -> Reply | str:
            asked = Asked.of(request)
            if len(asked.demonstrations) > most:
                return Reply("", Outcome.FAILED, error="HTTP 400: too long", too_long=True)
            return {"extract": "Oslo (location)", "classify": "location"}.get(asked.stage, "true")

        return FakeModel(answer)

    @pytest.mark.parametrize("most", [3, 1, 0])
    def test_fewer_demonstrations_are_shown_until_it_fits(self, most: int) -> None:
        model = self.picky(most)
        made = ensemble(model, member={"demonstrations": 5})
        with pytest.warns(UserWarning, match="the server refused 1 of 1 passages as too long; they are asked again"):
            annotation = made("We saw Oslo .")
        assert [e.text for e in annotation.entities] == ["Oslo"]
        assert annotation.failed == {}
        shown = annotation.traces[0].shown["a"]
        assert shown <= most
        assert [len(asked.demonstrations) for asked in model.questions("extract")][-1] == shown

    def test_where_nothing_can_be_left_out_the_failure_stands(self) -> None:
        made = ensemble(self.picky(-1), scripted("Oslo (location)", "location"), member={"demonstrations": 2})
        with pytest.warns(UserWarning, match="too long"):
            annotation = made("We saw Oslo .")
        assert dict(annotation.failed) == {"a": "HTTP 400: too long"}
        assert [e.text for e in annotation.entities] == ["Oslo"]
