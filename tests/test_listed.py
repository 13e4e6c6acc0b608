"""When a list only repeats itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from el4ner.models.base import Model, Outcome, Request
from el4ner.models.partial_reply import Listed


def repeats(text: str) -> int:
    listed = Listed()
    listed.write(text)
    return listed.repeats


def test_repeats_are_counted_up_to_the_last_complete_entry() -> None:
    assert repeats("") == repeats("a; b; c; ") == 0
    assert repeats("a; b; a; b; b; ") == 3
    assert repeats("a; a; b; a") == 0  # the last may go on: "a (person)", "ab"
    assert repeats("a; a; a; b; ") == 0


@given(st.lists(st.sampled_from(["a", "b; ", "; ", " ", ";", "a; a; "])))
def test_it_does_not_matter_how_the_text_comes(pieces: list[str]) -> None:
    listed = Listed()
    for piece in pieces:
        listed.write(piece)
    assert listed.repeats == repeats("".join(pieces))


LOOP = "Text: Rex met Rex .\nEntities: Rex (dog); Rex (dog); Rex (dog); Rex (dog); Rex (dog); Rex (dog); Rex (dog);"


def test_the_embedded_engine_ends_a_list_that_only_repeats_itself(smollm2: Model) -> None:
    whole, ended, other = smollm2.generate(
        [
            Request(LOOP, 120, ("\n",)),
            Request(LOOP, 120, ("\n",), stale=4),
            Request("One, two, three,", 12, ("\n",), stale=4),
        ]
    )
    assert whole.outcome is ended.outcome is Outcome.CUT
    assert ended.usage.generated < whole.usage.generated / 2
    assert whole.text.startswith(ended.text.rstrip())
    assert "".join(token.text for token in ended.tokens) == ended.text
    assert other.text.startswith(" four, five")


def test_prefixes_of_ended_lists_serve_later_questions(smollm2: Model) -> None:
    (first,) = smollm2.generate([Request(LOOP, 60, ("\n",), stale=4)])
    (again,) = smollm2.generate([Request(LOOP, 60, ("\n",), stale=4)])
    assert again.text == first.text
