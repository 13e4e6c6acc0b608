"""Texts with their entities marked within: read by name, never by looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from el4ner.data import Example, Span
from el4ner.errors import DataError
from el4ner.formats import read_documents, read_examples


def write(folder: Path, content: str) -> Path:
    (folder / "x.txt").write_text(content)
    return folder / "x.txt"


@pytest.mark.parametrize(
    ("format", "line", "text", "entities"),
    [
        (
            "brackets",
            "[Anna Berg](person) in [Oslo](location)",
            "Anna Berg in Oslo",
            [(0, 9, "person"), (13, 17, "location")],
        ),
        ("brackets", "[PER Anna Berg] lives (now)", "Anna Berg lives (now)", [(0, 9, "PER")]),
        ("brackets", "[Bank of [Oslo](LOC)](ORG)!", "Bank of Oslo!", [(0, 12, "ORG"), (8, 12, "LOC")]),
        ("brackets", "[ORG Bank of [LOC Oslo]]!", "Bank of Oslo!", [(0, 12, "ORG"), (8, 12, "LOC")]),
        ("brackets", "[ORG [Oslo](LOC) Bank]", "Oslo Bank", [(0, 9, "ORG"), (0, 4, "LOC")]),
        ("brackets", "\\[1\\] [Ada](fine dining) \\\\ a\\b", "[1] Ada \\ a\\b", [(4, 7, "fine dining")]),
        ("brackets", "[🚀 Ada](P)", "🚀 Ada", [(0, 5, "P")]),
        ("brackets", "no mark", "no mark", []),
        ("inline", "<PER>Anna Berg</PER> in <LOC>Oslo</LOC>", "Anna Berg in Oslo", [(0, 9, "PER"), (13, 17, "LOC")]),
        ("inline", "<ORG>Bank of <LOC>Oslo</LOC></ORG>", "Bank of Oslo", [(0, 12, "ORG"), (8, 12, "LOC")]),
        ("inline", '<ENAMEX TYPE="PERSON">Al</ENAMEX>', "Al", [(0, 2, "PERSON")]),
        ("inline", "<a>x &lt; &amp;amp; y</a> R&D > 3", "x < &amp; y R&D > 3", [(0, 11, "a")]),
    ],
)
def test_marks(tmp_path: Path, format: str, line: str, text: str, entities: list[tuple[int, int, str]]) -> None:
    path = write(tmp_path, f"\n{line}\n")
    assert read_examples(path, format) == [Example("2", text, tuple(Span(*entity) for entity in entities))]
    assert [(d.id, d.text) for d in read_documents(path, format)] == [("2", text)]
    assert [d.text for d in read_documents(path)] == [line]  # never by its looks


@pytest.mark.parametrize(
    ("format", "line", "says"),
    [
        ("brackets", "see [1]", "'[1]': no type; write [Oslo](location) or [location Oslo], \\[ for the text's own"),
        ("brackets", "[PER ]", "'[PER ]': no type"),
        ("brackets", "[](PER)", "a mark without a text or a type"),
        ("brackets", "[Ada]( )", "a mark without a text or a type"),
        ("brackets", "[Ada", "a [ without its ]"),
        ("brackets", "Ada](PER)", "a ] without its ["),
        ("inline", "a < b", "'< b' is no tag such as <person>; write &lt; for a < of the text"),
        ("inline", "<a>x", "<a> does not end; write </a>"),
        ("inline", "x</a>", "</a> without its <a>"),
        ("inline", "<a>x<b>y</a>z</b>", "</a> without its <a>; tags nest, and do not cross"),
        ("inline", '<a id="3">x</a>', "is no tag"),
        ("inline", "<a></a>", "a mark without a text or a type"),
        ("inline", "a<br/>b", "is no tag"),
    ],
)
def test_marks_that_are_none(tmp_path: Path, format: str, line: str, says: str) -> None:
    for reader in (read_examples, read_documents):
        with pytest.raises(DataError, match=r"x\.txt, line 2: ") as caught:
            list(reader(write(tmp_path, f"fine\n{line}\n"), format))
        assert says in str(caught.value)


PIECES = st.tuples(st.text("ab[]()<>&;\\ é🚀", max_size=6), st.sampled_from(["", "PER", "fine"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(PIECES, max_size=5))
def test_what_is_marked_is_found(tmp_path: Path, drawn: list[tuple[str, str]]) -> None:
    text, brackets, inline = "", "", ""
    spans = []
    for piece, label in drawn:
        bracketed = "".join(f"\\{c}" if c in "[]\\" else c for c in piece)
        tagged = piece.replace("&", "&amp;").replace("<", "&lt;")
        if piece and label:
            spans.append(Span(len(text), len(text) + len(piece), label))
            bracketed, tagged = f"[{bracketed}]({label})", f"<{label}>{tagged}</{label}>"
        text, brackets, inline = text + piece, brackets + bracketed, inline + tagged
    for format, line in (("brackets", brackets), ("inline", inline)):
        expected = [Example("1", text, tuple(spans))] if line.strip() else []
        assert read_examples(write(tmp_path, line), format) == expected
