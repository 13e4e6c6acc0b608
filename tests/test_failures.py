"""What is said of members that fail, where and when: grouped by kind, as it happens, in reports, tables and pages."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import FakeModel, ensemble, failing, scripted
from test_cli import ASK, answer, model, run, work
from test_compare import DATA, OTHER, good, models, table_of
from test_degraded import REASON, fails, two
from test_render import printed

from el4ner.annotation import Annotation
from el4ner.cli.failures import FirstFailures, failure_line, tell_failures
from el4ner.cli.progress import RunsBar, watched
from el4ner.data import Label, Vote
from el4ner.ensemble.costs import Failure, Ledger, failures, kind
from el4ner.evaluate.table_formats import to_csv, to_markdown
from el4ner.models.base import Outcome, Reply, Request
from el4ner.view.explain import explain
from el4ner.view.packed import packed
from el4ner.view.page import page

__all__ = ["model", "models", "run", "two", "work"]
Run = Callable[..., SimpleNamespace]
Answers = dict[str, Callable[[str], str | Reply]]


def failed(*reasons: str) -> list[Reply]:
    return [Reply("", Outcome.FAILED, error=reason) for reason in reasons]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that commands say."""
    lines: list[str] = []
    for module in ("failures", "progress"):
        monkeypatch.setattr(f"el4ner.cli.{module}.say", lambda line, style="": lines.append(line))
    return lines


# Kinds of reasons


def test_ids_are_one_reason_and_statuses_are_not() -> None:
    ledger = Ledger()
    told = [f"HTTP 500: request req_{n}fe8-a{n} broke" for n in range(9)] + ["HTTP 502: request req_1 broke"]
    ledger.add("extract", "m", 10, [], failed(*told), 1.0)
    (one,) = failures(ledger.costs)
    assert one.reasons == {"HTTP 500: request req_0fe8-a0 broke": 9, "HTTP 502: request req_1 broke": 1}


def test_many_unreadable_replies_leave_room_for_other_reasons() -> None:
    ledger = Ledger()
    ledger.add("extract", "m", 41, [], failed(*(f"unreadable: 'word {chr(97 + n % 26)}'" for n in range(40))), 1.0)
    ledger.add("verify", "m", 1, [], failed("unreadable: 'another'", REASON), 1.0)
    (one,) = failures(ledger.costs)
    # 26 words, the first 14 of them twice; all but two words stand with the third, and so does the verifier's.
    assert one.reasons == {
        "unreadable: 'word c'": 37,
        "unreadable: 'word a'": 2,
        "unreadable: 'word b'": 2,
        REASON: 1,
    }


def test_a_reason_of_a_megabyte_is_grouped_at_once() -> None:
    ledger = Ledger()
    ledger.add("extract", "m", 2, [], failed("a1" * 500_000, "'" * 1_000_000), 1.0)
    assert all(len(reason) <= 210 for reason in failures(ledger.costs)[0].reasons)


def test_what_is_said_of_a_member_in_a_line() -> None:
    assert failure_line(Failure("phi4", 418, 418, {REASON: 418})) == f"phi4: 418 of 418 calls failed: {REASON}"
    assert failure_line(Failure("a", 3, 9, {"x": 2, "y": 1})) == "a: 3 of 9 calls failed: x (2 alike); y (1 alike)"
    assert failure_line(Failure("old", 3, 9, {})) == "old: 3 of 9 calls failed: why was not kept"
    assert failure_line(Failure("a", 5, 5, dict.fromkeys("vwxyz", 1))).endswith("; and 2 other reasons")


def test_first_failures_are_said_once_a_kind_and_few_of_a_member(said: list[str]) -> None:
    first = FirstFailures()
    first.tell([Failure("m", 1, 1, {"HTTP 503: try 1": 1})])
    first.tell([Failure("m", 9, 9, {"HTTP 503: try 2": 9}), Failure("n", 1, 1, {"HTTP 503: try 1": 1})])
    assert [line.split(" (")[0] for line in said] == ["m failed: HTTP 503: try 1", "n failed: HTTP 503: try 1"]
    first.tell([Failure("m", 30, 30, {f"reason {chr(97 + n)}": 1 for n in range(20)})])
    assert len([line for line in said if line.startswith("m ")]) == 3
    assert kind("HTTP 503: try 1") != kind("HTTP 500: try 1")


