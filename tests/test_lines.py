"""Bytes to lines: line ends, marks of encodings, and what is not UTF-8."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from el4ner.data import Document
from el4ner.errors import ConfigError, DataError
from el4ner.formats import read_documents, read_examples, read_labels, write_examples
from el4ner.formats.lines import read_lines


def write(folder: Path, content: bytes, name: str = "x.txt") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\r", ["a", "b"]),
        (b"a\rb", ["a", "b"]),
        (b"a\r\rb\n", ["a", "", "b"]),
        (b"a\r\r\nb\r\r\n", ["a", "b"]),  # converted twice
        (b"a\nb\rc\r\nd", ["a", "b", "c", "d"]),
        (b"\r", [""]),
        (b"", []),
        ("a\u2028b\x0bc\x0cd\x85e\x1cf\n".encode(), ["a\u2028b\x0bc\x0cd\x85e\x1cf"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "b"]),  # two files behind one another
        ("a\ufeffb".encode(), ["a\ufeffb"]),
    ],
)
def test_line_ends(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    found = list(read_lines(write(tmp_path, content)))
    assert [line.text for line in found] == lines
    assert [line.number for line in found] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("text", ["PAR1 is a receptor", "BZhang met Ada", "PK"])
def test_texts_that_begin_as_other_files_do(tmp_path: Path, text: str) -> None:
    assert [d.text for d in read_documents(write(tmp_path, text.encode()))] == [text]


def test_old_line_ends_in_every_format(tmp_path: Path) -> None:
    assert [d.text for d in read_documents(write(tmp_path, b"Ada ran.\rBob ran.\r"))] == ["Ada ran.", "Bob ran."]
    columns = read_examples(write(tmp_path, b"Ada\tB-PER\rran\tO\r\rBob\tB-PER\r", "x.conll"))
    assert [example.text for example in columns] == ["Ada ran", "Bob"]
    rows = read_documents(write(tmp_path, b'{"text": "a"}\r{"text": "b"}\r', "x.jsonl"))
    assert list(rows) == [Document("1", "a"), Document("2", "b")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "Ada".encode("utf-16"),
            "line 1: the file is in UTF-16, as its first bytes say; save it as UTF-8 (iconv",
        ),
        (b"\xfe\xff\0A", "line 1: the file is in UTF-16"),
        ("Ada".encode("utf-32"), "line 1: the file is in UTF-32"),
        (b"\0\0\xfe\xff\0\0\0A", "line 1: the file is in UTF-32"),
        ("Ada met Bob.".encode("utf-16-le"), "line 1: byte 1 of the file is a null byte: binary data or UTF-16"),
        (b"a\rb\0c\n", "line 2: byte 3 of the file is a null byte"),
        (
            b"ok\rfa\xe7ade\r",
            "line 2: byte 5 of the file (0xe7) is not valid UTF-8; save it as UTF-8 (if",
        ),
        (b"\xef\xbb\xbfok\n\xff", "line 2: byte 6 of the file (0xff)"),
        (b"PK\x03\x04\x14\0", "line 1: the file is a ZIP file, as those of Excel and Word are"),
        (b"\x1f\x8b\x08\0", "line 1: the file is packed by gzip, as its first bytes say; unpack it"),
        (b"PAR1\x15\0", "line 1: the file is a Parquet file"),
        (b"\xed\xa0\x80", "line 1: byte 0 of the file (0xed)"),  # half a character
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x.conll", "x.csv", "x"])
def test_what_is_not_utf_8_is_refused(tmp_path: Path, content: bytes, says: str, name: str) -> None:
    with pytest.raises(DataError) as caught:
        list(read_documents(write(tmp_path, content, name)))
    assert str(caught.value).startswith(f"{tmp_path / name}, {says}")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff"))),
    end=st.sampled_from(["\n", "\r", "\r\n"]),
)
def test_all_else_is_kept(tmp_path: Path, texts: list[str], end: str) -> None:
    path = write(tmp_path, "".join(text + end for text in [*texts, "last"]).encode())
    assert [line.text for line in read_lines(path)] == [*texts, "last"]


def test_a_tilde_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_examples("~/x.jsonl", [])
    write(tmp_path, b"Ada\n")
    write(tmp_path, b'["PER"]', "labels.json")
    assert read_examples("~/x.jsonl") == []
    assert list(read_documents(Path("~/x.txt"))) == [Document("1", "Ada")]
    assert [label.name for label in read_labels("~/labels.json")] == ["PER"]
    with pytest.raises(ConfigError, match="is nobody's home"):
        read_documents("~nobody-of-that-name/x.txt")
