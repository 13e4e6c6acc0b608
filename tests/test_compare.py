"""Comparisons: what is run, kept, read again; who is held to whom; and the table as people and programs read it."""

from __future__ import annotations

import csv
import json
import runpy
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from fakes import LABELS, POOL, FakeModel, LetterEncoder
from fakes import recipe as recipe_of
from hypothesis import given
from hypothesis import strategies as st

from el4ner import cli
from el4ner.data import Example, Span
from el4ner.errors import ConfigError, ContextError, DataError
from el4ner.evaluate.compare import Trial, outcomes, run_folder, safe, trials
from el4ner.evaluate.experiment import Workshop
from el4ner.evaluate.holm import holm
from el4ner.evaluate.run import load
from el4ner.evaluate.sets.dataset import Dataset
from el4ner.evaluate.table import Failed, Outcome, Table, tabulate
from el4ner.evaluate.table_formats import escaped, to_csv, to_json, to_markdown
from el4ner.models.base import Reply, Request
from el4ner.recipes.settings import Recipe

SCRIPT = Path(__file__).parents[1] / "scripts" / "results.py"
TEXTS = tuple(Example(f"t{n}", f"Anna{n} saw Oslo{n} .", (Span(0, 4 + len(str(n)), "person"),)) for n in range(12))
DATA = Dataset("made up", LABELS, {"train": POOL.examples, "test": TEXTS}, "nowhere")
OTHER = Dataset("other", LABELS, {"train": POOL.examples, "test": TEXTS[:9]}, "nowhere")


def good(request: Request) -> Reply | str:
    """Finds every Anna."""
    return f"{_shown(request).split()[0]} (person)"


def bad(request: Request) -> Reply | str:
    """Takes every Oslo for a person."""
    return f"{_shown(request).split()[2]} (person)"


def broken(_: Request) -> Reply | str:
    raise ContextError("member a: does not fit; lower passage_bytes")


def _shown(request: Request) -> str:
    assert isinstance(request.prompt, str)
    return request.prompt.rsplit("Text: ", 1)[1].split("\n")[0]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeModel]:
    """What recipes' models are, by name; `open_model` and the encoder are replaced."""
    answers = {"good": good, "bad": bad, "broken": broken}
    known = {name: FakeModel(answer, identity=name) for name, answer in answers.items()}
    monkeypatch.setattr("el4ner.evaluate.experiment.open_model", lambda recipe, name: known[name])
    monkeypatch.setattr("el4ner.pipeline.default_encoder", LetterEncoder)
    return known


def recipe(name: str, model: str = "") -> Recipe:
    made = recipe_of([model or name], {"style": "compact"}, classify={"ask": "nobody"})
    table = made.model_dump()
    path = {"engine": "openvino", "path": model or name}  # a model is shared by what it is
    return Recipe.model_validate({**table, "name": name, "models": {model or name: path}})


def made(planned: Sequence[Trial]) -> list[Outcome]:
    return [outcome for _, outcome in outcomes(planned, Workshop())]


def table_of(
    *names: str, data: Sequence[Dataset] = (DATA,), folder: Path | None = None, limit: int | None = None
) -> Table:
    return tabulate(made(trials([recipe(n) for n in names], data, "test", limit, [0], folder)))


def test_every_recipe_meets_every_data_set(models: dict[str, FakeModel]) -> None:
    table = table_of("good", "bad", data=(DATA, OTHER))
    assert (table.recipes, table.data) == (("good", "bad"), ("made up", "other"))
    f1 = {place: cell.strict.f1 for place, cell in table.cells.items()}
    assert f1 == {("good", "made up"): 1, ("good", "other"): 1, ("bad", "made up"): 0, ("bad", "other"): 0}
    assert {recipe: mean.f1 for recipe, mean in table.means.items()} == {"good": 1, "bad": 0}


def test_what_is_kept_is_not_run_again(models: dict[str, FakeModel], tmp_path: Path) -> None:
    first = table_of("good", "bad", folder=tmp_path)
    calls = models["good"].calls, models["bad"].calls
    again = table_of("good", "bad", folder=tmp_path)
    assert (models["good"].calls, models["bad"].calls) == calls
    assert again.cells == first.cells
    assert load(tmp_path / "good" / f"{safe('made up')}-0").setup.recipe.name == "good"


def test_another_setup_is_another_run(models: dict[str, FakeModel], tmp_path: Path) -> None:
    table_of("good", folder=tmp_path)
    calls = models["good"].calls
    assert table_of("good", folder=tmp_path, limit=3).cells["good", "made up"].texts == 3
    assert models["good"].calls == calls + 3


