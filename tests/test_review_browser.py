"""The review page in a real browser, by keyboard alone, on a server of its own."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from browser import browser, complaints
from fakes import FakeModel, failing, scripted
from reviewing import TEXTS, knowing, reading, review_of, until
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from el4ner.review.app import assets, review_app
from el4ner.review.reader import Reader
from el4ner.review.review import Review
from el4ner.web.guard import Guard
from el4ner.web.server import listen

pytestmark = pytest.mark.browser
__all__ = ["browser"]


@contextmanager
def served(review: Review, *models: FakeModel, port: int = 0) -> Iterator[tuple[str, Reader]]:
    """The page's address, while it is served, and who reads for it."""
    reader = reading(review, *models)
    with listen("127.0.0.1", port) as bound:
        app = review_app(review, reader, Guard.at("127.0.0.1", None))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        reader.start()
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/", reader
        finally:
            server.should_exit = True
            thread.join(10)
            reader.close()


def press(browser: Chrome, *keys: str) -> None:
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def with_shift(browser: Chrome, key: str, times: int = 1, modifier: str = Keys.SHIFT) -> None:
    for _ in range(times):
        ActionChains(browser).key_down(modifier).send_keys(key).key_up(modifier).perform()


def marks(browser: Chrome) -> list[tuple[str, str]]:
    script = """return [...document.querySelectorAll("#text mark:not(.broken):not(.range)")]
        .map((mark) => [mark.textContent, mark.dataset.label])"""
    return [(text, label) for text, label in browser.execute_script(script)]


def line(browser: Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('#text .text')?.textContent ?? ''"))


def about(browser: Chrome) -> str:
    return browser.find_element(By.ID, "about").text


def lines_of(pool: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in pool.read_text("utf-8").splitlines()] if pool.exists() else []


def shows(browser: Chrome, text: str, found: Sequence[tuple[str, str]] | None = None) -> None:
    until(lambda: line(browser) == text and (found is None or marks(browser) == list(found)))


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return tmp_path / "pool.jsonl"


def test_texts_are_accepted_rejected_skipped_and_taken_back_by_key(browser: Chrome, pool: Path) -> None:
    review = review_of(pool)
    with served(review) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])
        press(browser, "a")
        shows(browser, TEXTS[1])
        until(lambda: len(lines_of(pool)) == 1)
        press(browser, "x")
        shows(browser, TEXTS[2])
        press(browser, Keys.SPACE)
        shows(browser, TEXTS[3])
        until(lambda: len(review.history.judgements) == 3)
        press(browser, Keys.BACKSPACE)
        shows(browser, TEXTS[2])
        press(browser, Keys.BACKSPACE)
        shows(browser, TEXTS[1])
        press(browser, Keys.BACKSPACE)
        shows(browser, TEXTS[0])
        until(lambda: lines_of(pool) == [])
    assert complaints(browser) == []


def test_offsets_are_characters_with_emoji_and_from_right_to_left(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        for text in TEXTS[:3]:
            shows(browser, text)
            until(lambda: len(marks(browser)) >= 2)
            press(browser, "a")
        until(lambda: len(lines_of(pool)) == 3)
    for row in lines_of(pool):
        assert {row["text"][e["start"] : e["end"]] for e in row["entities"]} <= {"Ada", "Bob", "Rome", "Blue Owls"}
    assert [len(row["entities"]) for row in lines_of(pool)] == [3, 3, 2]


def test_spans_are_retyped_moved_deleted_made_and_nested(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])
        press(browser, Keys.TAB, "3")  # Ada is a group
        shows(browser, TEXTS[0], [("Ada", "group"), ("Bob", "person"), ("Rome", "location")])
        press(browser, Keys.TAB, "d")
        shows(browser, TEXTS[0], [("Ada", "group"), ("Rome", "location")])
        press(browser, Keys.ESCAPE, Keys.TAB, "]")  # Ada met
        shows(browser, TEXTS[0], [("Ada met", "group"), ("Rome", "location")])
        press(browser, Keys.ESCAPE, Keys.ARROW_RIGHT)
        assert about(browser) == "selected: “Ada”"
        press(browser, "1")  # nested in the group
        shows(browser, TEXTS[0], [("Ada met", "group"), ("Ada", "person"), ("Rome", "location")])
        press(browser, "a")
        until(lambda: len(lines_of(pool)) == 1)
    (row,) = lines_of(pool)
    assert [(e["start"], e["end"], e["label"]) for e in row["entities"]] == [
        (0, 7, "group"), (0, 3, "person"), (15, 19, "location"),
    ]  # fmt: skip
    assert row["review"]["suggested"][0][:3] == [0, 3, "person"]


def test_a_long_text_scrolls_and_a_word_at_its_end_can_be_marked(browser: Chrome, pool: Path) -> None:
    long = "Nothing happened. " * 280 + "Ada left."
    with served(review_of(pool, [long])) as (address, _):
        browser.get(address)
        shows(browser, long, [("Ada", "person")])
        press(browser, Keys.ESCAPE, Keys.TAB, Keys.ARROW_RIGHT, "3", "a")
        until(lambda: len(lines_of(pool)) == 1)
    spans = [(e["start"], e["end"], e["label"]) for e in lines_of(pool)[0]["entities"]]
    assert spans == [(len(long) - 9, len(long) - 6, "person"), (len(long) - 5, len(long) - 1, "group")]


