"""A run again from the reply store alone, whatever the engine was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from fakes import POOL, FakeModel, LetterEncoder
from typer.testing import CliRunner

from el4ner import EL4NER, ConfigError, EngineSettings, Model, ModelError, Recipe, Reply, Request, Store
from el4ner.cli.commands import app
from el4ner.evaluate.experiment import Workshop, parameters, plan, weights
from el4ner.evaluate.sets.dataset import Dataset
from el4ner.models.base import Outcome, Usage
from el4ner.models.replay import recorded, replayed
from el4ner.models.store import key
from el4ner.pool.demo import demo_pool, demo_texts
from el4ner.recipes.load import load_recipe

pytestmark = pytest.mark.filterwarnings("ignore:member .* holds fewer demonstrations")

TEXTS = ["Anna Berg met Tom Lind in Oslo .", "Nothing happened .", "Rain fell on Lima and Quito ."]


class ScriptedSettings(EngineSettings):
    """An engine of which the tests see whether it is opened."""

    engine: Literal["scripted"]
    path: str

    def open(self, sharing: int = 1) -> Model:
        OPENED.append(self.path)
        return FakeModel(answer, identity=f"scripted {self.path}", context=CONTEXT)


CONTEXT = 248  # too few words for all demonstrations
OPENED: list[str] = []


def answer(request: Request) -> Reply:
    assert isinstance(request.prompt, str)
    text, _, question = request.prompt.rpartition("Text: ")[2].partition("\n")
    names = [word for word in text.split() if word[0].isupper()]
    typed = question == "Entities:"
    said = "; ".join(f"{name} (location)" if typed else name for name in names) or "none"
    return Reply(f" {said}" if not question.endswith("(") else "location", usage=Usage(3, 0, 1))


def recipe(**model: Any) -> Recipe:
    models = {"m": {"engine": "scripted", "path": "here"} | model}
    members = [{"name": name, "model": "m", "style": "compact", "stripe": [i, 2]} for i, name in enumerate("ab")]
    table = {"name": "test", "members": members, "classify": {"ask": "everyone"}}
    return Recipe.model_validate({**table, "models": {n: ScriptedSettings(**one) for n, one in models.items()}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    OPENED.clear()
    return tmp_path / "replies.sqlite"


def run(
    path: Path, texts: list[str] = TEXTS, replay: bool = False, **model: Any
) -> tuple[list[dict[str, Any]], EL4NER]:
    ner = EL4NER.from_recipe(recipe(**model), POOL, store=path, encoder=LetterEncoder(), replay=replay)
    return [annotation.record() for annotation in ner.annotate(texts)], ner


def test_a_run_is_repeated_without_its_engine(path: Path) -> None:
    with pytest.warns(UserWarning, match="fewer demonstrations"):  # so that counts matter
        first, asked = run(path)
    assert any(row["entities"] for row in first)
    assert sum(cost.calls for cost in asked.costs) > 0
    again, replay = run(path, replay=True)
    assert json.dumps(again) == json.dumps(first)
    assert OPENED == ["here"]
    assert sum(cost.calls for cost in replay.costs) == 0
    assert sum(cost.stored for cost in replay.costs) == sum(cost.calls for cost in asked.costs)
    replay.close()
    replay.close()


def test_what_is_not_kept_is_told(path: Path) -> None:
    run(path)
    with pytest.raises(ModelError, match=r"model m: \d+ lengths of texts are not in .*; a run without --replay asks"):
        run(path, ["Something else ."], replay=True)
    with sqlite3.connect(path) as connection:
        gone = connection.execute("DELETE FROM replies WHERE key IN (SELECT key FROM replies LIMIT 1)").rowcount
    connection.close()
    assert gone == 1
    with pytest.raises(ModelError, match=r"model m: 1 questions are not in .*; a run without --replay asks"):
        run(path, replay=True)
    with pytest.raises(ModelError, match=r"model m: .* holds no replies of it, as it is set here"):
        run(path, replay=True, context=4096)
    with pytest.raises(ModelError, match="holds no replies of it"):
        run(path.with_name("new.sqlite"), replay=True)
    with pytest.raises(ConfigError, match="no reply store"):
        EL4NER.from_recipe(recipe(), POOL, replay=True)
    assert OPENED == ["here"]


def test_a_store_of_before_is_replayed_once_a_run_has_passed_over_it(path: Path) -> None:
    """Replies may be older than what is kept beside them."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE replies (key BLOB PRIMARY KEY, model TEXT NOT NULL, reply TEXT NOT NULL, prompt INTEGER NOT"
            " NULL, generated INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID"
        )
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    settings, request = recipe().used, Request("Rome", 3)
    store = Store.open(path)
    store.put("scripted here", [(key("scripted here", request), Reply("kept"))])
    with pytest.raises(ModelError, match="holds no replies of it"):
        replayed(settings, store)
    recorded({"m": settings["m"].open()}, settings, store)["m"].count(["a b", "c"])
    model = replayed(settings, store)["m"]
    assert model.generate([request, request]) == [Reply("kept")] * 2
    assert (model.count(["c", "a b", "c"]), model.context) == ([1, 2, 1], CONTEXT)
    store.close()


