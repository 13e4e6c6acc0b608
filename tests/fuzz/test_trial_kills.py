"""Runs that are killed at any moment and started again until they are done: the same bytes, hardly a call twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from campaign import SEED
from counting_server import CountingServer, counting_server
from runs import CONCURRENCY, SIGNALS, Run, killed, moments, pool, recipe, texts, timed

from el4ner.data import Example
from el4ner.formats import write_examples
from el4ner.pool.demo import demo_pool, demo_texts

pytestmark = pytest.mark.fuzz
SERVED, EMBEDDED = 40, 20  # kills
_LIVES = 8  # kills of one run at most
_UNDER_WAY = 4 * CONCURRENCY  # questions that a kill may cost: under way at two models, and as many just answered


@pytest.fixture
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def repeated(lives: list[list[str]]) -> list[str]:
    """The questions that were asked again though they were none of the last of a life that was killed."""
    settled: set[str] = set()
    again = []
    for asked in lives:
        again += [question for question in asked if question in settled]
        settled.update(asked[:-_UNDER_WAY])
    return again


@pytest.mark.usefixtures("_cache")
def test_served_runs_that_are_killed_end_the_same_and_repeat_no_call(tmp_path: Path) -> None:
    rng, kills, number = random.Random(SEED), 0, 0
    with counting_server(0.03) as server:
        files = (texts(tmp_path, 40), pool(tmp_path), recipe(tmp_path, server.url))
        expected, whole = timed(Run(*files, tmp_path / "undisturbed.db", tmp_path / "undisturbed.jsonl"))
        unique = set(server.asked)
        assert len(server.asked) == len(unique) > 80
        while kills < SERVED:
            number += 1
            run = Run(*files, tmp_path / f"{number}.db", tmp_path / f"{number}.jsonl")
            lives: list[list[str]] = []
            while len(lives) < _LIVES and kills < SERVED and died(run, rng, whole, server, lives):
                kills += 1
                assert not run.out.exists() or run.out.read_bytes() == expected
            server.asked.clear()
            assert run.finish() == expected
            lives.append(server.asked.copy())
            assert repeated(lives) == []
            assert {question for life in lives for question in life} == unique
            assert not list(tmp_path.glob(f"{number}.jsonl.*"))


def died(run: Run, rng: random.Random, whole: float, server: CountingServer, lives: list[list[str]]) -> bool:
    """Kill a run at a moment; whether it was at work. Its questions are one more of its `lives`."""
    server.asked.clear()
    was_at_work = killed(run, moments(rng, whole), rng.choice(SIGNALS))
    lives.append(server.asked.copy())
    return was_at_work


def test_embedded_runs_that_are_killed_end_the_same(tmp_path: Path) -> None:
    rng, kills, number = random.Random(SEED), 0, 0
    (tmp_path / "nano.toml").write_text('base = "nano"\nname = "small"\nwindow = 2\n')
    write_examples(tmp_path / "texts.jsonl", [Example(text.id, text.text) for text in demo_texts()[:4]])
    write_examples(tmp_path / "pool.jsonl", demo_pool().examples)
    files = (tmp_path / "texts.jsonl", tmp_path / "pool.jsonl", str(tmp_path / "nano.toml"))
    timed(Run(*files, tmp_path / "first.db", tmp_path / "first.jsonl"))  # makes the experts' files, once
    expected, whole = timed(Run(*files, tmp_path / "undisturbed.db", tmp_path / "undisturbed.jsonl"))
    while kills < EMBEDDED:
        number += 1
        run = Run(*files, tmp_path / f"{number}.db", tmp_path / f"{number}.jsonl")
        lives = 0
        while lives < _LIVES and kills < EMBEDDED and killed(run, moments(rng, whole), rng.choice(SIGNALS)):
            lives, kills = lives + 1, kills + 1
        assert run.finish() == expected
