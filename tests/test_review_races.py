"""What goes wrong between a page and its server, in a real browser: nothing that was marked is lost by it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from browser import browser, complaints
from fakes import failing
from reviewing import TEXTS, review_of, until
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from test_review_browser import about, line, lines_of, marks, press, served, shows, with_shift

from el4ner.data import Label

pytestmark = pytest.mark.browser
__all__ = ["browser"]

FIRST = [("Ada", "person"), ("Bob", "person"), ("Rome", "location")]
# Holds the next request to a path until `window.release()`.
HOLD = """const [path] = arguments; const real = window.fetch; let held = false;
window.fetch = (where, options) => {
  if (held || !String(where).startsWith(path)) return real(where, options);
  held = true;
  return new Promise((go) => { window.release = () => go(real(where, options)); });
};"""
# Holds the answer of the next request to a path until `window.release()`.
HOLD_ANSWER = HOLD.replace(
    "return new Promise((go) => { window.release = () => go(real(where, options)); });",
    """return real(where, options).then((answer) => new Promise((go) => {
      window.came = true; window.release = () => go(answer);
    }));""",
)


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return tmp_path / "pool.jsonl"


def waiting(browser: Chrome) -> bool:
    return bool(browser.execute_script("return Boolean(window.release)"))


def release(browser: Chrome) -> None:
    until(lambda: waiting(browser))
    browser.execute_script("window.release()")


def status(browser: Chrome) -> str:
    return browser.find_element(By.ID, "status").text


def test_a_text_that_is_edited_stays_when_the_order_changes(browser: Chrome, pool: Path) -> None:
    """An accept changes what comes next; the text that one has begun to mark is no longer among it."""
    texts = [f"Ada met Bob in Rome {n}." for n in range(8)]
    review = review_of(pool, texts)
    with served(review) as (address, _):
        browser.get(address)
        shows(browser, texts[0])
        until(lambda: review.readings.counts["read"] >= 3)
        browser.execute_script(HOLD, "/api/judge")
        press(browser, "a")
        shows(browser, texts[1])
        until(lambda: len(marks(browser)) == 3)
        press(browser, Keys.TAB, "3")
        edited = marks(browser)
        review.readings.sorting = "random"
        assert review.refs[1] not in review.upcoming(3)
        release(browser)
        until(lambda: status(browser).startswith("saved"))
        shows(browser, texts[1], edited)


def test_what_is_marked_survives_that_the_decision_before_is_refused(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        browser.execute_script(HOLD, "/api/judge")
        press(browser, Keys.TAB, "d", "a")
        shows(browser, TEXTS[1])
        until(lambda: len(marks(browser)) >= 2)
        press(browser, Keys.TAB, "3")
        edited = marks(browser)
        own = {"text": "Ada sang.", "entities": [{"start": 0, "end": 3, "label": "person"}]}
        pool.write_text(json.dumps(own) + "\n", "utf-8")
        release(browser)
        shows(browser, TEXTS[0], FIRST[1:])
        press(browser, "a")
        shows(browser, TEXTS[1], edited)
        until(lambda: len(lines_of(pool)) == 2)
    complaints(browser)


def test_a_late_look_does_not_undo_what_is_known(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        browser.execute_script(HOLD_ANSWER, "/api/state")
        until(lambda: bool(browser.execute_script("return Boolean(window.came)")))
        press(browser, "a")
        until(lambda: status(browser).startswith("saved"))
        release(browser)
        press(browser, "a", "a")
        until(lambda: len(lines_of(pool)) == 3)
    assert complaints(browser) == []


def test_types_that_another_tab_names_keep_their_names_here(browser: Chrome, pool: Path) -> None:
    review = review_of(pool)
    with served(review) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        press(browser, Keys.ESCAPE, Keys.TAB, "3")
        edited = [("Ada", "group"), *FIRST[1:]]
        shows(browser, TEXTS[0], edited)
        review.name_types([Label("group"), Label("location"), Label("person")])
        until(
            lambda: browser.execute_script("return document.querySelector('#labels button').textContent") == "1 group"
        )
        shows(browser, TEXTS[0], edited)
        press(browser, "a")
        until(lambda: len(lines_of(pool)) == 1)
    assert [e["label"] for e in lines_of(pool)[0]["entities"]] == ["group", "person", "location"]


def test_a_key_that_is_held_down_decides_once(browser: Chrome, pool: Path) -> None:
    review = review_of(pool)
    with served(review) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        browser.execute_script("""for (const repeat of [false, true, true]) document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "a", repeat, bubbles: true, cancelable: true }))""")
        shows(browser, TEXTS[1])
        until(lambda: status(browser).startswith("saved"))
        assert len(review.history.judgements) == 1


def test_keys_of_the_browser_with_alt_decide_nothing(browser: Chrome, pool: Path) -> None:
    review = review_of(pool)
    with served(review) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        with_shift(browser, "d", modifier=Keys.ALT)
        with_shift(browser, "a", modifier=Keys.ALT)
        shows(browser, TEXTS[0], FIRST)


def test_brackets_that_need_altgr_move_by_words(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        press(browser, Keys.ESCAPE, Keys.TAB)
        browser.execute_script("""document.body.dispatchEvent(new KeyboardEvent("keydown",
            { key: "]", code: "Digit9", ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true }))""")
        shows(browser, TEXTS[0], [("Ada met", "person"), *FIRST[1:]])


def test_all_of_the_page_is_reached_by_keyboard(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool)) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        press(browser, "m", *[Keys.TAB] * 3, Keys.ENTER)
        until(lambda: len(browser.find_elements(By.TAG_NAME, "textarea")) == 1)
        reached = set()
        for _ in range(30):
            press(browser, Keys.TAB)
            reached.add(browser.execute_script("return document.activeElement.textContent"))
        assert {"1 person", "3 group", "accept a", "ask for these"} <= reached
        press(browser, "m", Keys.ESCAPE, Keys.TAB)
        assert about(browser).startswith("Ada")


def test_what_is_selected_stays_while_the_text_is_read_again(browser: Chrome, pool: Path) -> None:
    review = review_of(pool)
    with served(review) as (address, _):
        browser.get(address)
        shows(browser, TEXTS[0], FIRST)
        press(browser, Keys.ESCAPE, Keys.TAB, Keys.TAB)
        assert about(browser).startswith("Bob")
        read = review.readings.annotations[0]
        with review.changed:
            review.readings.annotations[0] = replace(read, ballots=read.ballots[:2])
        until(lambda: len(marks(browser)) == 2)
        assert about(browser).startswith("Bob")
        press(browser, Keys.ESCAPE, Keys.ARROW_RIGHT)
        with review.changed:
            review.readings.annotations[0] = read
        time.sleep(1.5)  # the page looks once a second
        assert about(browser) == "selected: “Ada”"


def test_a_text_that_is_not_read_yet_is_not_accepted_in_passing(browser: Chrome, pool: Path) -> None:
    with served(review_of(pool), failing("no such model")) as (address, _):
        browser.get(address)
        until(lambda: line(browser) == TEXTS[0])
        press(browser, "a")
        until(lambda: "not read yet" in status(browser))
        assert line(browser) == TEXTS[0]
        assert lines_of(pool) == []
        press(browser, "a")
        until(lambda: len(lines_of(pool)) == 1)
