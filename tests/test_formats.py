"""Reading and writing labelled examples and documents."""

import io
import json
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from el4ner.data import Document, Example, Label, Span
from el4ner.errors import ConfigError, DataError
from el4ner.formats import read_documents, read_examples, read_labels, write_examples
from el4ner.formats.jsonl import dumps
from el4ner.formats.label_names import tidy
from el4ner.formats.offsets import join

ADA = Example("a1", "Ada met Bob .", (Span(0, 3, "PER"), Span(8, 11, "PER")))
ONE_FOLDER = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TRICKY = st.sampled_from(
    [
        "👩‍👩‍👧",
        "e\u0301",
        "שלום",
        "\u202eعربي",
        "\x00",
        "\u2028",
        "\x0b",
        "\x85",
        "\xa0",
        "中文",
        "\u3000",
        "'",
        '"',
        "\\",
    ]
)
TEXTS = st.lists(TRICKY | st.text(st.characters(codec="utf-8"), max_size=5), max_size=6).map("".join)
WILD = st.lists(TRICKY | st.just("\udc00") | st.just("\r\n") | st.text(max_size=3), max_size=6).map("".join)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def error(path: Path, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        read_examples(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def mentions(example: Example) -> list[tuple[str, str | None]]:
    return [(example.text[s.start : s.end], s.label) for s in example.entities]


# JSONL


def test_jsonl_with_character_offsets(tmp_path: Path) -> None:
    rows = [
        {
            "id": "a1",
            "text": ADA.text,
            "entities": [{"start": 0, "end": 3, "label": "PER"}, {"start": 8, "end": 11, "label": "PER"}],
        },
        {"id": 7, "text": "none", "entities": [], "domain": "ignored"},
    ]
    path = write(tmp_path, "x.jsonl", "\n\n".join(map(json.dumps, rows)) + '\n{"text": "", "entities": []}')
    assert read_examples(path) == [ADA, Example("7", "none"), Example("4", "")]


def test_jsonl_with_token_offsets(tmp_path: Path) -> None:
    rows = [
        {"id": "e", "tokens": ["Ada", "Byron", "ran"], "entities": [{"start": 0, "end": 2, "label": "PER"}]},
        {"id": "z", "tokens": ["我", "爱", "北京", "Apple"], "entities": [{"start": 2, "end": 3, "label": "LOC"}]},
    ]
    english, chinese = read_examples(write(tmp_path, "x.jsonl", "\n".join(map(json.dumps, rows))))
    assert english == Example("e", "Ada Byron ran", (Span(0, 9, "PER"),))
    assert chinese.text == "我爱北京 Apple"
    assert mentions(chinese) == [("北京", "LOC")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "Ada"', "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not usable JSON"),
        ('{"text": "Ada", "id": ' + "9" * 5000 + "}", "not usable JSON"),
        ("{}", '"text" is missing; give a string'),
        ('{"text": null}', '"text" is null'),
        ('{"text": 3}', '"text" is a number'),
        ('{"text": "Ada"}', '"entities" is missing'),
        ('{"text": "Ada", "entities": {}}', '"entities" is an object'),
        ('{"text": "Ada", "entities": [3]}', "entity 1 is not an object"),
        ('{"id": true, "text": "Ada", "entities": []}', '"id" is true'),
        ('{"id": 1.5, "text": "Ada", "entities": []}', '"id" is 1.5'),
        ('{"text": "Ada", "tokens": ["Ada"], "entities": []}', 'both "text" and "tokens"'),
        ('{"tokens": ["Ada", ""], "entities": []}', '"tokens" is not a list of strings'),
        ('{"tokens": "Ada", "entities": []}', '"tokens" is not a list of strings'),
        (
            '{"tokens": ["Ada"], "entities": [{"start": 0, "end": 3, "label": "P"}]}',
            "ends at 3 but the text has 1 tokens",
        ),
    ],
)
def test_jsonl_line_that_cannot_be_read(tmp_path: Path, line: str, says: str) -> None:
    path = write(tmp_path, "x.jsonl", '{"text": "fine", "entities": []}\n' * 811 + line + "\n")
    message = error(path)
    assert message.startswith(f"{path}, line 812: ")
    assert says in message


@pytest.mark.parametrize(
    ("entity", "says"),
    [
        ({"start": 0, "end": 4, "label": "P"}, "entity 1 ends at 4 but the text has 3 characters"),
        ({"start": 0, "end": 10**4000, "label": "P"}, "ends at more than"),
        ({"start": -1, "end": 2, "label": "P"}, "starts at -1"),
        ({"start": 2, "end": 2, "label": "P"}, "is empty"),
        ({"start": 2, "end": 1, "label": "P"}, "is empty"),
        ({"start": False, "end": 1, "label": "P"}, '"start" of entity 1 is false; give a whole number'),
        ({"start": 0, "end": 3.0, "label": "P"}, '"end" of entity 1 is 3.0'),
        ({"start": "0", "end": 3, "label": "P"}, '"start" of entity 1 is a string'),
        ({"start": 0, "label": "P"}, '"end" of entity 1 is missing'),
        ({"start": 0, "end": 3}, '"label" of entity 1 is missing'),
        ({"start": 0, "end": 3, "label": " "}, '"label" of entity 1 is blank'),
        ({"start": 0, "end": 2, "label": "P", "text": "da"}, "another text than stands at its offsets ('Ad')"),
    ],
)
def test_entity_that_cannot_be(tmp_path: Path, entity: dict[str, object], says: str) -> None:
    path = write(tmp_path, "x.jsonl", json.dumps({"text": "Ada", "entities": [entity]}))
    assert f"{path}, line 1: " in error(path)
    assert says in error(path)


@ONE_FOLDER
@given(data=st.data(), texts=st.lists(WILD, max_size=4))
def test_jsonl_round_trip(tmp_path: Path, data: st.DataObject, texts: list[str]) -> None:
    # A high and a low surrogate side by side are one character to JSON; they cannot come from a file.
    texts = [t.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for t in texts]
    examples = []
    for number, text in enumerate(texts):
        edges = st.integers(0, max(0, len(text) - 1))
        starts = data.draw(st.lists(edges, max_size=3)) if text else []
        characters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp"))
        label = st.text(characters, min_size=1).map(tidy).filter(bool)
        spans = (Span(s, data.draw(st.integers(s + 1, len(text))), data.draw(label)) for s in starts)
        examples.append(Example(str(number), text, tuple(spans)))
    write_examples(tmp_path / "x.jsonl", examples)
    assert read_examples(tmp_path / "x.jsonl") == examples


def test_split_surrogate_pair_is_refused_and_ordinary_text_is_not_escaped(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'s1': a split surrogate pair"):
        write_examples(tmp_path / "x.jsonl", [Example("s1", "\ud83d\ude00")])
    assert not (tmp_path / "x.jsonl").exists()
    assert "北京" in dumps({"text": "北京"})
    assert dumps({"text": "北\ud800"}).isascii()


def test_writing_refuses_what_could_not_be_read_back(tmp_path: Path) -> None:
    for span in (Span(0, 9, "P"), Span(1, 1, "P"), Span(0, 1)):
        for name in ("x.jsonl", "x.conll"):
            with pytest.raises(DataError, match="'bad'"):
                write_examples(tmp_path / name, [Example("bad", "Ada", (span,))])
    with pytest.raises(DataError, match="cannot be written"):
        write_examples(tmp_path / "no" / "x.jsonl", [ADA])
    with pytest.raises(DataError, match="cannot hold labels"):
        write_examples(tmp_path / "x.txt", [ADA])


# CoNLL


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("B-P I-P O B-P", [("a b", "P"), ("d", "P")]),
        ("I-P I-P B-P O", [("a b", "P"), ("c", "P")]),  # IOB1
        ("B-P E-P S-P O", [("a b", "P"), ("c", "P")]),  # BIOES
        ("B-P I-P L-P U-L", [("a b c", "P"), ("d", "L")]),  # BILOU
        ("B-P M-P E-P O", [("a b c", "P")]),  # BMES
        ("O I-P I-L O", [("b", "P"), ("c", "L")]),  # repaired: an I- without B- starts one
        ("B-P O I-P E-L", [("a", "P"), ("c", "P"), ("d", "L")]),
        ("B-P E-P I-P S-P", [("a b", "P"), ("c", "P"), ("d", "P")]),
        ("B-a-b I-a-b O O", [("a b", "a-b")]),
    ],
)
@pytest.mark.parametrize("gap", ["\t", "  ", " NN "])
def test_schemes(tmp_path: Path, tags: str, entities: list[tuple[str, str]], gap: str) -> None:
    rows = [token + gap + tag for token, tag in zip("abcd", tags.split(), strict=True)]
    (example,) = read_examples(write(tmp_path, "x.bio", "\r\n".join(rows)))
    assert example.text == "a b c d"
    assert mentions(example) == entities


