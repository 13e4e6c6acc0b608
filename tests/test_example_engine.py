"""An engine that another package brings along: examples/own_engine.py, run as it stands and by its entry point."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from el4ner import EL4NER, ConfigError, load_recipe
from el4ner.ensemble.doctor import PLAIN, examine
from el4ner.evaluate.experiment import parameters, weights
from el4ner.pool.demo import demo_pool

EXAMPLES = Path(__file__).parents[1] / "examples"
ALL_STAGES = """
name = "looked-up"
[models.list]
engine = "gazetteer"
words = {Vigo = "location", Estevez = "person"}
[[members]]
name = "one"
model = "list"
style = "compact"
[classify]
ask = "everyone"
[verify]
members = ["one"]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with the example's engine, and three that are broken."""
    info = tmp_path / "gazetteer-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gazetteer\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[el4ner.engines]\ngazetteer = own_engine:GazetteerSettings\nodd = pathlib:Path\ngone = no_such_package:X\n"
        "half = half_engine:Half\n"
    )
    (tmp_path / "half_engine.py").write_text("from el4ner import EngineSettings\nclass Half(EngineSettings): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)
    return tmp_path


def recipe_file(folder: Path, *changes: tuple[str, str]) -> str:
    text = ALL_STAGES
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "mine.toml").write_text(text, "utf-8")
    return str(folder / "mine.toml")


def complaint(file: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_recipe(file)
    return str(caught.value).removeprefix(f"recipe {file}: ")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "own_engine.py"), run_name="__main__")
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Brenner Pass: location")
    assert any(line.startswith("Bruno Estevez: person") for line in said)


def test_a_recipe_asks_it_in_all_stages(installed: Path) -> None:
    ner = EL4NER.from_recipe(recipe_file(installed), demo_pool())
    annotation = ner("Vigo elected Ms Estevez.")
    assert [(e.text, e.label) for e in annotation.entities] == [("Vigo", "location"), ("Estevez", "person")]
    assert {cost.stage for cost in ner.costs} == {"retrieve", "extract", "classify", "verify"}
    assert not any(cost.failed for cost in ner.costs)


def test_it_is_examined_and_weighed_like_any_other(installed: Path) -> None:
    recipe = load_recipe(recipe_file(installed))
    [(diagnosis, _)] = examine(recipe)
    assert diagnosis.holds(PLAIN)
    assert diagnosis.identity.startswith("gazetteer 1")
    assert weights(recipe) == ""
    assert parameters(recipe) is None
    assert type(recipe).model_validate(recipe.model_dump(mode="json")) == recipe


def test_its_table_is_checked_by_its_own_class(installed: Path) -> None:
    unknown = recipe_file(installed, ("words =", "wrods ="))
    assert complaint(unknown) in ("models.list.words: it is missing; add it", "unknown key 'models.list.wrods'")
    extra = recipe_file(installed, ("[[members]]", "contxt = 3\n[[members]]"))
    assert complaint(extra) == "unknown key 'models.list.contxt'; did you mean 'context'?"
    empty = recipe_file(installed, ('{Vigo = "location", Estevez = "person"}', "{}"))
    assert complaint(empty).startswith("models.list.words: ")


def test_an_engine_that_is_not_there_names_those_that_are(installed: Path) -> None:
    said = complaint(recipe_file(installed, ('"gazetteer"', '"gazeteer"')))
    assert said.startswith("models.list: engine 'gazeteer' is not known; name one of gazetteer, openai, openvino")
    assert "did you mean 'gazetteer'?" in said
    assert "'gone' is installed and cannot be loaded (ModuleNotFoundError: No module named 'no_such_package')" in said
    assert "pathlib:Path is no subclass of el4ner.EngineSettings" in said
    assert "half_engine:Half has no method `open`" in said
    assert "\n" not in said


def test_a_package_that_is_broken_harms_nobody_else(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_recipe("nano").used
    assert load_recipe(recipe_file(installed)).used
