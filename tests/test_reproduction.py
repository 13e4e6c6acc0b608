"""Faults of a public reproduction of EL4NER, each held here."""

from __future__ import annotations

import pytest
from fakes import (
    POOL,
    STYLE,
    Asked,
    LetterEncoder,
    ensemble,
    recipe,
    scripted,
)
from knowing import annotated, found, knowing

from el4ner.ensemble.member import Member
from el4ner.pipeline import EL4NER


class TestFaultsOfThePublicReproduction:
    def test_a_demonstrations_answer_is_never_read_as_the_models(self) -> None:
        # The text holds the very names of the demonstration, and the model says that there are none.
        text = "Anna Berg lives in Berlin ."
        model = scripted("none", "person", preextract="none")
        annotation = annotated(text, model, retrieve={"spans": "members"})
        assert ("Anna Berg lives in Berlin .", "Anna Berg (person); Berlin (location)") in (
            model.questions("extract")[0].demonstrations
        )
        assert annotation.entities == ()
        assert annotation.ballots == ()

    def test_names_of_demonstrations_that_a_model_repeats_are_not_entities(self) -> None:
        def parrot(asked: Asked) -> str:
            return "; ".join(entities for _, entities in asked.demonstrations)

        annotation = annotated("Nobody came to Lima .", scripted(parrot, "location"), member={"demonstrations": 5})
        assert found(annotation) == [("Lima", "location")]
        assert len(annotation.traces[0].ungrounded) > 5

    def test_mentions_of_one_string_stay_apart(self) -> None:
        text = "Oslo played Oslo"
        annotation = annotated(text, scripted("Oslo", "group"))
        assert [(e.start, e.end, e.label) for e in annotation.entities] == [(0, 4, "group"), (12, 16, "group")]
        assert len({(b.candidate.span.start, b.candidate.span.end) for b in annotation.ballots}) == 2

    def test_texts_without_entities_are_given_back_too(self) -> None:
        texts = ["Nothing happened .", "Tom", "", "Nobody came ."]
        assert [a.text for a in ensemble(knowing()).annotate(texts)] == texts

    def test_the_pool_is_embedded_once(self) -> None:
        how = recipe(["a"])
        encoder = LetterEncoder()
        ner = EL4NER(how, [Member(how.members[0], knowing(), STYLE)], POOL, encoder=encoder)
        texts = [f"Tom number {n} is in Oslo ." for n in range(20)]
        list(ner.annotate(texts[:10]))
        for text in texts[10:]:
            ner(text)
        assert all(encoder.given.count(example.text) <= 1 for example in POOL.examples)
        spans = [e.text[s.start : s.end] for e in POOL.examples for s in e.entities]
        assert [encoder.given.count(span) for span in spans if span != "Oslo"] == [1] * (len(spans) - 1)

    @pytest.mark.parametrize("mark", ["[SEP]", "[CLS] [SEP]", "<sep>", "; ", "Entities:", "Text:", "\x1e", "</s>"])
    def test_a_separator_in_the_text_is_text(self, mark: str) -> None:
        text = f"Tom {mark} Oslo {mark} Anna Berg"
        expected = [("Tom", "person"), ("Oslo", "location"), ("Anna Berg", "person")]
        assert found(annotated(text, knowing())) == expected
        assert found(annotated(text, knowing(), style=STYLE, retrieve={"spans": "members"})) == expected