def test_conll_sentences_comments_and_docstart(tmp_path: Path) -> None:
    content = (
        "-DOCSTART- -X- O O\n\n# text = vitamin O\n# newdoc\nVitamin NN O\n# SYM O\n\n \n\n"
        "#tag NN B-X\n10\xa0000 CD O\n\n-DOCSTART- -X- O O\nlast NN O"
    )
    path = write(tmp_path, "x.conll", content)
    assert [(e.id, e.text) for e in read_examples(path)] == [("1", "Vitamin #"), ("2", "#tag 10\xa0000"), ("3", "last")]
    assert [d.text for d in read_documents(path)] == ["Vitamin #", "#tag 10\xa0000", "last"]


def test_conll_documents_need_no_tags_and_join_chinese(tmp_path: Path) -> None:
    path = write(tmp_path, "x.conll", "我\n爱\n北京\n\nAda\nran\n")
    assert list(read_documents(path)) == [Document("1", "我爱北京"), Document("2", "Ada ran")]
    assert "line 1: no tag column" in error(path)


@pytest.mark.parametrize(
    ("row", "says"),
    [("Ada\tPER", "'PER' is not a tag"), ("Ada B-", "'B-' is not a tag"), ("\tO", "first column is empty")],
)
def test_conll_line_that_cannot_be_read(tmp_path: Path, row: str, says: str) -> None:
    path = write(tmp_path, "x.conll", f"fine O\n\n{row}\n")
    assert error(path).startswith(f"{path}, line 3: ")
    assert says in error(path)


