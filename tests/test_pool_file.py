"""A pool's file that grows: whole lines or none, whoever else writes to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from fakes import LABELS, example

from el4ner.data import Example, Label, Span
from el4ner.errors import DataError
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile
from el4ner.serve.kept_pool import KeptPool, PoolUnwritten

ADA = example("a", "Ada met Bob.", person="Ada|Bob")
ROME = example("r", "Rome 🚀 is old.", location="Rome")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pool.jsonl"


def test_a_pool_begins_with_types_alone_and_grows_by_lines(path: Path) -> None:
    file = PoolFile(path, LABELS)
    assert (file.pool.examples, file.pool.labels, path.exists()) == ((), LABELS, False)
    before = file.digest
    file.append(ADA, {"decision": "accept", "suggested": []})
    file.append(ROME)
    assert file.pool == Pool.read(path, LABELS) == Pool((ADA, ROME), LABELS)
    assert file.notes == {ADA.text: {"decision": "accept", "suggested": []}}
    assert [json.loads(line).get("review") for line in path.read_text("utf-8").splitlines()] == [
        {"decision": "accept", "suggested": []},
        None,
    ]
    again = PoolFile(path, LABELS)
    assert again.digest == file.digest != before
    assert (again.notes, again.pool) == (file.notes, file.pool)


def test_types_keep_their_order_when_others_become_more_frequent(path: Path) -> None:
    path.write_text('{"text": "Ada met Bob in Rome.", "entities": [[0, 3, "z"], [8, 11, "z"], [15, 19, "b"]]}\n')
    file = PoolFile(path)
    for number in range(3):
        file.append(Example(str(number), f"Rome {number}", (Span(0, 4, "b"),)))
    assert [label.name for label in file.pool.labels] == ["z", "b"]
    with path.open("a") as stream:
        stream.write('{"text": "new", "entities": [{"start": 0, "end": 3, "label": "a"}]}\n')
    assert file.refreshed()
    assert [label.name for label in file.pool.labels] == ["z", "b", "a"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Example("x", "Ada", (Span(0, 3, "persn"),)), "did you mean 'person'"),
        (Example("x", "Ada", (Span(0, 4, "person"),)), "the text has 3 characters"),
        (Example("x", "Ada", (Span(2, 2, "person"),)), "is empty"),
        (Example("x", "Ada", (Span(0, 3),)), "has no label"),
        (Example("x", "Ada met Bob.", ()), "line 1: the pool holds this text already"),
        (Example("x", "\ud83d\ude80", ()), "split surrogate pair"),
    ],
)
def test_what_cannot_be_added_leaves_the_file_as_it_was(path: Path, wrong: Example, says: str) -> None:
    file = PoolFile(path, LABELS)
    file.append(ADA)
    before, digest = path.read_bytes(), file.digest
    with pytest.raises(DataError, match=says):
        file.append(wrong)
    assert (path.read_bytes(), file.digest, file.pool.examples) == (before, digest, (ADA,))


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", "\r"])
def test_lines_of_any_end_go_on(path: Path, end: str) -> None:
    path.write_bytes(f'{{"text": "Rome", "entities": []}}{end}'.encode())
    file = PoolFile(path, LABELS)
    file.append(ADA)
    assert [e.text for e in Pool.read(path, LABELS).examples] == ["Rome", ADA.text]
    with pytest.raises(DataError, match=f"line {3 if end == chr(10) * 2 else 2}: the pool holds"):
        file.append(ADA)
    assert not file.refreshed()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_half_a_line_is_left_out_and_kept_beside(path: Path, cut: int) -> None:
    whole = PoolFile(path, LABELS)
    whole.append(ADA)
    digest = whole.digest
    half = json.dumps({"id": "é🚀", "text": "é🚀" * 9, "entities": []}, ensure_ascii=False).encode()[:cut]
    with path.open("ab") as stream:
        stream.write(half)
    with pytest.warns(UserWarning, match="half a line at the end is left out"):
        file = PoolFile(path, LABELS)
    assert (file.pool.examples, file.digest) == ((ADA,), digest)
    file.append(ROME)
    assert Pool.read(path, LABELS).examples == (ADA, ROME)
    assert path.with_name("pool.jsonl.half").read_bytes() == half + b"\n"
    assert not PoolFile(path, LABELS).refreshed()


def test_a_last_line_without_an_end_is_no_half(path: Path) -> None:
    path.write_text('{"text": "Rome", "entities": []}')
    PoolFile(path, LABELS).append(ADA)
    assert [e.text for e in Pool.read(path, LABELS).examples] == ["Rome", ADA.text]


def test_the_user_edits_the_file_meanwhile(path: Path) -> None:
    file = PoolFile(path, LABELS)
    file.append(ADA)
    assert not file.refreshed()
    text = path.read_text()
    for old, new in (("Ada", "Eva"), ("Eva", "Ida")):  # of the same size, at once
        text = text.replace(old, new)
        path.write_text(text)
        before = file.digest
        assert file.refreshed()
        assert (file.digest != before, file.pool.examples[0].text) == (True, f"{new} met Bob.")
        assert not file.refreshed()
    time.sleep(0.15)
    assert not file.refreshed()
    path.write_text(text.replace("Ida", "Ada"))
    file.append(ROME)  # sees the edit first
    assert [e.text for e in file.pool.examples] == [ADA.text, ROME.text]
    path.unlink()
    assert file.refreshed()
    assert file.pool.examples == ()
    file.append(ROME)
    assert Pool.read(path, LABELS).examples == (ROME,)


def test_a_broken_edit_says_where_and_changes_nothing(path: Path) -> None:
    file = PoolFile(path, LABELS)
    file.append(ADA)
    good = path.read_text()
    path.write_text('{"text": 1, "entities": []}\n' + good)
    for call in (file.refreshed, lambda: file.append(ROME), lambda: file.remove(ADA.text)):
        with pytest.raises(DataError, match=r"pool\.jsonl, line 1"):
            call()
    assert file.pool.examples == (ADA,)
    path.write_text(good)
    file.append(ROME)
    assert file.pool.examples == (ADA, ROME)


def test_an_example_is_taken_out_again_and_other_lines_stay(path: Path) -> None:
    odd = b'{"entities":[],   "text":"odd"}\r\n\r\n'
    path.write_bytes(odd)
    path.chmod(0o640)
    file = PoolFile(path, LABELS)
    file.append(ADA, {"n": 1})
    file.append(ROME)
    assert file.remove(ADA.text)
    assert not file.remove(ADA.text)
    assert path.read_bytes().startswith(odd + b'{"id": "r"')
    assert [e.text for e in Pool.read(path, LABELS).examples] == ["odd", ROME.text]
    assert file.notes == {}
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in path.parent.iterdir()] == ["pool.jsonl"]
    file.append(ADA)
    assert file.pool.examples[-1] == ADA


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    file = PoolFile(link, LABELS)
    file.append(ADA)
    file.append(ROME)
    file.remove(ADA.text)
    assert link.is_symlink()
    assert Pool.read(path, LABELS).examples == (ROME,)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pool.conll", "EU B-ORG\n\nPeter B-PER\n"),
        ("pool.csv", "text,label\nEU,org\n"),
        ("pool.txt", "EU B-ORG"),
        ("pool.json", '[{"text": "EU", "entities": []}]'),
        ("pool.jsonl", '[\n{"text": "EU", "entities": []}\n]\n'),
        ("pool.jsonl", '{\n"text": "EU",\n"entities": []\n}\n'),
        ("pool.jsonl", '["EU", {"entities": []}]\n'),
    ],
)
def test_other_formats_are_refused_with_the_way_out(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="el4ner data convert"):
        PoolFile(tmp_path / name, LABELS)
    assert (tmp_path / name).read_text() == content


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        PoolFile(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="no ordinary file"):
        PoolFile(tmp_path, LABELS)
    with pytest.raises(DataError, match=r"cannot be written \(No such file or directory\)"):
        PoolFile(tmp_path / "none" / "pool.jsonl", LABELS).append(ADA)
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match=r"empty\.jsonl: the pool holds no labelled entity"):
        PoolFile(tmp_path / "empty.jsonl")


def test_a_full_disk_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = PoolFile(path, LABELS)
    file.append(ADA)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)"):
            file.append(ROME)
        with pytest.raises(DataError, match="No space left"):
            file.remove(ADA.text)
    assert (path.read_bytes(), file.pool.examples) == (before, (ADA,))
    assert [one.name for one in path.parent.iterdir()] == ["pool.jsonl"]
    file.append(ROME)
    assert Pool.read(path, LABELS).examples == (ADA, ROME)


def test_threads_and_files_on_one_path_add_each_line_once(path: Path) -> None:
    first, second = PoolFile(path, LABELS), PoolFile(path, LABELS)
    refused: list[str] = []

    def add(file: PoolFile, who: str) -> None:
        for number in range(20):
            try:
                file.append(Example(who, f"text {number}", ()))
            except DataError as error:
                refused.append(str(error))

    threads = [Thread(target=add, args=(file, who)) for file in (first, second) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(e.text for e in Pool.read(path, LABELS).examples) == sorted(f"text {n}" for n in range(20))
    assert len(refused) == 60
    first.refreshed()
    second.refreshed()
    assert first.digest == second.digest


_KILLED = """
import sys
from el4ner.data import Example, Label
from el4ner.pool.pool_file import PoolFile
from el4ner.serve.kept_pool import KeptPool, PoolUnwritten
file = PoolFile(sys.argv[1], (Label("person"),))
for number in range(10**6):
    file.append(Example(str(number), f"{number} " + "long " * 5000, ()))
    print(number, flush=True)
