"""The shipped recipes, asked of models that answer as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import POOL, FakeModel, LetterEncoder

from el4ner.annotation import Annotation
from el4ner.data import Label
from el4ner.ensemble.member import Member
from el4ner.errors import ConfigError
from el4ner.models.base import Request
from el4ner.models.constraint import OneOf
from el4ner.models.openai.settings import OpenAISettings
from el4ner.pipeline import EL4NER
from el4ner.prompts.style import style
from el4ner.recipes.load import load_recipe, recipe_names

TEXTS = ("Anna Berg lives in Berlin .", "The Blue Owls met Tom in Oslo .", "北京 is large .", "Nothing happened .")


class Talker(FakeModel):
    """Answers a choice with its first option, and everything else in all forms at once."""

    def __init__(self) -> None:
        super().__init__(lambda _: "")
        self.answer = self.talk

    def talk(self, request: Request) -> str:
        if isinstance(request.constraint, OneOf):
            return request.constraint.options[0]
        return "Tom (person); Berlin (location)\n- Oslo | true | a place (location)\n@@Anna Berg## lives"


def run(name: str, labels: Sequence[Label] | None = None) -> tuple[list[Annotation], dict[str, list[Request]]]:
    """What a recipe makes of the texts, and all that its members were asked, in order."""
    recipe = load_recipe(name)
    models = {m.name: Talker() for m in recipe.members}
    members = [Member(m, models[m.name], style(m.style)) for m in recipe.members]
    ner = EL4NER(recipe, members, POOL, encoder=LetterEncoder())
    return list(ner.annotate(TEXTS, labels)), {name: model.asked for name, model in models.items()}


def asked(name: str, member: str) -> list[Request]:
    return run(name)[1][member]


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_annotates(name: str) -> None:
    annotations, questions = run(name)
    assert [a.text for a in annotations] == list(TEXTS)
    assert all(a.text[e.start : e.end] == e.text for a in annotations for e in a.entities)
    assert any(ballot.candidate.proposals for a in annotations for ballot in a.ballots)
    assert all(questions.values())
    assert not [reason for a in annotations for trace in a.traces for reason in trace.abstained]


def test_gpt_ner_asks_for_each_type_and_verifies() -> None:
    requests = asked("gpt-ner", "first")
    prompts = [str(request.prompt) for request in requests]
    assert sum(prompt.endswith("Marked:") for prompt in prompts) == 3 * len(TEXTS)
    assert any(prompt.endswith("True or false? (") for prompt in prompts)


def test_the_cascade_samples_and_asks_many_types_by_group() -> None:
    labels = [Label(f"kind {letter}") for letter in "abcdefghijkl"]
    annotations, questions = run("cascade", labels)
    drawn = [request for request in questions["first"] if request.constraint is None]
    assert [request.seed for request in drawn[:3]] == [0, 1, 2]
    assert all(request.temperature > 0 for request in drawn)
    choices = [request.constraint.options for request in questions["first"] if isinstance(request.constraint, OneOf)]
    assert len(choices[0]) == 8
    assert any("/" in option for option in choices[0])
    assert {vote.label for a in annotations for ballot in a.ballots for vote in ballot.votes} <= {
        x.name for x in labels
    }


def test_supericl_shows_the_taggers_word_on_every_text() -> None:
    (first, *_) = asked("supericl", "first")
    assert str(first.prompt).count("\nTagger: ") == str(first.prompt).count("Text: ")


def test_the_baselines_have_the_model_of_bare() -> None:
    model = load_recipe("bare").models
    for name in set(recipe_names()) - {"el4ner", "tagger"}:
        recipe = load_recipe(name)
        assert {(m.engine, getattr(m, "path", "")) for m in recipe.models.values()} <= {
            (m.engine, getattr(m, "path", "")) for m in model.values()
        }, name


def test_servers_can_state_their_weights() -> None:
    models = load_recipe("el4ner").models.values()
    assert all(isinstance(model, OpenAISettings) and model.parameters for model in models)


def test_single_asks_what_the_first_member_of_bare_is_asked() -> None:
    alone = asked("single", "first")
    assert len(alone) == len(TEXTS)
    assert alone == asked("bare", "first")[: len(alone)]


def test_the_vote_at_the_end_asks_what_bare_asks_in_stage_2() -> None:
    for member in ("first", "second", "third"):
        alone = asked("vote-at-end", member)
        assert len(alone) == len(TEXTS)
        assert alone == asked("bare", member)[: len(alone)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = " + "[" * 90_000, "nested too deeply"), ("x = " + "9" * 5000, "not TOML: Exceeds the limit")],
)
def test_what_no_parser_bears_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_recipe(str(file))