def test_other_weights_under_the_same_path_are_another_run(models: dict[str, FakeModel], tmp_path: Path) -> None:
    file = tmp_path / "expert.safetensors"
    base = recipe("good")
    model = {"engine": "openvino", "path": "good", "adapter": str(file)}
    taught = Recipe.model_validate({**base.model_dump(), "models": {"good": model}})
    seen = []
    for content in (b"one", b"one", b"another"):
        file.write_bytes(content)
        calls = models["good"].calls
        made(trials([recipe("bad"), taught], [DATA], "test", None, [0], tmp_path))
        seen.append(models["good"].calls > calls)
    assert seen == [True, False, True]


def test_a_damaged_run_is_made_again(models: dict[str, FakeModel], tmp_path: Path) -> None:
    table_of("good", folder=tmp_path)
    calls = models["good"].calls
    (run_folder(tmp_path, "good", "made up", 0) / "texts.jsonl").write_text("{")
    assert table_of("good", folder=tmp_path).cells["good", "made up"].strict.f1 == 1
    assert models["good"].calls == 2 * calls


def test_a_run_that_fails_leaves_the_others_alone(models: dict[str, FakeModel], tmp_path: Path) -> None:
    table = table_of("good", "broken", "bad", data=(DATA, OTHER), folder=tmp_path)
    assert set(table.failed) == {("broken", "made up"), ("broken", "other")}
    assert "lower passage_bytes" in table.failed["broken", "other"]
    assert set(table.cells) == {(r, d) for r in ("good", "bad") for d in ("made up", "other")}
    assert "broken" not in table.means
    assert not (tmp_path / "broken").exists()
    said = to_markdown(table)
    assert "Failed: broken on other: member a: does not fit; lower passage_bytes" in said


def test_where_the_first_recipe_failed_nothing_is_compared(models: dict[str, FakeModel]) -> None:
    table = table_of("broken", "good", "bad")
    assert table.cells["bad", "made up"].comparison is None
    assert table.compared == []


def test_a_failed_seed_fails_its_cell(models: dict[str, FakeModel]) -> None:
    fine = made(trials([recipe("good")], [DATA], "test", 3, [0, 1], None))
    failed = Failed(fine[1].setup, "time-out")
    table = tabulate([fine[0], failed])
    assert (table.cells, table.failed) == ({}, {("good", "made up"): "time-out"})


def test_what_differs_from_the_first_recipe_says_which_way(models: dict[str, FakeModel]) -> None:
    down = table_of("good", "bad").cells["bad", "made up"]
    up = table_of("bad", "good").cells["good", "made up"]
    assert down.comparison is not None
    assert up.comparison is not None
    assert (down.comparison.difference, up.comparison.difference) == (-1, 1)
    assert down.comparison.p == up.comparison.p == 1 / 10_000
    assert "1.000 [1.000, 1.000] ▲" in to_markdown(table_of("bad", "good"))
    assert "0.000 [0.000, 0.000] ▼" in to_markdown(table_of("good", "bad"))


def test_a_recipe_under_another_name_does_not_differ(models: dict[str, FakeModel]) -> None:
    table = tabulate(made(trials([recipe("good"), recipe("same", "good")], [DATA], "test", None, [0], None)))
    compared = table.cells["same", "made up"].comparison
    assert compared is not None
    assert (compared.p, table.cells["same", "made up"].corrected) == (1, 1)
    assert not set("▲▼") & set(to_markdown(table).split("\n\n")[0])


def test_all_comparisons_of_a_table_are_corrected_together(models: dict[str, FakeModel]) -> None:
    table = table_of("good", "bad", data=(DATA, OTHER))
    assert len(table.compared) == 3  # two cells and the mean
    raw = {p.p for p in table.compared}
    assert raw == {1 / 10_000}
    assert table.cells["bad", "other"].corrected == pytest.approx(3 / 10_000)
    assert table.means["bad"].corrected == pytest.approx(3 / 10_000)


def test_a_cell_does_not_depend_on_its_neighbours(models: dict[str, FakeModel]) -> None:
    mixed = FakeModel(lambda request: good(request) if "7" in _shown(request) or "1" in _shown(request) else "none")
    models["mixed"] = mixed
    alone = table_of("mixed").cells["mixed", "made up"]
    among = table_of("bad", "mixed", data=(OTHER, DATA)).cells["mixed", "made up"]
    assert (alone.interval, alone.strict) == (among.interval, among.strict)
    assert 0 < alone.interval.low < alone.strict.f1 < alone.interval.high < 1


