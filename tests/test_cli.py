import json
import logging
import os
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

import pytest

from el4ner import cli
from el4ner.models.base import Done, Outcome, Reply, Request, Token, Usage
from el4ner.models.store import Store
from el4ner.recipes.load import load_recipe

RECIPE = """
name = "test"
description = "Two scripted members."
window = 2

[models.m]
engine = "openvino"
path = "/nowhere"

[[members]]
name = "one"
model = "m"
style = "compact"
demonstrations = 2

[[members]]
name = "two"
model = "m"
style = "compact"
demonstrations = 1

[retrieve]
spans = "words"

[verify]
members = ["two"]
"""
POOL = [
    {"id": "a", "text": "Eve met Karl in Rome.", "entities": [{"start": 0, "end": 3, "label": "person"}]},
    {"id": "b", "text": "Rome is old.", "entities": [{"start": 0, "end": 4, "label": "place"}]},
]


@dataclass
class Scripted:
    """A model that answers by a function, and remembers nothing."""

    answer: Callable[[str], str]
    identity: str = "scripted"
    context: int = 4096
    calls: int = 0
    overlaps: bool = False
    cached: int | None = None
    closed: int = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 4 for text in texts]

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        self.calls += len(requests)
        replies = [self._reply(str(request.prompt)) for request in requests]
        if done is not None:
            done(list(enumerate(replies)))
        return replies

    def _reply(self, prompt: str) -> Reply:
        text = self.answer(prompt)
        return Reply(text, tokens=(Token(text, -0.5),), usage=Usage(len(prompt), 0, len(text)))

    def close(self) -> None:
        self.closed += 1


def answer(prompt: str) -> str:
    """Every "Ada" is a person, every "Oslo" a place; listing and verdict tell by the prompt's end."""
    asked = prompt.rsplit("Text: ", 1)[1]
    if asked.endswith("True or false? ("):
        return "true"
    listed = [f"{name} ({label})" for name, label in (("Ada", "person"), ("Oslo", "place")) if name in asked]
    return " " + ("; ".join(listed) or "none")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pool, a recipe and texts; the store is there, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EL4NER_STORE", str(tmp_path / "replies.sqlite"))
    Path("pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in POOL))
    Path("recipe.toml").write_text(RECIPE)
    Path("texts.txt").write_text("Ada saw Oslo.\n\nnothing here\nOslo and Oslo\n")
    return tmp_path


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted(answer)
    monkeypatch.setattr("el4ner.pipeline.open_models", lambda models: dict.fromkeys(models, scripted))
    return scripted


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., SimpleNamespace]:
    """Calls `main` as the console script does: its exit code, standard output and error."""

    def call(*arguments: str, stdin: bytes = b"") -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["el4ner", *arguments])
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=captured.out.decode(), err=captured.err.decode())

    return call


Run = Callable[..., SimpleNamespace]
ASK = ("--pool", "pool.jsonl", "--recipe", "recipe.toml")