"""


def test_nothing_told_is_lost_when_killed(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.readlines()
    process.wait()
    file = PoolFile(path, (Label("person"),))
    assert len(file.pool.examples) - len([line for line in told if line.endswith("\n")]) in (0, 1)
    file.append(Example("last", "last", ()))
    assert [e.id for e in Pool.read(path, file.pool.labels).examples][-2:] == [str(len(file.pool.examples) - 2), "last"]


def test_an_example_takes_the_place_of_its_text_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = PoolFile(path, LABELS)
    file.append(ADA, {"source": "one"})
    file.append(ROME)
    corrected = example("b", ADA.text, person="Ada")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match="No space left"):
            file.replace(corrected)
    assert (path.read_bytes(), file.pool.examples) == (before, (ADA, ROME))
    with pytest.raises(DataError, match="no example with this text"):
        file.replace(example("c", "Oslo", location="Oslo"))
    file.replace(corrected, {"source": "two"})
    assert Pool.read(path, LABELS).examples == file.pool.examples == (ROME, corrected)
    assert file.notes == {ADA.text: {"source": "two"}}
    assert PoolFile(path, LABELS).digest == file.digest


def test_a_correction_that_cannot_be_written_leaves_the_one_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptPool(PoolFile(path, LABELS))
    kept.correct(ADA, {"source": "studio-1"})
    before, real, calls = path.read_bytes(), os.fsync, iter([None])

    def full_from_the_second_on(number: int) -> None:
        if next(calls, 0) == 0:
            raise OSError(28, "No space left on device")
        real(number)

    corrected = example("b", ADA.text, person="Ada")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_from_the_second_on)
        kept.correct(corrected, {"source": "studio-1"})  # one write is all that it takes
        with pytest.raises(PoolUnwritten):
            kept.correct(ADA, {"source": "studio-1"})
    assert path.read_bytes() != before
    assert Pool.read(path, LABELS).examples == kept.pool.examples == (corrected,)