def test_a_text_that_several_seeds_drew_is_one_draw_of_the_bootstrap(models: dict[str, FakeModel]) -> None:
    models["mixed"] = FakeModel(lambda r: good(r) if int(_shown(r).split()[0][4:]) % 2 else bad(r))
    once = table_of("mixed", limit=12).cells["mixed", "made up"]
    planned = trials([recipe("mixed")], [DATA], "test", 12, [0, 1, 2], None)
    thrice = tabulate(made(planned)).cells["mixed", "made up"]
    assert thrice.texts == 36
    assert thrice.strict.f1 == once.strict.f1
    width, narrow = (c.interval.high - c.interval.low for c in (once, thrice))
    assert narrow == pytest.approx(width, abs=0.02)  # not narrower by the root of three


def test_runs_on_other_texts_cannot_be_compared(models: dict[str, FakeModel]) -> None:
    some = made(trials([recipe("good")], [DATA], "test", 5, [0], None))
    others = made(trials([recipe("bad")], [DATA], "test", 5, [1], None))
    with pytest.raises(DataError, match=r"not run on the same texts of made up .*seed 1 against .*seed 0.*--seeds"):
        tabulate([*some, *others])


def test_seeds_of_different_settings_are_not_pooled(models: dict[str, FakeModel]) -> None:
    one = made(trials([recipe("good")], [DATA], "test", 5, [0], None))
    other = made(trials([recipe("good", "bad")], [DATA], "test", 5, [1], None))
    with pytest.raises(DataError, match="different settings"):
        tabulate([*one, *other])


def test_seeds_without_a_limit_would_change_nothing(models: dict[str, FakeModel]) -> None:
    with pytest.raises(ConfigError, match="--limit"):
        trials([recipe("good")], [DATA], "test", None, [0, 1], None)


@pytest.mark.parametrize("twice", ["recipes", "data sets"])
def test_names_are_unique(models: dict[str, FakeModel], twice: str) -> None:
    recipes, data = [recipe("good")], [DATA]
    if twice == "recipes":
        recipes.append(recipe("good", "bad"))
    else:
        data.append(DATA)
    with pytest.raises(ConfigError, match=f"two {twice}"):
        trials(recipes, data, "test", None, [0], None)


def test_models_are_opened_once(models: dict[str, FakeModel], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_model(recipe: Recipe, name: str) -> FakeModel:
        opened.append(name)
        return models[name]

    monkeypatch.setattr("el4ner.evaluate.experiment.open_model", open_model)
    table_of("good", "bad", data=(DATA, OTHER))
    assert sorted(opened) == ["bad", "good"]


# File names and layouts


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=80), min_size=1, max_size=8, unique=True))
def test_any_name_is_a_file_name_of_its_own(names: list[str]) -> None:
    given = [*names, "nano", "Nano", "a/b", "a:b", "..", "con", "nul", ""]
    files = [safe(name) for name in dict.fromkeys(given)]
    assert len({file.casefold() for file in files}) == len(files)
    for file in files:
        assert file.isascii()
        assert file.replace("-", "").replace("_", "").isalnum()
        assert len(file) < 80
        assert file not in ("con", "nul")
    assert safe("crossner_ai") == "crossner_ai"


NASTY = 'a|b\n*x* <b> `c` [d](http://e) "f", =1+1'


def nasty(models: dict[str, FakeModel]) -> Table:
    data = Dataset("=cmd|' /C calc'!A0", LABELS, DATA.splits, "nowhere")
    broken = recipe("-2+3", "broken")
    return tabulate(made(trials([recipe(NASTY, "good"), broken], [data], "test", None, [0], None)))


def test_names_are_no_markup_in_markdown(models: dict[str, FakeModel]) -> None:
    lines = to_markdown(nasty(models)).splitlines()
    assert len(lines[0].replace("\\|", "").split("|")) == len(lines[2].replace("\\|", "").split("|")) == 4
    assert "a\\|b␤\\*x\\* \\<b\\> \\`c\\` \\[d\\](http://e)" in lines[2]
    assert escaped("crossner_ai _x_") == "crossner_ai \\_x\\_"


def test_no_field_of_the_csv_is_a_formula(models: dict[str, FakeModel]) -> None:
    rows = list(csv.DictReader(StringIO(to_csv(nasty(models)))))
    assert [(row["state"], row["recipe"][:2]) for row in rows] == [("run", "a|"), ("failed", "'-")]
    assert {row["data"][:2] for row in rows} == {"'="}
    assert "passage_bytes" in rows[1]["reason"]
    assert (float(rows[0]["f1"]), int(rows[0]["texts"]), rows[0]["spans_right"]) == (1, 12, "12")