def test_no_word_of_a_server_or_recipe_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell_failures([Failure("m\x1b[31m", 1, 1, {"HTTP 500: \x1b]0;hi\x07\nerror: all is well": 1})], 0)
    told = capsys.readouterr().err
    assert "\x1b]" not in told
    assert "\x07" not in told
    assert len(told.splitlines()) == 1


# What counts as a failure


def test_a_failure_without_a_word_is_no_vote() -> None:
    mute = FakeModel(lambda _: Reply("", Outcome.FAILED), identity="mute")
    found: Annotation = ensemble(scripted("Oslo (location)", "location"), mute)("We saw Oslo .")
    assert found.failed == {"b": "no reason was given"}
    (ballot,) = found.ballots
    assert [vote for vote in ballot.votes if vote.member == "b"] == [Vote("b", None, abstained="no reason was given")]
    assert found.entities[0].votes == {"a": "location"}


def test_the_reason_of_a_text_is_the_first() -> None:
    turn = iter(range(100))
    sick = FakeModel(lambda _: Reply("", Outcome.FAILED, error=f"reason {next(turn)}"), identity="sick")
    found = ensemble(scripted("Oslo (location)", "location"), sick)("We saw Oslo .")
    assert found.failed == {"b": "reason 0"}
    assert json.loads(json.dumps(found.record()["failed"])) == {"b": "reason 0"}


def test_an_ensemble_tells_its_failures() -> None:
    well = ensemble(scripted("Oslo (location)", "location"))
    well("We saw Oslo .")
    assert well.failures == ()
    ill = ensemble(scripted("Oslo (location)", "location"), failing(REASON))
    ill("We saw Oslo .")
    (one,) = ill.failures
    assert (one.member, one.failed, one.reasons) == ("b", one.calls, {REASON: one.calls})


# When it is said