@ONE_FOLDER
@given(data=st.data())
def test_conll_round_trip(tmp_path: Path, data: st.DataObject) -> None:
    clean = TEXTS.map(lambda t: "".join(c for c in t if c not in " \t\r\n\ufeff\0")).filter(bool)
    examples = []
    for number in range(1, data.draw(st.integers(1, 3)) + 1):
        text, tokens = join(data.draw(st.lists(clean, min_size=1, max_size=5)))
        spans: list[Span] = []
        for i, token in enumerate(tokens):
            if data.draw(st.booleans()):
                # An entity of its own, or one more token of the entity before.
                longer = bool(spans) and spans[-1].end == tokens[i - 1].end and data.draw(st.booleans())
                start = spans.pop().start if longer else token.start
                spans.append(Span(start, token.end, data.draw(st.sampled_from(["PER", "fine dining", "a-b", "类"]))))
        examples.append(Example(str(number), text, tuple(spans)))
    write_examples(tmp_path / "x.conll", examples)
    assert read_examples(tmp_path / "x.conll") == examples


def test_conll_cuts_tokens_at_entities(tmp_path: Path) -> None:
    write_examples(tmp_path / "x.conll", [Example("1", "in Bergen. ", (Span(3, 9, "LOC"),))])
    assert (tmp_path / "x.conll").read_text() == "in\tO\nBergen\tB-LOC\n.\tO\n\n"


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (Example("n1", "Bank of Oslo", (Span(0, 12, "ORG"), Span(8, 12, "LOC"))), "nest or overlap"),
        (Example("n1", "Bank of Oslo", (Span(5, 12, "ORG"), Span(0, 7, "LOC"))), "nest or overlap"),
        (Example("n1", "a b", (Span(1, 3, "P"),)), "white space at its edge"),
        (Example("n1", " \n"), "no token"),
        (Example("n1", "a\ud800"), "lone surrogate"),
        (Example("n1", "a", (Span(0, 1, "P\tQ"),)), "holds a control character"),
    ],
)
def test_what_conll_cannot_say(tmp_path: Path, example: Example, says: str) -> None:
    with pytest.raises(DataError, match="'n1'") as caught:
        write_examples(tmp_path / "x.conll", [ADA, example])
    assert says in str(caught.value)
    assert not (tmp_path / "x.conll").exists()


