"""The shipped recipes, asked of models that answer as they are told."""

from __future__ import annotations

from fakes import POOL, FakeModel, LetterEncoder

from el4ner.config import load_recipe
from el4ner.member import Member
from el4ner.models.base import Request
from el4ner.pipeline import EL4NER
from el4ner.prompts.style import style

TEXTS = ("Anna Berg lives in Berlin .", "The Blue Owls met Tom in Oslo .", "北京 is large .", "Nothing happened .")


def asked(name: str, member: str) -> list[Request]:
    """All that one member of a recipe is asked about the texts, in order."""
    recipe = load_recipe(name)
    models = {m.name: FakeModel(lambda _: "Tom (person); Berlin (location)") for m in recipe.members}
    members = [Member(m, models[m.name], style(m.style)) for m in recipe.members]
    list(EL4NER(recipe, members, POOL, encoder=LetterEncoder()).annotate(TEXTS))
    return models[member].asked


def test_single_asks_what_the_first_member_of_nano_is_asked() -> None:
    alone = asked("single", "first")
    assert len(alone) == len(TEXTS)
    assert alone == asked("nano", "first")[: len(alone)]


def test_the_vote_at_the_end_asks_what_nano_asks_in_stage_2() -> None:
    for member in ("first", "second", "third"):
        alone = asked("vote-at-end", member)
        assert len(alone) == len(TEXTS)
        assert alone == asked("nano", member)[: len(alone)]