def test_annotate_writes_the_documented_record(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", "texts.txt", *ASK)
    assert done.code == 0
    first, second, third = map(json.loads, done.out.splitlines())
    ada, oslo = first["entities"]
    assert list(ada) == ["start", "end", "text", "label", "score", "votes", "verified"]
    assert (ada["start"], ada["end"], ada["text"], ada["label"]) == (0, 3, "Ada", "person")
    assert ada["votes"] == {"one": "person", "two": "person"}
    assert ada["verified"] is True
    assert 0 < ada["score"] <= 1
    assert ada["score"] == round(ada["score"], 4)
    assert oslo["label"] == "place"
    assert second == {"id": "3", "text": "nothing here", "entities": [], "warnings": []}
    assert [e["start"] for e in third["entities"]] == [0, 9]
    assert "texts 3 · entities 4" in done.err


def test_annotate_reads_standard_input(work: Path, model: Scripted, run: Run) -> None:
    done = run("annotate", *ASK, stdin=b'{"id": 7, "text": "Ada \\ud83d"}\n{"id": "e", "text": ""}\n')
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [(row["id"], len(row["entities"])) for row in rows] == [("7", 1), ("e", 0)]


def test_annotate_several_files_formats_and_limit(work: Path, model: Scripted, run: Run) -> None:
    Path("more.jsonl").write_text('{"text": "Ada"}\n{"text": "Oslo"}\n')
    done = run("annotate", "texts.txt", "more.jsonl", *ASK, "--limit", "4")
    assert [json.loads(line)["id"] for line in done.out.splitlines()] == ["1", "3", "4", "1"]
    Path("odd").write_text("Ada\tB-x\n\nOslo\tO\n")
    assert len(run("annotate", "odd", *ASK).out.splitlines()) == 2
    assert len(run("annotate", "odd", *ASK, "--format", "plain").out.splitlines()) == 2


def test_what_else_is_said_of_a_text_is_carried(work: Path, model: Scripted, run: Run) -> None:
    Path("x.csv").write_text('key,body,source\n7,"Ada, of\nOslo",web\n')
    done = run("annotate", "x.csv", *ASK, "--column", "id=key,text=body")
    row = json.loads(done.out)
    assert list(row) == ["id", "text", "meta", "entities", "warnings"]
    assert (row["id"], row["text"], row["meta"]) == ("7", "Ada, of\nOslo", {"source": "web"})
    Path("x.jsonl").write_text('{"text": "Ada", "meta": {"a": 1}, "b": [2]}\n{"text": "Ada"}\n')
    rows = [json.loads(line) for line in run("annotate", "x.jsonl", *ASK, "-o", "out.jsonl").out.splitlines()]
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row.get("meta") for row in rows] == [{"b": [2], "a": 1}, None]
    again = [json.loads(line) for line in run("annotate", "out.jsonl", *ASK).out.splitlines()]
    assert again == rows  # what annotate writes is read with the same meta


def test_columns_that_are_wrong_are_told(work: Path, model: Scripted, run: Run) -> None:
    Path("x.csv").write_text("nr,was\n7,Ada\n")
    done = run("annotate", "x.csv", *ASK)
    assert done.code == 1
    assert "x.csv, line 1: this is a table, and which column holds the texts is not plain" in done.err
    assert "its columns are 'nr', 'was'" in done.err
    assert run("annotate", "x.csv", *ASK, "--column", "token=x").code == 2
    assert run("annotate", "x.csv", *ASK, "--format", "plain", "--column", "was").code == 1


def test_nothing_to_annotate_is_said(work: Path, model: Scripted, run: Run) -> None:
    Path("empty.txt").write_text("\n \r\n")
    done = run("annotate", "empty.txt", "texts.txt", *ASK)
    assert (done.code, len(done.out.splitlines())) == (0, 3)
    assert "empty.txt: there is no text in it" in done.err
    done = run("annotate", *ASK, stdin=b"")
    assert (done.code, done.out) == (0, "")
    assert "standard input: there is no text in it" in done.err
    Path("folder").mkdir()
    assert "folder: this is a folder; name a file in it" in run("annotate", "folder", *ASK).err


def test_bare_types_and_columns_by_option(work: Path, run: Run) -> None:
    Path("io.conll").write_text("1\tAda\tperson\n2\tran\tO\n")
    done = run("pool", "check", "io.conll", "--scheme", "io", "--column", "token=2,tag=3")
    assert done.code == 0, done.err
    assert "1 examples with entities" in done.out
    done = run("data", "convert", "io.conll", "--scheme", "io", "-o", "pool.jsonl")
    assert "examples 1 · entities 1" in done.err
    row = {"id": "1", "text": "Ada ran", "entities": [{"start": 0, "end": 3, "label": "person"}]}
    assert json.loads(Path("pool.jsonl").read_text()) == row
    assert json.loads(run("data", "convert", "pool.jsonl").out) == row
    assert "would overwrite it" in run("data", "convert", "pool.jsonl", "-o", "pool.jsonl").err
    Path("x.txt").write_text("[Ada](person) ran\n")
    assert json.loads(run("data", "convert", "x.txt", "--format", "brackets").out) == row