def test_a_failure_is_said_before_its_window_is_done(
    work: Path, two: Answers, run: Run, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    heard = threading.Event()
    early: list[bool] = []

    def say(line: str, style: str = "") -> None:
        said.append(line)
        if line.startswith("one failed"):
            heard.set()

    def patient(prompt: str) -> str:
        early.append(heard.wait(10))
        return answer(prompt)

    monkeypatch.setattr("el4ner.cli.failures.say", say)
    monkeypatch.setattr("el4ner.cli.progress._LOOK", 0.01)
    two["one"], two["two"] = fails, patient  # asked in this order
    assert run("annotate", "texts.txt", *ASK, "--no-store").code == 0
    assert early[0]


class Waiting(FakeModel):
    waiting = "phi4: HTTP 429, next try in 8 s"


@pytest.mark.parametrize("several", [False, True])
def test_silence_ends_after_the_first_pause_of_one_run_and_of_several(
    several: bool, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("el4ner.cli.progress._SILENCE", 0.05)
    spoken = threading.Event()

    def say(line: str, style: str = "") -> None:
        said.append(line)
        spoken.set()

    def slow(request: Request) -> str:
        assert spoken.wait(10)
        return "none"

    monkeypatch.setattr("el4ner.cli.progress.say", say)
    ner = ensemble(Waiting(slow), retrieve={"spans": "words"})
    if several:
        with RunsBar(1, 1) as bar:
            assert len(list(bar.begin("a run")(ner.annotate(["We saw Oslo ."]), ner, 1))) == 1
    else:
        assert len(list(watched(ner.annotate(["We saw Oslo ."]), ner, 1))) == 1
    assert said[0] == "still here: 0 questions, 0 calls; phi4: HTTP 429, next try in 8 s"


# Commands


def test_help_names_the_exit_codes(run: Run) -> None:
    told = " ".join(run("--help").out.split())
    assert "3 a member failed (with --strict)" in told
    for command in ("annotate", "explain", "demo", "eval", "compare", "ablate", "tune"):
        assert "--strict" in run(command, "--help").out


def test_explain_and_demo_end_strictly_and_show_who_failed(work: Path, two: Answers, run: Run) -> None:
    for ask in (("explain", "Ada saw Oslo.", *ASK, "--no-store"), ("demo", "-r", "recipe.toml")):
        assert run(*ask, "--strict").code == 0
    two["two"] = fails
    done = run("explain", "Ada saw Oslo.", *ASK, "--no-store")
    assert done.code == 0
    assert f"two failed: {REASON}" in done.out
    assert run("demo", "-r", "recipe.toml", "--strict").code == 3


def test_explain_warns_where_replies_were_unreadable(work: Path, two: Answers, run: Run) -> None:
    two["one"] = lambda prompt: " I would rather talk about the weather, if I may."
    two["two"] = lambda prompt: " none"
    done = run("explain", "Ada saw Oslo.", *ASK, "--no-store")
    assert "warning: nothing was found, and replies could not be read: unreadable: 'I would rather" in done.err


def test_a_table_marks_degraded_runs_and_a_mended_member_is_asked_again(
    models: dict[str, FakeModel], tmp_path: Path
) -> None:
    turn = iter(range(10_000))

    def shaky(request: Request) -> Reply | str:
        return Reply("", Outcome.FAILED, error="HTTP 502: bad | gateway") if next(turn) % 3 == 2 else good(request)

    models["good"].answer = shaky
    table = table_of("good", "bad", data=(DATA, OTHER), folder=tmp_path)
    page = to_markdown(table)
    rows = {line.split(" |")[0].strip("| "): line for line in page.split("\n\n")[0].splitlines()}
    assert rows["good"].count("†") == 3  # two sets, and the mean
    assert "†" not in rows["bad"]
    assert page.count("† degraded: members failed, so that this is not the score of the recipe") == 1
    assert "† good on made up: good failed in 4 of 12 calls: HTTP 502: bad \\| gateway" in page
    lines = list(csv.DictReader(StringIO(to_csv(table), newline="")))
    assert [line["failed"] for line in lines if line["state"] == "run"] == ["4", "3", "0", "0"]
    models["good"].answer = good
    calls = models["bad"].calls
    mended = table_of("good", "bad", data=(DATA, OTHER), folder=tmp_path)
    assert "†" not in to_markdown(mended)
    assert mended.cells["good", "made up"].strict.f1 == 1
    assert models["bad"].calls == calls  # that one was whole


# Pages


def test_pages_name_who_failed() -> None:
    sick = scripted("Oslo (location)", "location", verify=lambda _: Reply("", Outcome.FAILED, error="HTTP 500: <b>"))
    found = ensemble(sick, failing(REASON), verify={"members": ["a"]})("We saw Oslo .")
    assert found.failed == {"b": REASON, "a": "HTTP 500: <b>"}
    html = page("made", [found], [Label("location")], ["a", "b"])
    assert '<p class="failed">b failed: HTTP 404: model &#39;ph4&#39; not found</p>' in html
    assert '<p class="failed">a failed: HTTP 500: &lt;b&gt;</p>' in html
    assert "a: location? no answer, HTTP 500: &lt;b&gt;" in html
    (text,) = packed([found], [Label("location")], ["a", "b"])["texts"]
    assert text["failed"] == [f"b failed: {REASON}", "a failed: HTTP 500: <b>"]
    pool = ensemble(sick).pool
    assert f"b failed: {REASON}" in printed(*explain(found, pool, ["a", "b"], {}))


def test_pages_of_healthy_runs_are_as_they_were() -> None:
    found = ensemble(scripted("Oslo (location)", "location"))("We saw Oslo .")
    assert "failed" not in packed([found], [], ["a"])["texts"][0]
    assert 'class="failed"' not in page("made", [found], [Label("location")], ["a"])
