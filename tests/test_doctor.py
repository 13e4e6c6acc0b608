from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from el4ner.ensemble import doctor
from el4ner.ensemble.doctor import CHAT, CHOICE, CONTEXT, LOGPROBS, PLAIN, REPEATS, SPANS, Diagnosis, examine
from el4ner.errors import ModelError
from el4ner.models.base import Model, Outcome, Reply, Request, Token
from el4ner.models.constraint import Listing, OneOf
from el4ner.models.openai.settings import OpenAISettings
from el4ner.recipes.load import parse_recipe
from el4ner.recipes.settings import Recipe


@dataclass
class Fake:
    """A model that answers by a function."""

    answer: Callable[[Request], Reply]
    context: int = 4096
    identity: str = "fake 1"
    closed: list[bool] = field(default_factory=list)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 4 for text in texts]

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        return [self.answer(request) for request in requests]

    def close(self) -> None:
        self.closed.append(True)


def obedient(request: Request) -> Reply:
    if isinstance(request.constraint, OneOf):
        text = request.constraint.options[-1]
    elif isinstance(request.constraint, Listing):
        text = "Ilvara Quent (person); Port Masry (location)"
    else:
        text = "Paris."
    return Reply(text, tokens=(Token(text, -0.1),))


def rambling(request: Request) -> Reply:
    """Takes a grammar and ignores it; has no chat template and no log-probabilities."""
    if not isinstance(request.prompt, str):
        return Reply("", Outcome.FAILED, error="no chat template")
    return Reply("Paris (city); Berlin (city)")


def recipe(style: str = "compact", model: dict[str, object] | None = None) -> Recipe:
    members = [{"name": "one", "model": "m", "style": style}, {"name": "two", "model": "m", "style": style}]
    table = {"name": "test", "members": members, "models": {"m": model or {"engine": "openvino", "path": "/nowhere"}}}
    return parse_recipe(table, "test")


def examined(
    monkeypatch: pytest.MonkeyPatch, fake: Model, settings: Recipe
) -> tuple[Diagnosis, dict[str, tuple[str, ...]]]:
    monkeypatch.setattr(doctor, "open_models", lambda models: dict.fromkeys(models, fake))
    [(diagnosis, outlooks)] = examine(settings)
    return diagnosis, {outlook.member: outlook.losses for outlook in outlooks}


def test_a_model_that_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(obedient)
    diagnosis, losses = examined(monkeypatch, fake, recipe())
    assert all(diagnosis.holds(q) for q in (PLAIN, CHAT, CHOICE, SPANS, LOGPROBS, REPEATS, CONTEXT))
    assert diagnosis.identity == "fake 1"
    assert losses == {"one": (), "two": ()}
    assert fake.closed == [True]


def test_a_model_that_ignores_grammars(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = recipe()
    diagnosis, losses = examined(monkeypatch, Fake(rambling), settings)
    assert [diagnosis.holds(q) for q in (PLAIN, CHAT, CHOICE, SPANS, LOGPROBS)] == [True, False, False, False, False]
    said = " ".join(losses["one"])
    for piece in ("not held to a list", "not held to the text", "shares of heads"):
        assert piece in said
    assert "style" not in said


def test_a_chat_member_on_a_model_without_template(monkeypatch: pytest.MonkeyPatch) -> None:
    _, losses = examined(monkeypatch, Fake(rambling), recipe("chat"))
    assert any('style = "compact"' in loss for loss in losses["two"])


def test_a_model_that_does_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(1000))
    fake = Fake(lambda request: Reply(f"answer {next(count)}"))
    diagnosis, losses = examined(monkeypatch, fake, recipe())
    assert diagnosis.holds(REPEATS) is False
    assert any("differ from run to run" in loss for loss in losses["one"])


def test_a_model_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    diagnosis, losses = examined(
        monkeypatch, Fake(lambda r: Reply("", Outcome.FAILED, error="nobody listens")), recipe()
    )
    assert diagnosis.error == "nobody listens"
    assert losses == {"one": ("cannot take part",), "two": ("cannot take part",)}


def test_a_model_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(models: object) -> dict[str, Model]:
        raise ModelError("/nowhere: no such model; give a .gguf file")

    monkeypatch.setattr(doctor, "open_models", refuse)
    [(diagnosis, outlooks)] = examine(recipe())
    assert "no such model" in diagnosis.error
    assert [outlook.losses for outlook in outlooks] == [("cannot take part",)] * 2


def test_a_small_context(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = range(100, 1600, 100)
    losses = [examined(monkeypatch, Fake(obedient, context=size), recipe())[1]["one"] for size in sizes]
    assert "do not fit the context of 100 tokens" in losses[0][0]
    assert any("the context holds" in loss for said in losses for loss in said)
    assert losses[-1] == ()


def test_the_servers_word_on_its_context_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    server: dict[str, object] = {"engine": "openai", "base_url": "http://x/v1", "model": "x", "context": 32_000}

    monkeypatch.setattr(OpenAISettings, "open", lambda self: Fake(obedient, context=self.context or 8192))
    monkeypatch.setattr(doctor, "open_models", lambda models: {name: one.open() for name, one in models.items()})
    [(diagnosis, outlooks)] = examine(recipe(model=server))
    assert diagnosis.holds(CONTEXT) is False
    assert "8192 tokens, the recipe asks for 32000" in [finding.detail for finding in diagnosis.findings]
    assert any("smaller than the recipe" in loss for loss in outlooks[0].losses)


def test_members_of_both_styles_are_asked_in_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    table = recipe().model_dump()
    table["members"][1]["style"] = "chat"
    monkeypatch.setattr(doctor, "open_models", lambda models: dict.fromkeys(models, Fake(rambling)))
    found = list(examine(parse_recipe(table, "test")))
    assert [(diagnosis.style, [o.member for o in outlooks]) for diagnosis, outlooks in found] == [
        ("compact", ["one"]),
        ("chat", ["two"]),
    ]