def test_a_tilde_is_resolved_in_every_path(
    work: Path, model: Scripted, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = work / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("pool.jsonl", "recipe.toml", "texts.txt"):
        (work / name).rename(home / name)
    ask = ("--pool=~/pool.jsonl", "--recipe=~/recipe.toml", "--store=~/s.sqlite")
    done = run("annotate", "~/texts.txt", *ask, "--output=~/out.jsonl", "--html=~/out.html", "--evidence")
    assert done.code == 0, done.err
    assert sorted(path.name for path in home.iterdir() if path.suffix != ".sqlite-wal") == [
        "out.html", "out.jsonl", "pool.jsonl", "recipe.toml", "s.sqlite", "texts.txt",
    ]  # fmt: skip
    assert not (work / "~").exists()
    assert run("show", "~/out.jsonl", "--html=~/show.html").code == 0
    assert run("eval", "--data=~/pool.jsonl", *ask, "--output=~/run").code in (0, 1)
    assert not (work / "~").exists()


def test_a_tilde_in_a_text_is_left_alone(work: Path, model: Scripted, run: Run) -> None:
    assert "~/[Ada | person]" in run("explain", "~/Ada", *ASK).out


def test_a_second_run_asks_nothing_and_ends_the_same(work: Path, model: Scripted, run: Run) -> None:
    first = run("annotate", "texts.txt", *ASK)
    calls = model.calls
    second = run("annotate", "texts.txt", *ASK)
    assert second.out == first.out
    assert model.calls == calls
    run("annotate", "texts.txt", *ASK, "--no-store")
    assert model.calls == 2 * calls


def test_an_interrupted_run_leaves_what_was_done_and_goes_on(
    work: Path, model: Scripted, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(prompt: str) -> str:
        if "Oslo and Oslo" in prompt:
            raise KeyboardInterrupt
        return answer(prompt)

    monkeypatch.setattr(model, "answer", interrupted)
    done = run("annotate", "texts.txt", *ASK, "-o", "out.jsonl")
    assert done.code == 130
    assert "in the store" in done.err
    assert not Path("out.jsonl").exists()
    assert len(Path("out.jsonl.part").read_text().splitlines()) == 2
    monkeypatch.setattr(model, "answer", answer)
    calls = model.calls
    assert run("annotate", "texts.txt", *ASK, "-o", "out.jsonl").code == 0
    assert len(Path("out.jsonl").read_text().splitlines()) == 3
    assert not Path("out.jsonl.part").exists()
    assert model.calls - calls < calls


def test_an_input_is_never_overwritten(work: Path, model: Scripted, run: Run) -> None:
    Path("link").symlink_to("texts.txt")
    for target in ("texts.txt", "pool.jsonl", "recipe.toml", "./texts.txt", "link"):
        before = Path(target).read_bytes()
        done = run("annotate", "texts.txt", *ASK, "-o", target)
        assert (done.code, done.err.count("would overwrite it")) == (1, 1)
        assert Path(target).read_bytes() == before


BAD = {
    "missing texts": (["annotate", "none.txt", *ASK], "none.txt: there is no such file"),
    "missing pool": (
        ["annotate", "texts.txt", "-p", "none.jsonl", "-r", "recipe.toml"],
        "none.jsonl: there is no such",
    ),
    "a folder": (["annotate", ".", *ASK], "this is a folder"),
    "invalid JSON": (["annotate", "bad.jsonl", *ASK], "bad.jsonl, line 3: not valid JSON"),
    "not UTF-8": (["annotate", "latin.txt", *ASK], "latin.txt, line 1: byte 2 of the file (0xe9) is not valid UTF-8"),
    "binary": (["annotate", "binary.txt", *ASK], "binary data"),
    "no labels": (["annotate", "texts.txt", "-p", "bare.jsonl"], "the pool holds no labelled entity"),
    "offset": (["pool", "check", "offset.jsonl"], "offset.jsonl, line 1: entity 1 ends at 9"),
    "label": (["pool", "check", "pool.jsonl", "--labels", "labels.json"], "'place', which the labels lack"),
    "labels file": (["annotate", "texts.txt", *ASK, "--labels", "bad.jsonl"], "bad.jsonl"),
    "no recipe": (["annotate", "texts.txt", "-p", "pool.jsonl", "-r", "nanno"], "did you mean 'nano'?"),
    "recipe key": (["annotate", "texts.txt", "-p", "pool.jsonl", "-r", "key.toml"], "did you mean 'window'?"),
    "no model": (["annotate", "texts.txt", "-p", "pool.jsonl", "-r", "recipe.toml"], "/nowhere: no such model"),
    "no store": (["annotate", "texts.txt", *ASK, "--store", "texts.txt"], "cannot be used as a reply store"),
    "output": (["annotate", "texts.txt", *ASK, "-o", "none/out"], "none/out: cannot be written"),
    "output folder": (["annotate", "texts.txt", *ASK, "-o", "."], "cannot be written"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_that_says_where(
    case: str, work: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("bad.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n{bad\n')
    Path("latin.txt").write_bytes(b"Zo\xe9\n")
    Path("binary.txt").write_bytes(bytes(range(8)) * 8 + b"\x00" * 64)
    Path("bare.jsonl").write_text('{"text": "a", "entities": []}\n')
    Path("offset.jsonl").write_text('{"text": "a", "entities": [{"start": 0, "end": 9, "label": "x"}]}\n')
    Path("labels.json").write_text('["person"]')
    Path("key.toml").write_text("windwo = 3\n" + RECIPE)
    if case != "no model":
        monkeypatch.setattr("el4ner.pipeline.open_models", lambda models: {name: Scripted(answer) for name in models})
    arguments, expected = BAD[case]
    done = run(*arguments)
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert expected in last
    assert sum(line.startswith("error") for line in done.err.splitlines()) == 1
    assert "Traceback" not in done.err


def test_wrong_usage_is_two(work: Path, run: Run) -> None:
    for arguments in (
        ["annotate", "--nope"],
        ["annotate", "texts.txt"],
        ["annotate", *ASK, "--store", "a", "--no-store"],
    ):
        assert run(*arguments).code == 2
    assert run("annotate", *ASK, "--format", "xml").code == 2


def test_dead_members_end_the_run_with_advice(
    work: Path, model: Scripted, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Reply("", Outcome.FAILED, error="down")
    monkeypatch.setattr(model, "generate", lambda requests, done=None: [dead for _ in requests])
    done = run("annotate", "texts.txt", *ASK)
    assert done.code == 1
    assert "error: no member answered" in done.err


def test_warnings_are_lines_and_said_once(
    work: Path, model: Scripted, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn(prompt: str) -> str:
        warnings.warn("fewer [demonstrations]", stacklevel=1)
        return answer(prompt)

    monkeypatch.setattr(model, "answer", warn)
    warnings.simplefilter("always")
    assert run("annotate", "texts.txt", *ASK).err.splitlines().count("warning: fewer [demonstrations]") == 1


def test_explain_shows_the_stages(work: Path, model: Scripted, run: Run) -> None:
    done = run("explain", "Ada saw [red]Oslo[/red]", *ASK)
    assert done.code == 0
    for piece in ("1 retrieve", "[Eve | person] met Karl", "2 extract", "3 classify and 4 verify", "[red]", "0–3"):
        assert piece in done.out


@pytest.mark.parametrize("command", [("annotate", "texts.txt"), ("explain", "Ada")])
@pytest.mark.parametrize("fails", [False, True])
def test_models_and_store_are_closed(
    work: Path, model: Scripted, run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], fails: bool
) -> None:
    closed: list[Path] = []
    monkeypatch.setattr(Store, "close", lambda store: closed.append(store.path))
    if fails:
        monkeypatch.setattr(model, "answer", lambda prompt: Reply("", Outcome.FAILED, error="down"))
        monkeypatch.setattr(model, "_reply", model.answer)
    assert run(*command, *ASK).code == int(fails)
    assert (model.closed, closed) == (1, [work / "replies.sqlite"])


def test_explain_of_nothing(work: Path, model: Scripted, run: Run) -> None:
    assert run("explain", "", *ASK).code == 0


def test_demo_prints_and_writes_a_page(work: Path, model: Scripted, run: Run) -> None:
    done = run("demo", "--recipe", "recipe.toml", "--html", "demo.html")
    assert done.code == 0
    assert "Where the time went" in done.out
    assert "to open the models" in done.out
    assert "<!doctype html>" in Path("demo.html").read_text("utf-8")
    assert not Path("replies.sqlite").exists()


def test_pool_check_counts(work: Path, run: Run) -> None:
    done = run("pool", "check", "pool.jsonl")
    assert done.code == 0
    assert "2 examples with entities" in done.out
    assert "only 1 example has it" in done.out


def test_pool_check_fails_on_errors(work: Path, run: Run) -> None:
    Path("blank.jsonl").write_text('{"text": "a  b", "entities": [{"start": 1, "end": 2, "label": "[red]x"}]}\n')
    done = run("pool", "check", "blank.jsonl")
    assert done.code == 1
    assert "white" in done.out
    assert "[red]x" in done.out


def test_recipes_are_listed_and_printed(work: Path, run: Run) -> None:
    assert "nano" in run("recipes").out
    text = run("recipes", "nano").out
    Path("mine.toml").write_text(text)
    assert run("recipes", "mine.toml").out == text


def test_a_recipe_is_printed_whole(work: Path, run: Run) -> None:
    Path("whole.toml").write_text(run("recipes", "hybrid", "--full").out)
    assert "base" not in tomllib.loads(Path("whole.toml").read_text())
    assert load_recipe("whole.toml") == load_recipe("hybrid")
    assert run("recipes", "--full").code == 2


def test_doctor_says_what_is_missing(work: Path, run: Run) -> None:
    done = run("doctor", "--recipe", "recipe.toml")
    assert done.code == 1
    assert "not there: /nowhere: no such model" in done.out
    assert "one: cannot take part" in done.out


def test_doctor_says_what_degrades(work: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "el4ner.ensemble.doctor.open_models", lambda models: dict.fromkeys(models, Scripted(lambda prompt: "Paris"))
    )
    done = run("doctor", "--recipe", "recipe.toml")
    assert done.code == 0
    assert "holds a choice" in done.out
    assert "one: types and verdicts are not held to a list" in done.out


def test_store_shows_and_prunes(work: Path, model: Scripted, run: Run) -> None:
    assert "nothing is stored yet" in run("store").out
    assert not Path("replies.sqlite").exists()
    run("annotate", "texts.txt", *ASK)
    assert "scripted" in run("store").out
    assert "replies forgotten" in run("store", "--prune", "0").err
    assert "scripted" not in run("store").out


def test_version(run: Run) -> None:
    assert run("--version").out.startswith("el4ner 0.")


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'pydantic', 'openai', 'openvino', 'openvino_genai', 'model2vec', 'el4ner.pipeline', 'sqlite3'}"
    code = (
        "import sys; sys.argv = ['el4ner', '--help']\n"
        "from el4ner.cli import main\n"
        "try: main()\n"
        f"finally: print(sorted({heavy} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "annotate" in done.stdout


def test_a_reader_that_has_enough_is_no_error() -> None:
    code = "import sys; sys.argv = ['el4ner', 'recipes', 'nano']; from el4ner.cli import main; main()"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""


def test_a_terminal_of_few_characters_is_no_error(work: Path) -> None:
    code = "import sys; sys.argv = ['el4ner', 'pool', 'check', 'odd.jsonl']; from el4ner.cli import main; main()"
    Path("odd.jsonl").write_text('{"text": "東京", "entities": [{"start": 0, "end": 2, "label": "都市"}]}\n')
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_verbose_says_what_is_done_and_nothing_of_it_commands_the_terminal(
    work: Path, model: Scripted, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("el4ner")
    monkeypatch.setattr(log, "handlers", list(log.handlers))
    monkeypatch.setattr(log, "level", log.level)
    assert "el4ner.ensemble" not in run("annotate", "texts.txt", *ASK, "--no-store").err
    Path("lost.txt").write_text("Ada saw nothing\x1b[31m.\n")
    loud = run("annotate", "lost.txt", *ASK, "--no-store", "-vv")
    assert loud.code == 0
    assert "DEBUG el4ner.ensemble.dispatch: extract" in loud.err
    assert "\x1b" not in loud.err
