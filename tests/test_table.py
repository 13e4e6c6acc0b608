"""Tables of texts: the right column or none, the others carried along; and prose with commas, tabs and bars."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from el4ner.data import Document
from el4ner.errors import DataError
from el4ner.formats import FileLayout, read_documents, read_examples

ANNA, BOB = "Anna Berg, of\nOslo, lives.", 'Bob said "no".'
QUOTED = 'id,text,source\na1,"Anna Berg, of\nOslo, lives.",web\n\na2,"Bob said ""no"".",\n'
DOCUMENTS = [Document("a1", ANNA, {"source": "web"}), Document("a2", BOB, {"source": ""})]


def write(folder: Path, content: str | bytes, name: str = "x.csv") -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def refused(path: Path, layout: FileLayout | None = None) -> str:
    with pytest.raises(DataError) as caught:
        list(read_documents(path, layout=layout))
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["x.csv", "x"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_named_column_with_quotes_and_line_ends(tmp_path: Path, name: str, mark: str, delimiter: str) -> None:
    rows = list(csv.reader(io.StringIO(QUOTED)))
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(rows)
    path = write(tmp_path, mark + written.getvalue(), name)
    assert list(read_documents(path)) == DOCUMENTS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, end.join(["text,x", "Ada,1", "Bob,2", ""]))
    assert list(read_documents(path)) == [Document("2", "Ada", {"x": "1"}), Document("3", "Bob", {"x": "2"})]


def test_a_table_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(QUOTED.encode())))
    assert list(read_documents("-")) == DOCUMENTS


@pytest.mark.parametrize(
    ("content", "documents"),
    [
        ("Label\tSentence\n0\tAda ran.\n", [Document("2", "Ada ran.", {"Label": "0"})]),
        ("id,title,text\n7,T,Ada ran.\n", [Document("7", "Ada ran.", {"title": "T"})]),
        ("sentence,text\nx,Ada\n", [Document("2", "Ada", {"sentence": "x"})]),  # ours is the plainest name
        ('text\nAnna, of Oslo\n"Bob; too"\n', [Document("2", "Anna, of Oslo"), Document("3", "Bob; too")]),
        (
            "1\tAnna met Bob.\n2\tHe ran.\n",
            [Document("1", "Anna met Bob.", {"column 1": "1"}), Document("2", "He ran.", {"column 1": "2"})],
        ),
        ("a,Anna Berg lives in Oslo.\n", [Document("1", "Anna Berg lives in Oslo.", {"column 1": "a"})]),
        ("id,what\n1,Anna Berg lives in Oslo.\n", [Document("1", "Anna Berg lives in Oslo.")]),
        (",text\n0,Ada\n", [Document("2", "Ada", {"column 1": "0"})]),  # as pandas writes it
        ('id\ttext\n1\t"Ada" ran\n', [Document("1", '"Ada" ran')]),  # quotes that quote nothing
        ("id,text\n1,\n", [Document("1", "")]),
        ("sep=;\nid;text\n7;Ada\n", [Document("7", "Ada")]),  # as Excel has it
        ("id,text\n", []),
        ("", []),
        ("\n\n", []),
    ],
)
def test_the_right_column(tmp_path: Path, content: str, documents: list[Document]) -> None:
    assert list(read_documents(write(tmp_path, content))) == documents


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "nr;was\n1;Ada\n",
            "the texts is not plain; its columns are 'nr', 'was': name that of",
        ),
        ("review,body\nAda ran there today,Bob ran here today\n", "its columns are"),
        ("review,comment\na,b\n", "line 1: this is a table, and which"),
        ("Ada,Bob\nEve,Ann\n", "its columns are 'column 1', 'column 2': name that of the texts by --column"),
        (
            "a1,Hi all\na2,Anna Berg lives in Oslo.\na3,Bob Berg lives in Porto.\n",
            "which column holds the texts is not plain",
        ),
        ("Sentence #,Word,POS,Tag\nSentence: 1,Of,IN,O\n", "line 1: this table has a token in each row; write CoNLL"),
        ("text,text\na,b\n", "line 1: two columns have the name 'text'"),
        ("id,text\n1,Hello, you\n", "line 2: 3 columns, where the first row has 2; quote a field that holds ','"),
        ('id,text\n1,a\n2,"Ada\n3,b\n', "line 3: not readable as a table (unexpected end of data)"),
        ('id,text\n1,"Ada" ran\n', "line 2: not readable as a table"),
        ("id,text\n1," + "x" * 200_000 + "\n", "line 2: not readable as a table (field larger than field limit"),
        ("id,text\n" + "1,a\n" * 400 + "1,a,b\n", "line 402: 3 columns"),
        (b"id,text\n1,\xe9\n", "line 2: byte 10 of the file (0xe9) is not valid UTF-8"),
    ],
)
def test_a_table_that_is_not_plain(tmp_path: Path, content: str | bytes, says: str) -> None:
    assert says in refused(write(tmp_path, content))


def test_the_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "nr;was\n1;Ada\n2;Bob\n")
    named = [Document("2", "Ada", {"nr": "1"}), Document("3", "Bob", {"nr": "2"})]
    assert list(read_documents(path, layout=FileLayout(text="was"))) == named
    assert list(read_documents(path, layout=FileLayout(text="2"))) == named  # "nr" is usual, so this is a header
    assert list(read_documents(path, layout=FileLayout("was", "nr"))) == [Document("1", "Ada"), Document("2", "Bob")]
    for name in ("x.txt", "x.tsv", "x"):
        assert list(read_documents(write(tmp_path, path.read_bytes(), name), layout=FileLayout(text="was"))) == named
    bare = write(tmp_path, "Ada,Bob\nEve,Ann\n", "bare.csv")
    assert [d.text for d in read_documents(bare, layout=FileLayout(text="2"))] == ["Bob", "Ann"]
    assert [d.text for d in read_documents(bare, layout=FileLayout(text="Bob"))] == ["Ann"]
    assert "line 1: there is no column 'wat'; its columns are 'nr'" in refused(path, layout=FileLayout(text="wat"))
    assert "there is no column '3'" in refused(path, FileLayout(text="3"))


def test_a_tsv_is_a_table_or_columns_by_its_looks(tmp_path: Path) -> None:
    assert [d.text for d in read_documents(write(tmp_path, "id\ttext\n1\tAda\n", "x.tsv"))] == ["Ada"]
    assert [d.text for d in read_documents(write(tmp_path, "1\tAda ran.\n2\tHe did.\n", "x.tsv"))] == [
        "Ada ran.",
        "He did.",
    ]
    assert [d.text for d in read_documents(write(tmp_path, "Ada\tNNP\nran\tVBD\n", "x.tsv"))] == ["Ada ran"]
    assert [d.text for d in read_documents(write(tmp_path, "10 000\tB-N\nran\tO\n", "x.tsv"))] == ["10 000 ran"]
    assert [d.text for d in read_documents(write(tmp_path, "Ada\nran\n\nBob\n", "x.tsv"))] == ["Ada ran", "Bob"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (QUOTED, "line 1: this looks like csv; say --format csv, or --format plain if each line is a text"),
        (
            "1\tAda\n2\tBob\n",
            "line 1: this may be a table (each line has as many tabs); say --format csv",
        ),
        ("Ada|x\nBob|y\n", "(each line has as many bars)"),
        ("id,wort\n1,Ada\n2,Bob\n", "(its first line names columns)"),
        ('{"text": "Ada"}\n', "this looks like jsonl"),
    ],
)
def test_what_may_be_no_lines_of_text_is_asked_about(tmp_path: Path, content: str, says: str) -> None:
    path = write(tmp_path, content, "x.txt")
    assert says in refused(path)
    assert len(list(read_documents(path, "plain"))) == len([line for line in content.split("\n") if line])


@pytest.mark.parametrize(
    "content",
    [
        "Anna, Bob and Eve met.\nThen, they ran, away.\n",
        "Anna, of Oslo.\nBob, of Porto.\nEve, of Rome.\n",  # as many commas everywhere
        "Question, he said.\nAnswer, she said.\n",
        "Text: Anna ran; Bob ran.\nText: Eve ran; Ann ran.\n",
        "\tindented\n\tas well\nand not\n",
        "one\ttab\nno tab\n",
        "\tindented alone\n",
        "id, please!\nOf course, sir!\n",
        "only\tone line\n",
        "text\nid\n",
        "(Ada) ran\n",
        "[Ada] ran\n",
        "a | b\nc\n",
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x.text"])
def test_prose_is_not_taken_for_a_table(tmp_path: Path, content: str, name: str) -> None:
    assert [d.text for d in read_documents(write(tmp_path, content, name))] == content.splitlines()


def test_prose_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that come one by one are read as they come."""

    class Slow(io.BytesIO):
        def __next__(self) -> bytes:
            line = self.readline()
            if b"fourth" in line:
                raise AssertionError("read too far ahead")
            return line

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Slow(b"Ada ran.\nBob ran.\nthird\nfourth\n")))
    assert next(read_documents("-")).text == "Ada ran."


def test_tables_hold_no_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="csv text holds no labels"):
        read_examples(write(tmp_path, QUOTED))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), max_size=30), min_size=1),
    delimiter=st.sampled_from(",;\t|"),
)
def test_what_the_csv_module_writes_is_read(tmp_path: Path, texts: list[str], delimiter: str) -> None:
    with (tmp_path / "x.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([("id", "text"), *((f"t{n}", text) for n, text in enumerate(texts))])
    assert list(read_documents(tmp_path / "x.csv")) == [Document(f"t{n}", text) for n, text in enumerate(texts)]