def test_json_holds_everything_as_it_is(models: dict[str, FakeModel]) -> None:
    told = json.loads(to_json(nasty(models)))
    assert told["recipes"] == [NASTY, "-2+3"]
    assert told["cells"][0]["strict"]["f1"] == 1
    assert told["failed"][0]["recipe"] == "-2+3"
    assert told["runs"][0]["report"]["scores"]["labels"]["person"]["right"] == 12
    assert told["runs"][0]["setup"]["recipe"]["name"] == NASTY
    both = json.loads(to_json(table_of("good", "bad")))["cells"][1]
    assert both["comparison"]["p"] == both["corrected"] == 1 / 10_000


def test_an_empty_table_is_a_table() -> None:
    empty = tabulate([])
    assert to_csv(empty).count("\n") == 1
    assert json.loads(to_json(empty))["cells"] == []
    assert to_markdown(empty).startswith("| strict F1 |")


# The commands, and the page that is written from what they keep

RECIPE = """
name = "{name}"
[models.{name}]
engine = "openvino"
path = "{name}"
[[members]]
name = "m"
model = "{name}"
style = "compact"
[retrieve]
spans = "words"
[classify]
ask = "nobody"
"""


@pytest.fixture
def command(
    models: dict[str, FakeModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EL4NER_STORE", str(tmp_path / "replies.sqlite"))
    monkeypatch.setattr("el4ner.evaluate.sets.dataset.open_dataset", lambda path: DATA)
    for name in ("good", "bad", "broken"):
        Path(f"{name}.toml").write_text(RECIPE.format(name=name))

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["el4ner", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_compare_prints_the_table_and_fails_where_a_run_failed(command: Callable[..., tuple[int, str, str]]) -> None:
    ask = ("compare", "-d", "x", "-o", "runs", "--limit", "5", "--seeds", "0,1", "--seeds", "2")
    code, out, _ = command(*ask, "-r", "good.toml", "-r", "bad.toml")
    assert code == 0
    assert out.startswith("| strict F1 |")
    code, out, err = command(*ask, "-r", "good.toml", "-r", "broken.toml", "-f", "json")
    assert code == 1
    assert json.loads(out)["failed"][0]["recipe"] == "broken"
    assert json.loads(out)["cells"][0]["seeds"] == [0, 1, 2]
    assert "3 of 6 runs failed" in err


@pytest.mark.parametrize("words", [("--seeds", "one"), ("--seeds", "-1"), ("--seeds", "0,"), ("--format", "pdf")])
def test_what_cannot_be_meant_is_wrong_usage(command: Callable[..., tuple[int, str, str]], words: tuple[str]) -> None:
    assert command("compare", "-r", "good.toml", "-d", "x", *words)[0] == 2


def test_ablate_takes_groups(command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = command("ablate", "-r", "good.toml", "-d", "x", "--only", "threshold", "-f", "csv")
    names = [row["recipe"] for row in csv.DictReader(StringIO(out))]
    assert code == 0
    assert names == ["good", *(f"good: threshold 0.{n}" for n in range(1, 7))]
    assert command("ablate", "-r", "good.toml", "-d", "x", "--only", "nothing")[0] == 2


def test_the_page_of_results_keeps_findings_and_tells_what_was_not_run(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("compare", "-r", "good.toml", "-r", "bad.toml", "-d", "x", "-o", "runs/compare")
    command("ablate", "-r", "good.toml", "-d", "x", "--only", "verifier", "-o", "runs/ablate")
    script = runpy.run_path(str(SCRIPT))
    monkeypatch.setattr("sys.argv", ["results.py", "runs", "-o", "results.md", "--ablated", "good.toml"])
    script["main"]()
    page = Path("results.md").read_text()
    assert "| el4ner " in page
    assert "el4ner compare -r bad.toml -r good.toml -d 'made up' --split test --seeds 0 -o runs/compare" in page
    assert "--only verifier" in page
    assert "| good: k = 1 " not in page
    assert "k = 1," in page.split("\nNot run: ")[1].splitlines()[0]
    assert "1.000" in page.split("| good: verifier m ")[1].splitlines()[0]
    Path("results.md").write_text(page.replace(script["OPEN"], f"{script['OPEN']}\nOne thing was found."))
    script["main"]()
    again = Path("results.md").read_text()
    assert "One thing was found." in again
    assert again.replace("One thing was found.", "") == page


# Holm


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_is_no_smaller_than_raw_no_larger_than_bonferroni_and_keeps_the_order(values: list[float]) -> None:
    corrected = holm(values)
    for raw, one in zip(values, corrected, strict=True):
        assert raw <= one <= min(1, raw * len(values)) + 1e-12
    ranked = [corrected[i] for i in np.argsort(values, kind="stable")]
    assert ranked == sorted(ranked)
