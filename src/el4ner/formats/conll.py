"""CoNLL column files: a token and its tag on a line; blank lines between sentences.

Columns are parted by tabs, in lines without a tab by spaces. The token is in the first column and its tag in the last,
unless the user names others, or the first rows show another order: a first column that counts the tokens (GermEval,
CoNLL-U), several layers of tags (GermEval), other columns behind or phrases before the tags, the tag before the token.
What cannot be told is refused. `-DOCSTART-` lines, a row that names the columns and comments are skipped: comments are
lines that begin with "# " and have no tag in the last column, or are of CoNLL-U's form "# key = value" (which are
carried along with a text, but for `# text`, see `sentence`). What tags mean is in `bio`: those of every usual scheme
are read, BIO is written.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice, pairwise

from el4ner.data import Document, Example, Span
from el4ner.errors import DataError
from el4ner.formats.bio import Tag, contradiction, decode, encode, parse, parse_io, signs
from el4ner.formats.columns import find_columns, tag_in, without_header
from el4ner.formats.format import Format
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line
from el4ner.formats.offsets import fault, split
from el4ner.formats.sentence import Columns, TokenRow, read_sentence, sentences

_AHEAD = 10_000  # lines that are looked at for what the columns hold
_TAG = r"(?:O|[BIMELSU]-\S+)"
_TAGGED = re.compile(rf"[^\t ].*[\t ]{_TAG}\s*")
_SAME = re.compile(r"#[\t ]")
_CONLLU = re.compile(r"[01](?:-\d+)?\t(?:[^\t]*\t){8}[^\t]*")
_TAG_FIRST = re.compile(rf"{_TAG}\t\S+\s*")
_LABEL = re.compile(r"\S(?:[^\t\r\n]*[^\t\r\n ])?")
_USUAL = Columns()
_REPAIRS = {
    "end alone": "ends an entity that was not begun; read as one of its own",
    "not begun": "goes on with an entity that was not begun; read as its beginning",
    "not ended": "has no end behind it (E- or L-); read as the end",
}


def documents(lines: Iterable[Line], columns: Columns = _USUAL) -> Iterator[Document]:
    """The sentences under their numbers, "1", "2", ...; tags are ignored and need not be there."""
    for number, sentence in enumerate(without_header(sentences(lines)), start=1):
        notes = {key: value for key, value in sentence.notes.items() if key != "text"}
        yield Document(str(number), read_sentence(sentence, columns)[0], notes)


def examples(lines: Iterable[Line], columns: Columns = _USUAL) -> Iterator[Example]:
    """The labelled sentences under their numbers, "1", "2", ... Raises `DataError`.

    Tags that contradict the file's own scheme are repaired (see `bio`), and the first of them is warned of.
    """
    seen: dict[str, tuple[TokenRow, str]] = {}
    for number, sentence in enumerate(without_header(sentences(lines)), start=1):
        if columns.unclear:
            raise sentence.rows[0].line.error(columns.unclear)
        text, words = read_sentence(sentence, columns)
        entities: dict[Span, None] = {}
        for column in columns.tags:
            tags = [_tag(row, column, columns.io) for row, _ in words]
            for span in decode(tags):
                entities[Span(words[span.start][1].start, words[span.end - 1][1].end, span.label)] = None
            for sign, at in signs(tags):
                seen.setdefault(sign, (words[at][0], words[at][0].cells[column]))
        yield Example(str(number), text, tuple(entities))
    if not columns.io and (odd := contradiction(seen)):
        row, tag = seen[odd]
        warnings.warn(str(row.line.error(f"{tag[:40]!r} {_REPAIRS[odd]}, here and perhaps elsewhere")), stacklevel=2)


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
    and as many columns in both. Comments are passed over; ten columns of which the first is 1 are CoNLL-U.
    """
    first = next(texts, "")
    while _SAME.match(first) and not _TAGGED.fullmatch(first):
        first = next(texts, "")
    if first.lstrip().startswith("-DOCSTART-") or _CONLLU.fullmatch(first):
        return True
    form, tabs = (_TAG_FIRST if _TAG_FIRST.fullmatch(first) else _TAGGED), "\t" in first.lstrip()
    if not form.fullmatch(first):
        return False
    if (second := next(texts, None)) is None:
        return tabs and form is _TAGGED
    return (tabs or len(first.split()) == len(second.split())) and form.fullmatch(second) is not None


def fit(lines: Iterator[Line], layout: FileLayout) -> Format:
    """The format whose readers know the columns. Raises `DataError` where the token's cannot be told."""
    layout.only("CoNLL", "token", "tag", "scheme")
    columns = find_columns(list(without_header(sentences(islice(lines, _AHEAD)))), layout)
    return Format(CONLL.name, partial(documents, columns=columns), partial(examples, columns=columns), CONLL.write)


def _tag(row: TokenRow, column: int, io: bool) -> Tag:
    if len(row.cells) < 2 or column >= len(row.cells):
        raise row.line.error("no tag column; write the token, a tab and its tag")
    cell = tag_in(row.cells, column)
    tag = parse_io(cell) if io else parse(cell)
    if tag is None:
        where = "the last column" if column in (-1, len(row.cells) - 1) else f"column {column + 1}"
        form = (
            "has no prefix in the scheme io"
            if io
            else "holds O or a tag such as B-PER; bare types: `el4ner data convert --scheme io`"
        )
        raise row.line.error(f"{cell[:40]!r} is not a tag; {where} {form}")
    return tag


def _unsayable(example: Example) -> str:
    ordered = sorted(example.entities, key=lambda s: s.start)
    for span in ordered:
        if problem := fault(span.start, span.end, len(example.text)):
            return f"an entity {problem}"
        if not span.label or not _LABEL.fullmatch(span.label):
            return f"the label {span.label!r} cannot stand in a column; rename it"
    if any(a.overlaps(b) for a, b in pairwise(ordered)):
        return "its entities nest or overlap, which CoNLL cannot say; write JSONL"
    if "\0" in example.text:
        return "a null character, which no text file holds; write JSONL"
    try:
        "".join([example.text, *(s.label or "" for s in ordered)]).encode()
    except UnicodeEncodeError:
        return "a lone surrogate, which UTF-8 cannot say; write JSONL"
    return ""


CONLL = Format("conll", documents, examples, lines, (".conll", ".conllu", ".bio", ".iob", ".iob2", ".tsv"), sniff, fit)
