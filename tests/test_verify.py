"""Stage 4: verifiers are asked about what was elected."""

from __future__ import annotations

from fakes import (
    scripted,
)
from knowing import annotated, found, knowing


class TestVerdicts:
    def test_false_drops_a_span(self) -> None:
        verifier = scripted("none", "none", lambda asked: "false" if asked.span == "Tom" else "True.")
        annotation = annotated("Tom saw Oslo", knowing(), knowing(), verifier, verify={"members": ["c"]})
        assert [(e.text, e.verified) for e in annotation.entities] == [("Oslo", True)]
        assert [(asked.span, asked.last) for asked in verifier.questions("verify")] == [
            ("Tom", "person"),
            ("Oslo", "location"),
        ]
        assert [v.holds for ballot in annotation.ballots for v in ballot.verdicts] == [False, True]
        assert found(annotation.decide(verify=False)) == [("Tom", "person"), ("Oslo", "location")]

    def test_what_the_vote_dropped_is_not_verified(self) -> None:
        model = scripted("Tom", "none")
        annotated("Tom saw Oslo", model, verify={"members": ["a"]})
        assert model.questions("verify") == []

    def test_a_verifier_without_a_usable_answer_abstains(self) -> None:
        annotation = annotated("Tom", scripted("Tom (person)", verify="perhaps"), verify={"members": ["a"]})
        assert [(e.text, e.verified) for e in annotation.entities] == [("Tom", None)]
        assert annotation.ballots[0].verdicts[0].holds is None
