"""Plots: what they show, the same bytes every time, and names that could break them."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import LABELS, POOL, recipe
from test_cli import Run as Call
from test_cli import run as run_command
from test_evaluate import judged

from el4ner.ensemble.costs import Cost
from el4ner.errors import DataError, MissingExtraError
from el4ner.evaluate.bootstrap import Interval, interval
from el4ner.evaluate.calibration import Bin, Calibration
from el4ner.evaluate.mistakes.confusion import Confusion
from el4ner.evaluate.plot_points import Point, names, points, read_runs, texts_by_recipe
from el4ner.evaluate.plots import plot_confusion, plot_cost, plot_k, plot_reliability
from el4ner.evaluate.run import Run, Setup, save
from el4ner.evaluate.score import counts, score, total
from el4ner.recipes.load import parse_recipe
from el4ner.recipes.settings import Recipe

run = run_command  # the fixture
HOSTILE = ("_under", "$x^2$", "a$b", "<script>&\"'", "--> ]]>", "\ud83d\x00\x1b[31m\ufffe\uffff", "two\nlines")


def asked(name: str = "nano", k: int = 2, window: int = 32) -> Recipe:
    return recipe(["a", "b"], {"demonstrations": k}, name=name, window=window)


def made(how: Recipe, data: str = "made up", seed: int = 0, **more: Any) -> Run:
    setup = Setup(how, data, "dev", None, seed, "0", POOL.digest, 0, "1")
    costs = (Cost("extract", "a", 3, prompt=600, generated=30, stored_prompt=270),)
    return replace(Run(setup, LABELS, tuple(judged()), costs, 1.0, 1_000), **more)


def point(name: str = "nano", **more: Any) -> Point:
    return replace(Point(name, name, "made up", 0.5, Interval(0.4, 0.6), 900.0, 135_000_000, 8), **more)


def words(file: Path) -> str:
    """All that an SVG says, in elements and attributes. Fails if it is not well-formed."""
    tree = ET.parse(file)
    assert not [e for e in tree.iter() if e.tag.endswith(("script", "image")) and "href" in str(e.attrib)]
    return "\n".join(element.text or "" for element in tree.iter())


def test_a_point_holds_score_interval_and_cost() -> None:
    one = made(asked())
    [told] = points([one])
    assert (told.recipe, told.data, told.k, told.parameters) == ("nano", "made up, dev", 2, 1_000)
    assert told.f1 == score(one.judged()).strict.f1
    assert told.interval == interval(counts(one.judged()))
    assert told.tokens == (600 + 30 + 270) / 3


def test_seeds_are_pooled_and_texts_that_several_drew_make_nothing_surer() -> None:
    one = made(asked())
    empty = made(asked(), seed=1, texts=tuple(replace(text, gold=()) for text in one.texts))
    [once], [twice] = points([one]), points([one, one])
    assert twice == once
    [both] = points([one, empty])
    assert both.f1 == total(counts(one.judged()) + counts(empty.judged())).f1
    part = made(asked(), seed=2, texts=one.texts[:2])
    assert points([one, part])[0].interval.low == 0.0  # still three texts, not five
    assert len(points([one, made(asked(), data="else"), made(asked("other"))])) == 3


def test_recipes_of_one_name_are_told_apart() -> None:
    assert names([asked(), asked(k=4), asked(), asked("other")]) == ["nano", "nano (2)", "nano", "other"]


def test_recipes_that_differ_in_k_alone_are_one_family() -> None:
    told = points([made(asked("nano-2", 2)), made(asked("nano-8", 8)), made(asked("nano-w", 8, window=1))])
    assert [(p.family, p.k) for p in told] == [("nano", 2), ("nano", 8), ("nano-w", 8)]


def test_texts_of_a_recipe_are_put_together() -> None:
    told = texts_by_recipe([made(asked()), made(asked(), data="else"), made(asked("other"))])
    assert {name: len(texts) for name, (texts, _) in told.items()} == {"nano": 6, "other": 3}
    assert told["nano"][1] == tuple(label.name for label in LABELS)


def test_runs_are_found_below_a_folder_each_once(tmp_path: Path) -> None:
    for place in ("r/a-0", "r/a-1", "r/deep/b-0"):
        save(made(asked(place)), tmp_path / place, {})
    found = [run.setup.recipe.name for run in read_runs([tmp_path, tmp_path / "r" / "a-1"])]
    assert found == ["r/a-0", "r/a-1", "r/deep/b-0"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no run there"):
        read_runs([tmp_path / "empty"])


CALIBRATION = Calibration((Bin(0.1, 0.2, 14, 0.15, 0.5), Bin(0.9, 1.0, 1234, 0.97, 0.75)), 0.2225)
CONFUSION = np.array([[5, 2, 1], [0, 7, 0], [3, 0, 0]])


def draw(kind: str, file: Path, *names: str) -> None:
    if kind == "cost":
        plot_cost([point(name, data=names[0], tokens=900.0 + n) for n, name in enumerate(names)], file)
    elif kind == "k":
        plot_k([point(name, data=names[0], k=k) for name in names for k in (2, 8)], file)
    elif kind == "reliability":
        plot_reliability({**dict.fromkeys(names, CALIBRATION), "empty": Calibration((), 0.0)}, file)
    else:
        counts = np.pad(CONFUSION, (0, len(names) - 1))
        plot_confusion({names[0]: Confusion((*names, "place"), counts)}, file)


KINDS = ("cost", "k", "reliability", "confusion")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_runs_give_the_same_bytes(kind: str, tmp_path: Path) -> None:
    for suffix in ("svg", "png"):
        one, other = tmp_path / f"1.{suffix}", tmp_path / f"2.{suffix}"
        draw(kind, one, "nano")
        draw(kind, other, "nano")
        assert one.read_bytes() == other.read_bytes()
    assert b"<dc:date>" not in (tmp_path / "1.svg").read_bytes()
    assert (tmp_path / "1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_drawn_as_they_stand(kind: str, tmp_path: Path) -> None:
    draw(kind, tmp_path / "p.svg", *HOSTILE)
    said = words(tmp_path / "p.svg")
    for name in HOSTILE:
        assert name in said or not name.isprintable()
    assert not set(said) & set("\x00\x1b\ufffe\uffff")


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_that_no_font_draws_do_not_stop_a_png(tmp_path: Path) -> None:
    draw("k", tmp_path / "n.png", "".join(HOSTILE), "\u65e5\u672c")
    assert (tmp_path / "n.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("cost", ["F1 against cost", "900", "micro-F1, 95 % interval", "nano on nano: F1 0.500 [0.400"]),
        ("k", ["demonstrations (k)", "8"]),
        ("reliability", ["ECE 0.223, 1,248 entities", "1,234", "14", "expected calibration error 0.22"]),
        ("confusion", ["(missed)", "(spurious)", "person taken for place 2", "7"]),
    ],
)
def test_an_svg_says_in_text_what_it_shows(kind: str, expected: list[str], tmp_path: Path) -> None:
    draw(kind, tmp_path / "p.svg", "person" if kind == "confusion" else "nano")
    said = words(tmp_path / "p.svg")
    for one in expected:
        assert one in said


def test_parameters_are_left_out_where_nobody_knows_them(tmp_path: Path) -> None:
    plot_cost([point(parameters=None)], tmp_path / "p.svg")
    assert "parameters" not in words(tmp_path / "p.svg")
    plot_cost([point(parameters=None), point("b")], tmp_path / "q.svg")
    assert "parameters of the members' models" in words(tmp_path / "q.svg")


def test_a_run_that_asked_nothing_can_be_drawn(tmp_path: Path) -> None:
    plot_cost([point(tokens=0.0)], tmp_path / "p.svg")
    words(tmp_path / "p.svg")


def test_a_recipe_without_members_can_be_drawn(tmp_path: Path) -> None:
    alone = parse_recipe({"name": "tagger", "models": {}, "members": [], "crf": {"votes": True}}, "tagger")
    (found,) = points([made(alone)])
    assert found.k == 0
    plot_cost([found], tmp_path / "a.svg")


def test_settings_of_the_user_change_nothing(tmp_path: Path) -> None:
    import matplotlib

    plot_k([point()], tmp_path / "1.svg")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        plot_k([point()], tmp_path / "2.svg")
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
    assert "matplotlib.pyplot" not in sys.modules  # no display, no state


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'el4ner\[plots\]'"):
        plot_k([point()], tmp_path / "p.svg")


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_draws_all_runs_of_a_folder(kind: str, tmp_path: Path, run: Call) -> None:
    for name, k in (("one", 2), ("two", 4)):
        save(made(asked(name, k)), tmp_path / "all" / name, {})
    done = run("plot", kind, str(tmp_path / "all"), "-o", str(tmp_path / "p.svg"))
    assert (done.code, done.out) == (0, "")
    assert "one" in words(tmp_path / "p.svg")


def test_the_command_says_what_is_wrong(tmp_path: Path, run: Call) -> None:
    save(made(asked()), tmp_path / "r", {})
    for output, said in (("p.jpg", ".png or .svg"), ("nowhere/p.svg", "cannot be written")):
        done = run("plot", "k", str(tmp_path / "r"), "-o", str(tmp_path / output))
        assert done.code == 1
        assert said in done.err
        assert len(done.err.splitlines()) == 1
    assert "no run there" in run("plot", "k", str(tmp_path / "x"), "-o", str(tmp_path / "p.svg")).err
