"""The page of a run in a real browser."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from browser import browser, complaints
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from test_run_page import MEMBERS, NAMES, TEXT, random_annotation

from el4ner.annotation import Annotation
from el4ner.data import Label, Span
from el4ner.view.run_page import run_page

pytestmark = pytest.mark.browser
__all__ = ["browser"]


def _open(browser: Chrome, folder: Path, annotations: list[Annotation], gold: list[list[Span]] | None = None) -> None:
    file = folder / "page.html"
    file.write_text(run_page("a run", annotations, [Label(name) for name in NAMES], MEMBERS, gold), "utf-8")
    browser.get(file.as_uri())


def _marks(browser: Chrome) -> list[list[tuple[str, str]]]:
    """String and type of each mark of each text that is drawn."""
    script = """return [...document.querySelectorAll("article")].map((article) =>
        [...article.querySelector(".text").querySelectorAll("mark:not(.broken)")]
        .map((mark) => [mark.textContent, mark.dataset.label]))"""
    return [[(text, label) for text, label in marks] for marks in browser.execute_script(script)]


def test_sliders_and_boxes_decide_as_python_does(browser: Chrome, tmp_path: Path) -> None:
    random = Random(7)
    annotations = [random_annotation(random, str(n)) for n in range(30)]
    _open(browser, tmp_path, annotations)
    for script, right in (
        ("", annotations),
        (
            "form.threshold.value = .6; form.overlap.value = 'flat'; form.rule.value = 'weighted'",
            [a.decide(threshold=0.6, overlap="flat", rule="weighted") for a in annotations],
        ),
        (
            "form.querySelectorAll('[name=member]')[1].click()",
            [a.without(MEMBERS[1]).decide(threshold=0.6, overlap="flat", rule="weighted") for a in annotations],
        ),
    ):
        browser.execute_script(f"{script}; form.dispatchEvent(new Event('input', {{bubbles: true}}))")
        assert _marks(browser) == [[(e.text, e.label) for e in a.entities] for a in right]
    assert complaints(browser) == []


def test_filters_sort_and_scores(browser: Chrome, tmp_path: Path) -> None:
    random = Random(8)
    annotations = [random_annotation(random, str(n)) for n in range(120)]
    gold = [[Span(e.start, e.end, e.label) for e in a.entities] for a in annotations]
    _open(browser, tmp_path, annotations, gold)
    assert "precision 1.000 · recall 1.000 · F1 1.000 · 120 shown" in browser.find_element(By.ID, "tally").text
    browser.find_element(By.NAME, "wrong").click()
    assert "0 shown" in browser.find_element(By.ID, "tally").text
    browser.find_element(By.NAME, "wrong").click()
    browser.execute_script(
        "form.sort.value = 'uncertainty'; form.sort.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    ids = [one.text for one in browser.find_elements(By.CSS_SELECTOR, "article > .id:first-child")]
    doubts = [annotations[int(one)].doubt for one in ids]
    assert doubts == sorted(doubts, reverse=True)
    assert len(ids) >= 40
    browser.find_element(By.NAME, "search").send_keys("no such words", Keys.ENTER)
    assert "0 shown" in browser.find_element(By.ID, "tally").text


def test_evidence_unfolds_by_keyboard(browser: Chrome, tmp_path: Path) -> None:
    _open(browser, tmp_path, [random_annotation(Random(2), "one", least=3)])
    browser.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    table = WebDriverWait(browser, 10).until(lambda b: b.find_element(By.CSS_SELECTOR, "details table"))
    cells = table.text
    assert "proposed by" in cells
    assert any(member in cells for member in MEMBERS)
    assert TEXT.startswith("Anna 🚀")