def test_two_tabs_decide_a_text_once(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0])
        first = browser.current_window_handle
        browser.switch_to.new_window("tab")
        browser.get(address)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])
        press(browser, "a")
        until(lambda: len(lines_of(pool)) == 1)
        browser.switch_to.window(first)
        press(browser, "a")  # at once, or on the text that the page has moved on to
        until(lambda: line(browser) in TEXTS[1:])
        browser.switch_to.window(browser.window_handles[1])
        browser.close()
        browser.switch_to.window(first)
    assert [row["text"] for row in lines_of(pool)] == list(dict.fromkeys(row["text"] for row in lines_of(pool)))


def test_a_server_that_was_killed_loses_nothing(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])
    port = int(address.rstrip("/").rsplit(":", 1)[1])
    press(browser, "a")
    until(lambda: "does not answer" in browser.find_element(By.ID, "status").text)
    assert lines_of(pool) == []
    assert line(browser) == TEXTS[0]
    with served(review_of(pool), port=port):
        press(browser, "a")
        until(lambda: len(lines_of(pool)) == 1)
        shows(browser, TEXTS[1])
    complaints(browser)


def test_a_pool_that_is_edited_meanwhile_is_noticed_and_the_edit_stays(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])
        own = {"text": "Ada sang.", "entities": [{"start": 0, "end": 3, "label": "person"}]}
        pool.write_text(json.dumps(own) + "\n", "utf-8")
        press(browser, "a")
        until(lambda: len(lines_of(pool)) == 2 or "changed" in browser.find_element(By.ID, "status").text)
        if len(lines_of(pool)) == 1:  # it was told; the text is still there, as it was edited
            until(lambda: line(browser) == TEXTS[0])
            press(browser, "a")
        until(lambda: len(lines_of(pool)) == 2)
    assert lines_of(pool)[0] == own
    complaints(browser)


def test_a_model_that_fails_is_told_and_texts_can_be_marked_all_the_same(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool), failing("no such model")) as (address, _):
        browser.get(address)
        until(lambda: "no such model" in browser.find_element(By.ID, "trouble").text)
        until(lambda: line(browser) == TEXTS[0])
        press(browser, Keys.ARROW_RIGHT, "1", "a")
        until(lambda: len(lines_of(pool)) == 1)
    assert [(e["start"], e["end"], e["label"]) for e in lines_of(pool)[0]["entities"]] == [(0, 3, "person")]


def test_types_can_be_typed_in_on_the_page(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool, labels=None)) as (address, _):
        browser.get(address)
        until(lambda: len(browser.find_elements(By.TAG_NAME, "textarea")) == 1)
        browser.find_element(By.TAG_NAME, "textarea").send_keys("person: people\nlocation: places")
        browser.find_element(By.CSS_SELECTOR, "#panel button").click()
        until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "#labels button")) == 2)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])


def test_why_help_and_curve_unfold_and_the_rest_is_written(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, reader):
        browser.get(address)
        shows(browser, TEXTS[0], [("Ada", "person"), ("Bob", "person"), ("Rome", "location")])
        press(browser, "a")
        shows(browser, TEXTS[1])
        press(browser, "u")
        until(lambda: TEXTS[0] in browser.find_element(By.ID, "panel").text)  # it is a demonstration by now
        press(browser, "?")
        until(lambda: "accept: what is marked" in browser.find_element(By.ID, "panel").text)
        browser.find_element(By.CSS_SELECTOR, "[data-panel=curve]").click()
        until(lambda: "F1 over the" in browser.find_element(By.ID, "panel").text)
        browser.find_element(By.CSS_SELECTOR, "[data-panel=rest]").click()
        until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "#panel button")) == 1)
        browser.find_element(By.CSS_SELECTOR, "#panel button").click()
        until(lambda: reader.rest.exists())
        assert len(reader.rest.read_text("utf-8").splitlines()) == len(TEXTS) - 1
    assert complaints(browser) == []


def test_the_page_is_light_and_asks_this_server_alone(browser: Chrome, pool: Path) -> None:
    assert sum(map(len, assets().values())) <= 80_000
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0])
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
        assert all(str(name).startswith(address) for name in loaded)
    assert not pool.exists()  # of a page that was only looked at


def test_pictures_for_the_documents(browser: Chrome, pool: Path) -> None:
    """EL4NER_PICTURES=docs writes them there."""
    half = scripted(lambda asked: "Blue Owls (group); Oslo (group)" if "Owls" in asked.text else "none", "location")
    size = browser.get_window_size()
    browser.set_window_size(1000, 640)
    with served(review_of(pool, [TEXTS[0], TEXTS[4]]), knowing(), knowing(), half) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0])
        press(browser, "a")
        shows(browser, TEXTS[4])
        press(browser, Keys.TAB, "u")
        until(lambda: TEXTS[0] in browser.find_element(By.ID, "panel").text)
        assert "doubtful" in about(browser)
        picture = browser.get_screenshot_as_png()
    browser.set_window_size(size["width"], size["height"])
    assert picture.startswith(b"\x89PNG")
    if folder := os.environ.get("EL4NER_PICTURES"):
        (Path(folder) / "review.png").write_bytes(picture)
