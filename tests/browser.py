"""A real browser for tests marked `browser`: Debian's chromium, driven by its chromedriver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A window of 1200 by 900; what its pages complain of is an error of the test that looks (`complaints`)."""
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("no chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--window-size=1200,900", "--disable-dev-shm-usage"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the page's console has said since it was asked last."""
    return [str(entry["message"]) for entry in browser.get_log("browser")]
