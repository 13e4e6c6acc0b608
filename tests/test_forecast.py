"""What a run would ask, before anyone is asked, against what it then asked."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from fakes import POOL, FakeModel, ensemble
from knowing import knowing
from test_cli import ASK, RECIPE, Run, Scripted, model, run, work

from el4ner.data import Document
from el4ner.ensemble.rates import keep_rates, known_rates
from el4ner.evaluate.forecast import forecast
from el4ner.models.store import Store

__all__ = ["model", "run", "work"]
TEXTS = [Document(str(n), example.text) for n, example in enumerate(POOL.examples)]


def asked(model: FakeModel, stage: str) -> tuple[int, int]:
    prompts = [r.prompt for r in model.asked if isinstance(r.prompt, str)]
    mine = [prompt for prompt in prompts if prompt.split("\x1e")[-1].startswith(stage)]
    return len(mine), sum(model.count(mine))


def test_stage_two_is_counted_and_nobody_is_asked() -> None:
    sober, real = knowing(), knowing()
    told = forecast(ensemble(sober), TEXTS)
    assert sober.calls == 0
    list(ensemble(real).annotate(TEXTS))
    (extract,) = [share for share in told.shares if share.stage == "extract"]
    assert extract.exact
    questions, tokens = asked(real, "extract")
    assert (extract.questions, extract.prompt) == ((questions,) * 2, (tokens,) * 2)
    low, high = next(share.questions for share in told.shares if share.stage == "classify")
    assert low <= asked(real, "classify")[0] <= high
    assert told.texts == len(TEXTS)


def test_what_the_store_knows_costs_nothing_and_is_not_added_to(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "s.sqlite")) as store:
        before = forecast(ensemble(knowing(), store=store), TEXTS, store)
        assert forecast(ensemble(knowing(), store=store), TEXTS, store) == before  # nothing was kept
        list(ensemble(knowing(), store=store).annotate(TEXTS))
        after = forecast(ensemble(knowing(), store=store), TEXTS, store)
    assert before.total("questions")[0] > 0
    assert after.total("questions") == (0, 0)
    assert all(share.exact for share in after.shares)


def test_seconds_are_those_of_the_last_rate_and_the_price_is_that_of_the_recipe(tmp_path: Path) -> None:
    ner = ensemble(knowing())
    told = forecast(ner, TEXTS)
    assert told.seconds(known_rates(["extract", "classify"], ner.members, tmp_path)) is None
    rates = {(share.stage, share.member): 0.5 for share in told.shares}
    low, high = told.total("prompt")
    few, many = told.total("generated")
    assert told.seconds(rates) == ((low + few) / 2, (high + many) / 2)
    assert told.price({"a": (2e6, 1e6)}) == (2 * low + few, 2 * high + many)
    keep_rates(ner.costs, ner.members, tmp_path)
    assert not list(tmp_path.iterdir())  # nothing was at work
    for odd in ("[1", "[]", '{"a": null}', '{"a": NaN}', '{"a": 1' + "0" * 400 + "}", "\udcff"):
        (tmp_path / "rates.json").write_bytes(odd.encode("utf-8", "surrogateescape"))
        assert known_rates(["extract"], ner.members, tmp_path) == {}


def test_a_dry_run_asks_nobody_and_says_what_a_run_would(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", "texts.txt", *ASK, "--dry-run", "--no-store")
    assert done.code == 0
    assert model.calls == 0
    assert "texts 3 · questions" in done.out
    assert "assumed (~): 1 to 3 candidates" in done.err


@pytest.mark.parametrize("limit", [("--max-tokens", "1"), ("--max-seconds", "0")])
def test_a_run_ends_in_order_where_the_budget_does(
    work: Path, model: Scripted, run: Run, limit: tuple[str, str]
) -> None:
    Path("recipe.toml").write_text(re.sub(r"window = \d+", "window = 1", RECIPE))
    done = run("annotate", "texts.txt", *ASK, "--store", "s.sqlite", "-o", "out.jsonl", *limit)
    assert done.code == 3
    assert limit[0] in done.err
    assert not Path("out.jsonl").exists()
    lines = Path("out.jsonl.part").read_text().splitlines()
    assert len(lines) == (1 if limit[0] == "--max-tokens" else 0)
    calls = model.calls
    assert run("annotate", "texts.txt", *ASK, "--store", "s.sqlite", "-o", "out.jsonl").code == 0
    whole = Path("out.jsonl").read_text().splitlines()
    assert whole[: len(lines)] == lines
    assert model.calls > calls
