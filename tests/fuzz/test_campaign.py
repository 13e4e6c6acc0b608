"""The campaigns find what they are there for: a planted fault, an input that hangs, time that grows too fast."""

from __future__ import annotations

import random
import time

import campaign
import pytest
from growth import in_line
from smallest import smallest


def test_a_release_takes_a_million_inputs() -> None:
    assert sum(campaign.RELEASE.values()) == 1_000_000


def letters(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefgh", k=8))


def test_a_fault_is_told_with_its_seed_and_a_small_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "RELEASE", {"letters": 1_000_000})
    monkeypatch.setattr(campaign, "INPUTS", 1000)

    def check(text: str) -> None:
        assert not ("a" in text and "b" in text), "both"

    with pytest.raises(pytest.fail.Exception) as told:
        campaign.campaign("letters", letters, check)
    message = str(told.value)
    assert "AssertionError in test_campaign.py, check" in message
    assert "200 times" in message
    assert "smallest: 'ab'" in message or "smallest: 'ba'" in message
    seed = message.partition("EL4NER_FUZZ_REPEAT='")[2].partition("'")[0]
    with pytest.raises(AssertionError):
        check(letters(random.Random(seed)))

    monkeypatch.setattr(campaign, "REPEAT", seed)
    with pytest.raises(pytest.fail.Exception, match="1 times"):
        campaign.campaign("letters", letters, check)
    campaign.campaign("others", letters, check)  # that input is none of theirs


def test_the_same_seed_makes_the_same_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "RELEASE", {"letters": 1_000_000})
    monkeypatch.setattr(campaign, "INPUTS", 20)
    seen: list[str] = []
    for _ in range(2):
        campaign.campaign("letters", letters, seen.append)
    assert seen[:20] == seen[20:]
    assert len(set(seen)) > 10


def test_an_input_that_hangs_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "RELEASE", {"letters": 1_000_000})
    monkeypatch.setattr(campaign, "_SECONDS", 0.05)
    with pytest.raises(pytest.fail.Exception, match=r"HungError.*2 times"):
        campaign.campaign("letters", letters, lambda _: time.sleep(5))


def test_the_smallest_input_is_looked_for_at_any_depth() -> None:
    given = {"a": ["x" * 50, {"b": "yyzyy"}], "c": 1}
    assert smallest(given, lambda found: "z" in str(found)) == {"a": [{"b": "z"}]}


def test_time_that_grows_with_the_square_is_told() -> None:
    with pytest.raises(pytest.fail.Exception, match="'a' behind"):
        in_line(lambda text: [text.count("b") for _ in text], patterns=("a",))


def test_time_that_grows_with_the_input_is_in_line() -> None:
    in_line(lambda text: [char for _ in range(20) for char in text], patterns=("a", "ab"))
