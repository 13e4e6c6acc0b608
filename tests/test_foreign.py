"""JSON of other tools and of other shapes: read where it is exact, else named; and what is no JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from el4ner.data import Document, Example, Span
from el4ner.errors import DataError
from el4ner.formats import FileLayout, read_documents, read_examples, read_labels
from el4ner.formats.jsonl import dumps

ADA = (Span(0, 3, "PER"),)
SPAN = {"start": 0, "end": 3, "label": "PER"}


def write(folder: Path, *values: object, name: str = "x.jsonl", indent: int | None = None) -> Path:
    lines = [value if isinstance(value, str) else json.dumps(value, indent=indent) for value in values]
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}, ")


# Read


@pytest.mark.parametrize(
    "value",
    [
        {"text": "Ada ran", "label": [[0, 3, "PER"]], "Comments": []},  # doccano
        {"text": "Ada ran", "labels": [[0, 3, "PER"]]},
        {"text": "Ada ran", "entities": [[0, 3, "PER"]]},
        {
            "text": "Ada ran",
            "spans": [SPAN | {"token_start": 0}],
            "tokens": [{"text": "Ada"}],
            "answer": "accept",
        },  # Prodigy
        {"text": "Ada ran", "ents": [SPAN], "tokens": [{"id": 0, "start": 0, "end": 3}]},  # spaCy's doc.to_json()
        ["Ada ran", {"entities": [[0, 3, "PER"]]}],  # spaCy 2
        {"tokenized_text": ["Ada", "ran"], "ner": [[0, 0, "PER"]]},  # GLiNER
        {"tokens": ["Ada", "ran"], "ner_tags": ["B-PER", "O"], "id": "1"},  # Hugging Face
        {"tokens": ["Ada", "ran"], "tags": ["S-PER", "O"]},
        {"tokens": ["Ada", "ran"], "entities": [{"start": 0, "end": 1, "label": "PER", "text": "Ada"}]},
        {"text": "Ada ran", "entities": [SPAN | {"text": "Ada"}], "label": [[4, 7, "X"]]},  # ours goes first
    ],
)
def test_exact_records_are_read(tmp_path: Path, value: object) -> None:
    path = write(tmp_path, value)
    assert read_examples(path) == [Example("1", "Ada ran", ADA)]
    assert [d.text for d in read_documents(path)] == ["Ada ran"]
    assert read_examples(write(tmp_path, [value, value], name="x.json", indent=1))[1].entities == ADA


@pytest.mark.parametrize(
    "value",
    [
        {"text": "Ada ran", "label": []},
        {"text": "Ada ran", "spans": []},
        ["Ada ran", {"entities": []}],
        {"tokens": ["Ada", "ran"], "ner_tags": ["O", "O"]},
    ],
)
def test_texts_without_entities(tmp_path: Path, value: object) -> None:
    assert read_examples(write(tmp_path, value)) == [Example("1", "Ada ran")]


# Named


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            {"id": 1, "data": {"text": "Ada"}, "annotations": []},
            'this is Label Studio\'s JSON form (it has "data", "anno',
        ),
        ({"text": "Ada", "label": [SPAN | {"labels": ["PER"]}]}, "this is Label Studio's JSON_MIN form"),
        ({"text": "Ada", "extractions": []}, "this is langextract's form"),
        ({"Entities": [{"BeginOffset": 0, "EndOffset": 3, "Type": "PER"}]}, "this is Amazon Comprehend's form"),
        ({"text": "Ada", "entities": [{"offset": 0, "length": 3, "category": "PER"}]}, "this is Azure's form"),
        ({"entities": [{"mentions": [], "salience": 1, "name": "Ada"}]}, "this is Google Natural Language's form"),
        ({"textSnippet": {"content": "Ada"}, "annotations": []}, "this is Google AutoML's form"),
        ({"rasa_nlu_data": {}}, "this is Rasa's form"),
        ({"text": "Ada", "entities": [{"start": 0, "end": 3, "entity": "PER"}]}, "this is Rasa's form"),
        ({"text": "Ada", "entities": [{"start_offset": 0, "end_offset": 3, "label": "PER"}]}, "this is doccano's form"),
        ({"tokens": ["Ada"], "entities": [{"start": 0, "end": 1, "type": "PER"}]}, "this is SpERT's form"),
        ({"sentences": [["Ada"]], "ner": [[[0, 0, "PER"]]]}, "this is DyGIE's form"),
        ({"content": "Ada", "annotation": []}, "this is Dataturks' form"),
        ({"text": "Ada", "label": {"name": {"Ada": [[0, 2]]}}}, "this is CLUENER's form"),
        ({"input": "Ada", "output": {}}, "this is GLiNER2's form"),
        ({"messages": []}, "this is a chat model's training data form"),
        ({"tokens": ["Ada"], "ner_tags": [1]}, "the tags are numbers; give their names"),
        ({"tokens": ["Ada"], "ner_tags": ["PER"]}, "'PER' is no tag; write O or a tag such as B-PER"),
        ({"tokens": ["Ada"], "ner_tags": ["O", "O"]}, "1 tokens and 2 tags; give each token its tag"),
        ({"text": "Ada", "spans": [], "answer": "reject"}, "\"answer\" is 'reject': these spans were not accepted"),
        ({"text": "Ada", "label": "positive"}, '(the keys are "text", "label")'),
        ({"text": "Ada", "label": [[0, 3]]}, "entity 1 is not an object"),
        ({"text": "Ada", "label": [[0, "3", "PER"]]}, '"end" of entity 1 is a string'),
        ({"text": "Ada", "label": [[0, 9, "PER"]]}, "entity 1 ends at 9 but the text has 3 characters"),
        (
            {"sentence": "Ada", "entities": []},
            '"text" is missing; give a string, or name its key by --column',
        ),
        ({"a\x85b": 1, "ü": 2}, 'the keys are "a'),
        ({f"k{n}": 1 for n in range(20)}, '"k6", "k7", ...)'),
    ],
)
def test_other_records_are_named(tmp_path: Path, value: object, says: str) -> None:
    message = refused(write(tmp_path, {"text": "", "entities": []}, value))
    assert message.startswith("line 2: ")
    assert says in message


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ("T1\tPER 0 3\tAda", "this is brat's .ann, which is not read"),
        ("T1\tPER 0 3;5 7\tAda", "this is brat's .ann"),
        ("#FORMAT=WebAnno TSV 3.3", "this is WebAnno's TSV"),
        ('<?xml version="1.0"?>', "this is XML or HTML"),
        ("<!DOCTYPE html>", "this is XML or HTML"),
        ("%PDF-1.7", "this is a PDF or RTF file"),
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x", "x.conll"])
def test_other_files_are_named(tmp_path: Path, first: str, says: str, name: str) -> None:
    path = write(tmp_path, "", first, "more", name=name)
    with pytest.raises(DataError, match="line 2: ") as caught:
        list(read_documents(path))
    assert says in str(caught.value)
    assert [d.text for d in read_documents(path, "plain")] == [first, "more"]


@pytest.mark.parametrize("first", ["T1 is a tumour stage", "T4\tis a hormone", "<b>Ada</b> ran", "# FORMAT"])
def test_prose_is_no_file_of_others(tmp_path: Path, first: str) -> None:
    assert [d.text for d in read_documents(write(tmp_path, first, "more", name="x.txt"))] == [first, "more"]


@pytest.mark.parametrize(
    ("text", "start", "end", "says"),
    [
        ("🚀 Ada ran", 3, 6, "its offsets count UTF-16 units; count characters, the end exclusive"),
        ("é Ada ran", 3, 6, "its offsets count bytes; count characters"),
        ("Ada ran", 0, 2, "its offsets have the last character as their end"),
        ("x Ada ran", 3, 5, "its offsets count from 1"),
        ("a\nb\nAda ran", 6, 9, "its offsets count line ends as two characters"),
        ("Ada ran", 4, 7, "count characters, not bytes"),
    ],
)
def test_offsets_in_other_units_are_told(tmp_path: Path, text: str, start: int, end: int, says: str) -> None:
    row = {"start": start, "end": end, "label": "PER", "text": "Ada"}
    message = refused(write(tmp_path, {"text": text, "entities": [row]}))
    assert message.startswith("line 1: entity 1 says another text than stands at its offsets")
    assert says in message


# Carried


def test_what_else_a_line_says_is_carried(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"id": "a", "text": "Ada", "meta": {"source": "web", "n": 1}, "n": 2, "when": None, "deep": [{"x": 1.5}]},
        {"text": "Bob", "entities": [], "warnings": ["cut"], "failed": {"phi4": "HTTP 404"}},
        {"text": "Eve", "el4ner": 1, "decision": {}, "ballots": [], "traces": [], "meta": {}},
        {"text": "Ann", "decision": "mine"},
    )
    assert list(read_documents(path)) == [
        Document("a", "Ada", {"n": 1, "when": None, "deep": [{"x": 1.5}], "source": "web"}),
        Document("2", "Bob"),
        Document("3", "Eve"),
        Document("4", "Ann", {"decision": "mine"}),
    ]


def test_what_others_call_as_we_do_is_carried(tmp_path: Path) -> None:
    own = [
        {"failed": True, "score": 0.5, "votes": 3, "label": "x", "verified": None},
        {"failed": ["phi4"]},
        {"failed": {"phi4": 404}},
        {"failed": {"phi4": "HTTP 404"}},
        {"warnings": ["mine"]},
        {"tokens": ["Ada", "met"]},
        {"el4ner": "yes", "decision": "appealed", "ballots": 3},
    ]
    path = write(tmp_path, *({"text": "Ada", **fields} for fields in own))
    assert [document.meta for document in read_documents(path)] == own


def test_meta_that_is_no_object(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='line 1: "meta" is a list; give an object'):
        list(read_documents(write(tmp_path, {"text": "Ada", "meta": []})))


def test_keys_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"key": 7, "body": "Ada", "text": "other", "id": "x", "entities": [SPAN]})
    layout = FileLayout(text="body", id="key")
    assert list(read_documents(path, layout=layout)) == [Document("7", "Ada", {"text": "other", "id": "x"})]
    assert read_examples(path, layout=layout) == [Example("7", "Ada", ADA)]
    with pytest.raises(DataError, match='line 1: "nr" is missing'):
        list(read_documents(path, layout=FileLayout(text="body", id="nr")))


def test_an_id_that_comes_twice_is_said_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"id": "a", "text": "x"}, {"text": "y"}, {"id": "a", "text": "z"}, {"id": "a", "text": ""})
    with pytest.warns(UserWarning, match=r"x\.jsonl, line 3: the id 'a' stands in line 1, too") as said:
        assert [d.id for d in read_documents(path)] == ["a", "2", "a", "a"]
    assert [warning.category for warning in said].count(UserWarning) == 1


# JSON


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "a", "x": NaN}', "NaN is no number in JSON; write null), column 20"),
        ('{"text": "NaN", "x": [-Infinity]}', "-Infinity is no number in JSON; write null), column 23"),
        ('{"text": "a", "score": 1e999}', "1e999 is too large for a number), column 24"),
        ('{"text": "a", "text": "b"}', 'the key "text" stands twice in one object)'),
        ('{"text": "a", "entities": [{"start": 0, "start": 1}]}', 'the key "start" stands twice'),
        ('{"text": "a", "x": ' + "[" * 200 + "]" * 200 + "}", "too deeply nested, more than 100 levels"),
        ('{"text": "a", "x": ' + "9" * 5000 + "}", "a number has too many digits"),
        ('{"text": "a"} {"text": "b"}', "something stands behind the value), column 15"),
        ('{"text": "a"},', "something stands behind the value), column 14"),
        ("'text'", "not valid JSON (Expecting value), column 1"),
        ('"Ada"', "not a JSON object"),
        ('["Ada"]', "not a JSON object"),
    ],
)
def test_json_that_is_none(tmp_path: Path, line: str, says: str) -> None:
    path = write(tmp_path, {"text": "", "entities": []}, line)
    message = refused(path)
    assert message.startswith("line 2: ")
    assert says in message
    with pytest.raises(DataError):
        list(read_documents(path))


def test_what_is_carried_can_be_written_again(tmp_path: Path) -> None:
    line = '{"text": "a", "meta": {"n": %s, "f": -1.5e-7, "t": "\\ud800"}}' % ("7" * 4000)
    (document,) = read_documents(write(tmp_path, line))
    assert json.loads(dumps({"text": document.text, "meta": document.meta})) == json.loads(line)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ('[\n{"text": "a", "entities": []},\n\n{"text": "b",\n "entities": []}\n]\n', ["2", "4"]),
        ('[{"text": "a", "entities": []}, {"text": "b", "entities": []}]', ["1", "1"]),
        ('\n\n[{"text": "a", "entities": []},\n{"text": "b", "entities": []}]\n\n', ["3", "4"]),
        ('{\n"text": "a",\n"entities": []\n}\n{\n"text": "b", "entities": []\n}', ["1", "5"]),
        ('{"text": "a",\r"entities": []}\r{"text": "b", "entities": []}', ["1", "3"]),
        ('["a", {"entities": []}]\n["b", {"entities": []}]', ["1", "2"]),
        ('[["a", {"entities": []}],\n["b", {"entities": []}]]', ["1", "2"]),
        ("[]", []),
        ("[\n]\n", []),
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x"])
def test_json_that_keeps_to_no_lines(tmp_path: Path, content: str, lines: list[str], name: str) -> None:
    path = write(tmp_path, content, name=name)
    if name != "x" or len(lines) > 0:
        assert [(e.id, e.text) for e in read_examples(path)] == list(zip(lines, "ab", strict=False))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[\n{"text": "a", "entities": []},\n{"text": 3}\n]', 'line 3: "text" is a number'),
        ('[\n{"text": "a", "entities": []},\n{"text": "b"\n', "line 3: not valid JSON"),
        ('[\n{"text": "a", "entities": []},\n', "line 2: not valid JSON (the array does not end)"),
        ('[\n{"text": "a", "entities": []}\n{"text": "b"}]', "line 3: not valid JSON (a comma or the array's end is"),
        ('[\n{"text": "a", "entities": []}\n]\n{}', "line 4: something stands behind the array"),
        ('[\n{"text": "a",\n"entities": NaN}\n]', "line 3: not usable JSON (NaN is no number"),
        ('[\n{"text": "a", "entities": []},\n3]', "line 3: not a JSON object"),
        ('{"text": "Ada"\n{"text": "b"}\n', "line 1: not valid JSON (Expecting ',' delimiter), column 15"),
    ],
)
def test_errors_in_such_json_have_their_line(tmp_path: Path, content: str, says: str) -> None:
    assert refused(write(tmp_path, content)).startswith(says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"PER": "people",\n "LOC": NaN}', "x.json, line 2: not usable JSON (NaN"),
        ('{"PER": "people",\n "PER": "others"}', 'the key "PER" stands twice'),
    ],
)
def test_labels_are_held_to_the_standard_too(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(write(tmp_path, content, name="x.json"))
    assert says in str(caught.value)