# Documents, bytes and formats


def test_plain_lines_are_kept_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "x.txt", "\ufeff Ada\u2028met\x0bBob\x85.\x1c \r\n\n \t\r\nsame\nsame\nlast\r\r\n")
    assert list(read_documents(path)) == [
        Document("1", " Ada\u2028met\x0bBob\x85.\x1c "),
        Document("4", "same"),
        Document("5", "same"),
        Document("6", "last"),
    ]


def test_jsonl_documents(tmp_path: Path) -> None:
    rows = [
        '{"id": 5, "text": "a\\u0000\\ud800"}',
        '{"id": "5", "text": ""}',
        "",
        '{"id": null, "text": "b", "entities": "ignored"}',
        '{"tokens": ["c", "d"]}',
    ]
    path = write(tmp_path, "x.jsonl", "\ufeff" + "\n".join(rows))
    expected = [Document("5", "a\0\ud800"), Document("5", ""), Document("4", "b"), Document("5", "c d")]
    assert list(read_documents(path)) == expected


@ONE_FOLDER
@given(texts=st.lists(TEXTS.filter(lambda t: t.strip() and "\n" not in t and not t.endswith("\r")), max_size=5))
def test_any_text_can_be_a_plain_line(tmp_path: Path, texts: list[str]) -> None:
    texts = [text.lstrip("\ufeff").replace("\0", "0") for text in texts]
    texts = [text for text in texts if text.strip()]
    path = write(tmp_path, "x.txt", "\n".join(texts))
    assert [document.text for document in read_documents(path)] == texts


def test_very_long_lines(tmp_path: Path) -> None:
    text = "Ada 北京 👩 " * 30_000
    start = text.rindex("北京")
    example = Example("long", text, (Span(start, start + 2, "LOC"),))
    write_examples(tmp_path / "x.jsonl", [example])
    assert read_examples(tmp_path / "x.jsonl") == [example]
    assert [d.text for d in read_documents(write(tmp_path, "x.txt", text))] == [text]
    write_examples(tmp_path / "x.conll", [example])
    assert mentions(read_examples(tmp_path / "x.conll")[0]) == [("北京", "LOC")]


def test_invalid_utf8_says_which_byte(tmp_path: Path) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        path = write(tmp_path, "x.txt", mark + b"fine\nfa\xe7ade\n")
        documents = read_documents(path)
        assert next(documents).text == "fine"
        with pytest.raises(DataError, match=rf"x\.txt, line 2: byte {7 + len(mark)} of the file \(0xe7\).*UTF-8"):
            next(documents)
    path = write(tmp_path, "x.txt", b"\xef\xbb\xbfa\xff")
    with pytest.raises(DataError, match="byte 4 of the file"):
        list(read_documents(path))


@pytest.mark.parametrize(
    "content", ["Ada met Bob.\nHe ran.\n".encode("utf-16-le"), bytes(64), "Ada".encode("utf-16"), bytes(range(256))]
)
@pytest.mark.parametrize("name", ["x.txt", "x.jsonl", "x.conll", "x.bin"])
def test_binary_files_are_refused(tmp_path: Path, content: bytes, name: str) -> None:
    with pytest.raises(DataError, match=r"line \d+: .*(UTF-8|not valid JSON)"):
        list(read_documents(write(tmp_path, name, content)))


