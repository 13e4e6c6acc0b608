"""Files of texts and examples, whatever is in them: read with offsets that can be, or refused with file and line."""

from __future__ import annotations

import random
import re
import warnings
from functools import partial
from pathlib import Path

import pytest
from campaign import campaign, told
from corpus_files import CONLL, FILES, JSONL, SUFFIXES, TOKENS
from growth import in_line
from mutation import mutated_bytes, mutated_text, nasty

from el4ner.data import Document, Example
from el4ner.errors import DataError
from el4ner.formats import read_documents, read_examples, write_examples

pytestmark = pytest.mark.fuzz
File = tuple[str, bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def file(rng: random.Random) -> File:
    """A suffix and the bytes of a file: a valid one with changes, or never valid."""
    text = rng.choice((*FILES, JSONL, CONLL))
    match rng.randint(0, 9):
        case 0:
            content = rng.randbytes(rng.randint(0, 200))
        case 1:
            content = nasty(rng, 20).encode("utf-8", rng.choice(("surrogatepass", "replace")))
        case 2:
            content = text.encode(rng.choice(("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252")), "replace")
        case 3 | 4 | 5:
            content = mutated_text(rng, text).encode("utf-8", "surrogatepass")
        case 6:
            content = mutated_bytes(rng, (text + rng.choice(FILES)).encode(), TOKENS)
        case _:
            content = mutated_bytes(rng, text.encode(), TOKENS)
    return rng.choice(SUFFIXES), content


def refused(path: Path, content: bytes, error: DataError) -> None:
    """The error is one line that names the file, and a line that there is if it names one."""
    told(error, str(path))
    if named := re.search(r", lines? (\d+)", str(error)):
        assert 1 <= int(named[1]) <= len(re.split(b"\r\n|\r|\n", content)), error


def documents(folder: Path, given: File) -> None:
    suffix, content = given
    (path := folder / f"in{suffix}").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is mended is said
        try:
            found = list(read_documents(path))
        except DataError as error:
            refused(path, content, error)
            return
    for document in found:
        assert isinstance(document, Document)
        assert isinstance(document.id, str)
        assert isinstance(document.text, str)


def examples(folder: Path, given: File) -> None:
    suffix, content = given
    (path := folder / f"in{suffix}").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is mended is said
        try:
            found = read_examples(path)
        except DataError as error:
            refused(path, content, error)
            return
    for example in found:
        assert isinstance(example.id, str)
        for span in example.entities:
            assert 0 <= span.start < span.end <= len(example.text)
            assert span.label is not None
            assert span.label.strip()
    rewritten(folder, found)


def rewritten(folder: Path, found: list[Example]) -> None:
    """What was read can be written, or is refused by its id, and reads back as it was."""
    path = folder / "out.jsonl"
    try:
        write_examples(path, found)
    except DataError as error:
        told(error)
        return
    again = read_examples(path)
    assert [(e.id, e.text, e.entities) for e in again] == [(e.id, e.text, e.entities) for e in found]


def test_texts_of_any_file_are_read_or_refused(folder: Path) -> None:
    campaign("texts", file, partial(documents, folder))


def test_examples_of_any_file_are_read_or_refused(folder: Path) -> None:
    campaign("examples", file, partial(examples, folder))


LINES = (
    "\n", "\r", "\r\n", " ", "\t", "a", "a\n", "a\tO\n", "a\tB-x\n\n", "# ", "# a = b\n", "-DOCSTART- O\n\n", "{",
    "[", '"', "\\", '{"text": "a", "entities": []}\n', '{"text": "a", "label": []}\n', "1\ta\tO\n", "a,b\n", '"a",',
    '"\n', '""', ";", "|", "中", "[a](b) ", "<a>", "<a>b</a>", "a B-x\n", "1-2\ta\n", "9",
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".conll", ".csv", ".txt"])
def test_the_time_to_read_a_file_grows_with_it(folder: Path, suffix: str) -> None:
    path = folder / f"in{suffix}"

    def work(text: str) -> None:
        path.write_text(text, "utf-8", newline="")
        for reader in (read_examples, read_documents):
            try:
                list(reader(path))
            except DataError:
                continue

    in_line(work, ("", '{"text": "a", "entities": ['), LINES)


@pytest.mark.parametrize("kind", ["tokens", "entities", "overlapping", "keys"])
def test_the_time_to_read_one_example_grows_with_it(folder: Path, kind: str) -> None:
    path = folder / "in.jsonl"

    def work(size: str) -> None:
        n = len(size)
        words, rows = ["a"] * n, ", ".join(f'{{"start": {i}, "end": {i + 1}, "label": "x"}}' for i in range(n))
        said = {
            "tokens": f'"tokens": {words}, "entities": [{rows}]'.replace("'", '"'),
            "entities": f'"text": "{"a" * n}", "entities": [{rows}]',
            "overlapping": f'"text": "{"a" * n}", "entities": [{", ".join(_from(0, n) for _ in range(n))}]',
            "keys": f'"text": "a", "entities": [], {", ".join(f"{chr(34)}k{i}{chr(34)}: 1" for i in range(n))}',
        }[kind]
        path.write_text(f"{{{said}}}")
        write_examples(folder / "out.jsonl", read_examples(path))

    in_line(work, patterns=("a",), most=16_000)


def _from(start: int, end: int) -> str:
    return f'{{"start": {start}, "end": {end}, "label": "x"}}'