def test_what_a_server_said_while_it_was_down_does_not_count(path: Path) -> None:
    settings, store = recipe().used, Store.open(path)
    server = FakeModel(answer, identity="server with weights")
    model = recorded({"m": server}, settings, store)["m"]
    model.count(["a b"])
    store.put(model.identity, [(key(model.identity, Request("Rome", 3)), Reply("kept"))])
    server.identity, server.context = "server", 4096
    model.count(["a b"])
    store.put(model.identity, [(b"k", Reply("", Outcome.FAILED))])
    again = replayed(settings, store)["m"]
    assert (again.identity, again.context) == ("server with weights", 100_000)
    store.close()


def test_what_is_forgotten_is_forgotten_whole(path: Path) -> None:
    settings, store = recipe().used, Store.open(path)
    model = recorded({"m": FakeModel(answer)}, settings, store)["m"]
    model.count(["a b"])
    store.put(model.identity, [(b"k", Reply("x"))])
    assert replayed(settings, store)["m"].count(["a b"]) == [2]
    assert store.prune(0) == 1
    assert store.get_counts(model.identity, ["a b"]) == {}
    with pytest.raises(ModelError, match="holds no replies of it"):
        replayed(settings, store)
    store.close()


def test_the_shipped_recipe_is_replayed_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(models: Mapping[str, EngineSettings]) -> dict[str, Model]:
        return {name: FakeModel(answer, identity=name) for name in models}

    def refused(*_: object) -> Any:
        raise AssertionError("a model, or its file, was wanted")

    monkeypatch.chdir(tmp_path)
    Path("pool.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "text": e.text,
                    "entities": [{"start": s.start, "end": s.end, "label": s.label} for s in e.entities],
                }
            )
            + "\n"
            for e in demo_pool().examples
        )
    )
    Path("texts.txt").write_text("".join(f"{document.text}\n" for document in demo_texts()[:3]))
    said = ["annotate", "texts.txt", "-p", "pool.jsonl", "-r", "bare", "--store", "kept.sqlite"]
    monkeypatch.setattr("el4ner.pipeline.open_models", opened)
    first = CliRunner().invoke(app, [*said, "-o", "first.jsonl"])
    assert first.exit_code == 0, first.output
    monkeypatch.setattr("el4ner.pipeline.open_models", refused)
    monkeypatch.setattr("el4ner.models.locate.find_spec", lambda name: None)  # the models' package is not there
    again = CliRunner().invoke(app, [*said, "-o", "again.jsonl", "--replay"])
    assert again.exit_code == 0, again.output
    assert Path("again.jsonl").read_bytes() == Path("first.jsonl").read_bytes() != b""
    assert CliRunner().invoke(app, [*said[:-2], "--no-store", "--replay"]).exit_code == 2
    explained = CliRunner().invoke(
        app, ["explain", demo_texts()[0].text, "-p", "pool.jsonl", "-r", "bare", "--store", "kept.sqlite", "--replay"]
    )
    assert explained.exit_code == 0, explained.output


def test_a_scored_run_is_repeated_without_its_engine(path: Path) -> None:
    data = Dataset("small", POOL.labels, {"train": POOL.examples, "test": POOL.examples[:3]}, "here")
    planned = plan(recipe(), data, keep_leaks=True)
    store = Store.open(path)
    first, again = (Workshop(store, replay).run(planned) for replay in (False, True))
    assert again.texts == first.texts
    assert sum(cost.calls for cost in again.costs) == 0
    assert OPENED == ["here"]
    store.close()


def test_a_run_can_be_planned_where_the_models_files_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = load_recipe("bare")
    assert weights(bare)
    assert parameters(bare)
    monkeypatch.setattr("el4ner.models.locate.find_spec", lambda name: None)
    assert weights(bare) == ""
    assert parameters(bare) is None