@pytest.mark.parametrize("name", ["x.jsonl", "x.conll", "x.txt", "x"])
@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_empty_file(tmp_path: Path, name: str, content: bytes) -> None:
    path = write(tmp_path, name, content)
    assert list(read_documents(path)) == []
    if content == b"":
        assert read_examples(path) == []


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_documents(tmp_path / "none.txt")
    with pytest.raises(DataError, match="a folder"):
        read_documents(tmp_path)
    with pytest.raises(DataError, match="cannot be opened"):
        read_documents("nu\0ll")


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('\n {"text": "a"}\n{"text": "b"}\n', ["a", "b"]),
        ("Ada B-PER\nran O\n\nBob B-PER\n", ["Ada ran", "Bob"]),
        ("Ada\tB-PER\n\nran\tO\n", ["Ada", "ran"]),
        ("Ada\tB-PER\n", ["Ada"]),
        ("-DOCSTART- -X- O\n\nAda\tO\n", ["Ada"]),
        ("his blood is type O\n", ["his blood is type O"]),
        ("his blood is type O\nmit der S-Bahn\n", ["his blood is type O", "mit der S-Bahn"]),
        ("Ada ran\n\nBob O\n", ["Ada ran", "Bob O"]),
    ],
)
def test_standard_input_is_sniffed(monkeypatch: pytest.MonkeyPatch, content: str, texts: list[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert [document.text for document in read_documents("-")] == texts
    assert not sys.stdin.buffer.closed


def test_errors_name_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"text": 3}')))
    with pytest.raises(DataError, match="standard input, line 1: "):
        list(read_documents("-"))


def test_format_by_name_overrides_the_extension(tmp_path: Path) -> None:
    path = write(tmp_path, "x.txt", "Ada B-PER\nran O\n")
    assert [d.text for d in read_documents(path, "plain")] == ["Ada B-PER", "ran O"]
    with pytest.raises(DataError, match=r"line 1: this looks like conll; say --format conll, or --format plain"):
        read_documents(path)
    assert [d.text for d in read_documents(path, "conll")] == ["Ada ran"]
    assert [e.text for e in read_examples(path)] == ["Ada ran"]  # plain text cannot be meant
    assert "plain text holds no labels" in error(path, format="plain")
    with pytest.raises(ConfigError, match="use one of jsonl, conll, csv, plain, brackets, inline"):
        read_documents(path, "xml")


def test_documents_are_streamed(tmp_path: Path) -> None:
    path = write(tmp_path, "x.txt", ("x" * 1000 + "\n") * 20_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_documents(path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


# Labels


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", '{"PER": "people", "LOC": ""}'),
        ("labels.json", '\ufeff{"labels": {"PER": "people", "LOC": ""}, "n_train": 3}'),
        ("labels.toml", '[labels]\nPER = "people"\nLOC = ""\n'),
        ("meta.json", '{"name": "x", "labels": {"PER": "people", "LOC": ""}}'),
    ],
)
def test_labels(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path, name, content)
    assert read_labels(tmp_path if name == "meta.json" else path) == (Label("PER", "people"), Label("LOC"))


def test_labels_without_descriptions(tmp_path: Path) -> None:
    assert read_labels(write(tmp_path, "x.json", '["PER", "labels"]')) == (Label("PER"), Label("labels"))
    assert read_labels(write(tmp_path, "y.json", '{"labels": "on parcels"}')) == (Label("labels", "on parcels"),)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.json", b"{}", "no labels"),
        ("x.json", b'"PER"', "no labels"),
        ("x.json", b'{"PER": 3}', "'PER' is no label"),
        ("x.json", b'[" "]', "' ' is no label"),
        ("x.json", b"[3]", "is no label"),
        ("x.json", b'{\n"PER" "people"}', "x.json, line 2: not valid JSON"),
        ("x.json", b"[" * 100_000, "too deeply nested"),
        ("x.json", b'{"PER": ' + b"9" * 5000 + b"}", "too many digits"),
        ("x.json", b'["\xff"]', "byte 2 is not valid UTF-8"),
        ("x.toml", b"[labels", "not valid TOML"),
    ],
)
def test_labels_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(write(tmp_path, name, content))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path / "none.json")
