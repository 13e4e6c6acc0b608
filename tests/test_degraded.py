"""Runs in which members fail say so: on every line, in the summary, in evaluations, and by the exit code on request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import FakeModel, ensemble, failing, scripted
from test_cli import ASK, Scripted, answer, run, work

from el4ner.annotation import Annotation
from el4ner.data import NOT_ASKED, UNTYPED, Verdict, Vote
from el4ner.ensemble.costs import Cost, Failure, Ledger, failures, silent
from el4ner.errors import ModelError
from el4ner.evaluate.experiment import parameters
from el4ner.models.base import Outcome, Reply, Request
from el4ner.recipes.load import load_recipe

__all__ = ["run", "work"]
Run = Callable[..., SimpleNamespace]
REASON = "HTTP 404: model 'ph4' not found"


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, work: Path) -> dict[str, Callable[[str], str | Reply]]:
    """A recipe with a model a member; what they answer can be changed."""
    recipe = Path("recipe.toml").read_text()
    models = [f'[models.{name}]\nengine = "openvino"\npath = "/nowhere/{name}"\n' for name in ("one", "two")]
    recipe = recipe.replace('[models.m]\nengine = "openvino"\npath = "/nowhere"\n', "".join(models))
    for name in ("one", "two"):
        recipe = recipe.replace(f'name = "{name}"\nmodel = "m"', f'name = "{name}"\nmodel = "{name}"')
    Path("recipe.toml").write_text(recipe)
    answers: dict[str, Callable[[str], str | Reply]] = {"one": answer, "two": answer}

    class Told(Scripted):
        def _reply(self, prompt: str) -> Reply:
            said = answers[self.identity](prompt)
            return said if isinstance(said, Reply) else Reply(said)

    monkeypatch.setattr(
        "el4ner.pipeline.open_models", lambda models: {name: Told(answer, identity=name) for name in models}
    )
    return answers


def fails(prompt: str) -> Reply:
    return Reply("", Outcome.FAILED, error=REASON)


def test_a_member_that_fails_is_named_on_every_line_at_once_and_at_the_end(
    work: Path, two: dict[str, Callable[[str], str | Reply]], run: Run
) -> None:
    healthy = run("annotate", "texts.txt", *ASK)
    assert "failed" not in healthy.out
    two["two"] = fails
    done = run("annotate", "texts.txt", *ASK, "--no-store")
    assert done.code == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["failed"] for line in lines] == [{"two": REASON}] * 3
    assert [len(line["entities"]) for line in lines] == [2, 0, 2]
    assert done.err.count(f"two failed: {REASON}") == 1  # as soon as it is known: see test_failures.py
    assert f"calls failed: {REASON}\n" in done.err
    calls = done.err.rsplit("two: ", 1)[1].split(" calls")[0].split(" of ")
    assert calls[0] == calls[1]


def test_strict_ends_with_three_and_keeps_what_was_made(
    work: Path, two: dict[str, Callable[[str], str | Reply]], run: Run
) -> None:
    assert run("annotate", "texts.txt", *ASK, "--strict", "-o", "whole.jsonl").code == 0
    two["two"] = fails
    done = run("annotate", "texts.txt", *ASK, "--strict", "--no-store", "-o", "out.jsonl")
    assert done.code == 3
    assert len(Path("out.jsonl").read_text().splitlines()) == 3
    assert run("explain", "Ada saw Oslo.", *ASK, "--strict", "--no-store").code == 3


def test_a_mended_member_is_asked_again(work: Path, two: dict[str, Callable[[str], str | Reply]], run: Run) -> None:
    right = run("annotate", "texts.txt", *ASK, "--no-store").out
    two["two"] = fails
    run("annotate", "texts.txt", *ASK)
    two["two"] = answer
    mended = run("annotate", "texts.txt", *ASK)
    assert mended.out == right
    assert "failed" not in mended.err


def test_nothing_found_while_replies_were_unreadable_is_a_warning_that_shows_them(
    work: Path, two: dict[str, Callable[[str], str | Reply]], run: Run
) -> None:
    def chatter(prompt: str) -> str:
        return f" As a language model I cannot help with request number {len(prompt)}."

    two["one"] = chatter
    two["two"] = lambda prompt: " none"
    done = run("annotate", "texts.txt", *ASK)
    assert "nothing was found, and replies could not be read: unreadable: 'As a language model" in done.err
    two["one"] = lambda prompt: " none"
    quiet = run("annotate", "texts.txt", *ASK)
    assert "nothing was found" not in quiet.err
    assert "failed" not in quiet.out


def test_evaluation_counts_who_failed(
    work: Path, two: dict[str, Callable[[str], str | Reply]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import el4ner.pipeline as pipeline

    monkeypatch.setattr("el4ner.evaluate.experiment.open_models", lambda models: pipeline.open_models(models))
    Path("data").mkdir()
    Path("data/train.jsonl").write_text(Path("pool.jsonl").read_text())
    Path("data/test.jsonl").write_text(
        json.dumps({"text": "Ada saw Oslo.", "entities": [{"start": 0, "end": 3, "label": "person"}]}) + "\n"
    )
    two["two"] = fails
    done = run("eval", "-d", "data", "-r", "recipe.toml", "-o", "made", "--strict")
    assert done.code == 3
    assert "scores of a degraded run" in done.err
    assert f"calls failed: {REASON}" in done.out  # the report is whole where standard error is thrown away
    assert "parameters of the models of the members that answered" in " ".join(done.out.split())
    report = json.loads(Path("made/run.json").read_text())["report"]
    (told,) = report["failures"]
    assert (told["member"], told["failed"] == told["calls"]) == ("two", True)
    assert list(told["reasons"]) == [REASON]
    two["one"], two["two"] = (
        (lambda prompt: " Let us talk about the weather instead of that."),
        (lambda prompt: " none"),
    )
    nothing = run("eval", "-d", "data", "-r", "recipe.toml", "--no-store")
    assert "warning: nothing was found, and replies could not be read: unreadable: 'Let us talk" in nothing.err
    two["one"], two["two"] = answer, fails
    table = run("compare", "-d", "data", "-r", "recipe.toml", "-o", "runs", "--strict")
    assert table.code == 3
    assert "†" in table.out
    assert "two failed in" in table.out


def test_all_down_names_each_member_with_its_reason() -> None:
    made = ensemble(failing("connection refused"), failing("HTTP 401: who are you?"))
    with pytest.raises(ModelError, match=r"connection refused; .*HTTP 401: who are you\?; `el4ner doctor`"):
        list(made.annotate([f"text {n}" for n in range(9)]))


def test_what_counts_as_failed() -> None:
    assert Vote("a", None, abstained="HTTP 500").failed
    assert not Vote("a", None, abstained=NOT_ASKED).failed
    assert not Vote("a", None, abstained=UNTYPED).failed
    assert not Vote("a", None).failed
    assert Verdict("a", "x", None).abstained == ""


def test_a_verifier_that_fails_is_among_the_failed() -> None:
    sick = scripted("Oslo (location)", "location", verify=lambda _: Reply("", Outcome.FAILED, error="HTTP 500: no"))
    annotation: Annotation = ensemble(sick, verify={"members": ["a"]})("We saw Oslo .")
    assert dict(annotation.failed) == {"a": "HTTP 500: no"}
    assert annotation.record()["failed"] == {"a": "HTTP 500: no"}


def test_reasons_are_counted_and_bounded() -> None:
    ledger = Ledger()
    replies = [Reply("", Outcome.FAILED, error=f"HTTP 503: try {n}") for n in range(50)]
    replies += [Reply("", Outcome.FAILED, error="reason " + chr(97 + n)) for n in range(20)]
    ledger.add("extract", "m", 80, [], [*replies, Reply("x")], 1.0)
    (cost,) = ledger.costs
    assert cost.reasons["HTTP 503: try 0"] == 50
    assert sum(cost.reasons.values()) == cost.failed == 70
    assert len(cost.reasons) <= 9
    assert failures(ledger.costs) == [Failure("m", 70, 71, dict(sorted(cost.reasons.items(), key=lambda kv: -kv[1])))]


def test_parameters_are_those_of_members_that_answered() -> None:
    recipe = load_recipe("el4ner")
    whole, without = parameters(recipe), parameters(recipe, {"phi4"})
    assert (whole, without) == (38_900_000_000, 24_200_000_000)
    assert silent([Cost("extract", "a", 3, calls=3, failed=3), Cost("extract", "b", 3, calls=3, failed=2)]) == {"a"}


def test_members_that_fail_now_and_then_cost_nobody_else_an_answer() -> None:
    turn = iter(range(10_000))

    def shaky(request: Request) -> str | Reply:
        if next(turn) % 3 == 2:
            return Reply("", Outcome.FAILED, error="HTTP 502: bad gateway")
        return healthy.answer(request)

    healthy = scripted("Oslo (location)", "location")
    made = ensemble(FakeModel(shaky, identity="shaky"), healthy)
    annotations = list(made.annotate([f"We saw Oslo in {n} ." for n in range(30)]))
    assert all([e.text for e in a.entities] == ["Oslo"] for a in annotations)
    named = [a for a in annotations if a.failed]
    assert 0 < len(named) < 30
    assert {tuple(a.failed.values()) for a in named} == {("HTTP 502: bad gateway",)}


def test_a_run_without_a_bar_is_not_silent_for_long(
    work: Path, two: dict[str, Callable[[str], str | Reply]], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("el4ner.cli.progress._SILENCE", 0.1)

    def slow(prompt: str) -> str:
        time.sleep(0.2)
        return answer(prompt)

    two["one"] = slow
    done = run("annotate", "texts.txt", *ASK, "--no-store")
    assert "still here: " in done.err
    assert done.err.count("still here") < 6  # ever more rarely
