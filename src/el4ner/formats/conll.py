"""CoNLL column files: one token a line, in the first column, its tag in the last; blank lines between sentences.

Columns are parted by tabs, in lines without a tab by spaces. `-DOCSTART-` lines are skipped, and so are comments: lines
that begin with "# " and have no tag in the last column, or are of CoNLL-U's form "# key = value". What tags mean is in
`bio`: those of every usual scheme are read, BIO is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from el4ner.data import Document, Example, Span
from el4ner.errors import DataError
from el4ner.formats.bio import decode, encode
from el4ner.formats.format import Format
from el4ner.formats.lines import Line
from el4ner.formats.offsets import fault, join, split

_TAG = re.compile(r"O|[BIMELSU]-\S.*")
_TAGGED = re.compile(r"[^\t ].*[\t ](?:O|[BIMELSU]-\S+)\s*")
_KEY = re.compile(r"# [^\s=]+ = ")
_LABEL = re.compile(r"\S(?:[^\t\r\n]*[^\t\r\n ])?")


def documents(lines: Iterable[Line]) -> Iterator[Document]:
    """The sentences under their numbers, "1", "2", ...; tags are ignored and need not be there."""
    for number, rows in enumerate(_sentences(lines), start=1):
        yield Document(str(number), join([columns[0] for _, columns in rows])[0])


def examples(lines: Iterable[Line]) -> Iterator[Example]:
    """The labelled sentences under their numbers, "1", "2", ... Raises `DataError`."""
    for number, rows in enumerate(_sentences(lines), start=1):
        text, tokens = join([columns[0] for _, columns in rows])
        spans = decode(_tag(line, columns) for line, columns in rows)
        entities = tuple(Span(tokens[s.start].start, tokens[s.end - 1].end, s.label) for s in spans)
        yield Example(str(number), text, entities)


def lines(examples: Iterable[Example]) -> Iterator[str]:
    """Tab-separated BIO, with a blank line after each example.

    Tokens are cut as in `offsets.split`, at the entities' edges among others, so that every entity can be said. Ids are
    not written. Raises `DataError`, naming the id, for what the format cannot say: entities that share a character or
    have white space at an edge, a text without a token, lone surrogates, line ends or tabs in a label.
    """
    for example in examples:
        problem = _unsayable(example)
        tokens = split(example.text, [edge for s in example.entities for edge in (s.start, s.end)])
        starts, ends = {t.start for t in tokens}, {t.end for t in tokens}
        if not problem and any(s.start not in starts or s.end not in ends for s in example.entities):
            problem = "an entity has white space at its edge; trim it"
        if problem or not tokens:
            raise DataError(f"example {example.id!r}: {problem or 'no token to write; leave it out'}")
        tags = encode([t.start for t in tokens], example.entities)
        yield from (f"{example.text[t.start : t.end]}\t{tag}" for t, tag in zip(tokens, tags, strict=True))
        yield ""


def sniff(texts: Iterator[str]) -> bool:
    """Whether they begin with `-DOCSTART-`, or two with tags in the last column (one, if it is the only one).

    Spaces alone are weak evidence, since texts, too, end in "blood type O" or "the S-Bahn": then it takes two lines,
    and as many columns in both.
    """
    first = next(texts, "")
    if first.lstrip().startswith("-DOCSTART-"):
        return True
    if not _TAGGED.fullmatch(first):
        return False
    second, tabs = next(texts, None), "\t" in first.lstrip()
    if second is None:
        return tabs
    return (tabs or len(first.split()) == len(second.split())) and _TAGGED.fullmatch(second) is not None


def _sentences(lines: Iterable[Line]) -> Iterator[list[tuple[Line, list[str]]]]:
    """The lines of each sentence with their columns; the first one is never empty."""
    rows: list[tuple[Line, list[str]]] = []
    for line in lines:
        columns = _columns(line.text)
        if not any(columns) or columns[0] == "-DOCSTART-":
            if rows:
                yield rows
            rows = []
        elif not columns[0]:
            raise line.error("the first column is empty; it holds the token")
        elif not _is_comment(line.text, columns):
            rows.append((line, columns))
    if rows:
        yield rows


def _columns(text: str) -> list[str]:
    if "\t" in text:
        return [column.strip(" ") for column in text.split("\t")]
    return re.split(" +", text.strip(" "))


def _is_comment(text: str, columns: list[str]) -> bool:
    untagged = not _TAG.fullmatch(columns[-1])
    return text.startswith("# ") and (untagged or _KEY.match(text) is not None)


def _tag(line: Line, columns: list[str]) -> str:
    if len(columns) < 2:
        raise line.error("no tag column; write the token, a tab and its tag")
    if not _TAG.fullmatch(columns[-1]):
        form = "the last column holds O or a tag such as B-PER"
        raise line.error(f"{columns[-1][:40]!r} is not a tag; {form}")
    return columns[-1]


def _unsayable(example: Example) -> str:
    ordered = sorted(example.entities, key=lambda s: s.start)
    for span in ordered:
        if problem := fault(span.start, span.end, len(example.text)):
            return f"an entity {problem}"
        if not span.label or not _LABEL.fullmatch(span.label):
            return f"the label {span.label!r} cannot stand in a column; rename it"
    if any(a.overlaps(b) for a, b in pairwise(ordered)):
        return "its entities nest or overlap, which CoNLL cannot say; write JSONL"
    try:
        "".join([example.text, *(s.label or "" for s in ordered)]).encode()
    except UnicodeEncodeError:
        return "a lone surrogate, which UTF-8 cannot say; write JSONL"
    return ""


CONLL = Format("conll", documents, examples, lines, (".conll", ".bio", ".iob", ".tsv"), sniff)
