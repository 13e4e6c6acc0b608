"""Sentences of column files: rows between blank lines, the comments above them, and the text that the rows make up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from el4ner.data import Span
from el4ner.formats.bio import parse
from el4ner.formats.lines import Line
from el4ner.formats.offsets import join

_NOTE = re.compile(r"#[\t ]+([^\s=]+) = (.*)")
_COMMENT = re.compile(r"#[\t ]")
_GLUED = re.compile(r"(?:^|\|)SpaceAfter=No(?:\||$)")
_RANGE = re.compile(r"(\d{1,6})-(\d{1,6})")
_EMPTY_NODE = re.compile(r"\d{1,6}\.\d{1,6}")
_NUMBER = re.compile(r"\d{1,9}")
_START = "-DOCSTART-"
_LONGEST = 100  # words that one token stands for


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A line and its columns."""

    line: Line
    cells: list[str]

    @property
    def is_word(self) -> bool:
        """Whether it is none of CoNLL-U's lines for a token of several words or for an empty node."""
        return not _RANGE.fullmatch(self.cells[0]) and not _EMPTY_NODE.fullmatch(self.cells[0])


@dataclass(frozen=True, slots=True)
class Sentence:
    """Rows, at least one, and what the comments above them say, `# key = value`."""

    rows: list[TokenRow]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what, from 0, or from the end if negative. `tags`: a column for each layer of entities.

    `number` counts the tokens of a sentence. `width` is how many columns each row has, where that is held to; `unclear`
    says, in a message, why labels cannot be read.
    """

    token: int = 0
    tags: tuple[int, ...] = (-1,)
    number: int | None = None
    width: int | None = None
    io: bool = False
    unclear: str = ""


def sentences(lines: Iterable[Line]) -> Iterator[Sentence]:
    """The sentences of a file, without `-DOCSTART-` lines."""
    rows: list[TokenRow] = []
    notes: dict[str, str] = {}
    for line in lines:
        cells = split_columns(line.text)
        if not any(cells) or _START in cells[:2]:
            if rows:
                yield Sentence(rows, notes)
                rows, notes = [], {}
        elif _is_comment(line.text, cells[-1], not rows):
            if note := _NOTE.fullmatch(line.text):
                notes[note[1]] = note[2]
        else:
            rows.append(TokenRow(line, cells))
    if rows:
        yield Sentence(rows, notes)


def split_columns(text: str) -> list[str]:
    """The columns of a line: parted by tabs, in a line without a tab by spaces."""
    if "\t" in text:
        return [column.strip(" ") for column in text.split("\t")]
    return re.split(" +", text.strip(" "))


def read_sentence(sentence: Sentence, columns: Columns) -> tuple[str, list[tuple[TokenRow, Span]]]:
    """The text, and where each word stands in it.

    The text is that of the comment `# text = ...` where the tokens make it up, else the tokens with spaces between
    them, without one where a column says `SpaceAfter=No` (else see `offsets.join`). Words that share one token in the
    text, as French "du" is "de" and "le", have its place. Raises `DataError` for rows that do not fit the columns.
    """
    tokens: list[str] = []
    glued: list[bool] = []
    words: list[tuple[TokenRow, int]] = []
    covered = 0  # words to come that belong to the token before
    for row in sentence.rows:
        cells = _fitting(row, columns)
        if columns.number is not None and (spread := _RANGE.fullmatch(cells[columns.number])):
            covered = int(spread[2]) - int(spread[1]) + 1
            if not 0 < covered <= _LONGEST:
                raise row.line.error(f"{spread[0]} is no range of words; write as in 1-2")
        elif columns.number is not None and _EMPTY_NODE.fullmatch(cells[columns.number]):
            continue
        elif columns.number is not None and not _NUMBER.fullmatch(cells[columns.number]):
            raise row.line.error(
                f"the tokens are numbered, but here stands {cells[columns.number][:40]!r}; mend the line"
            )
        elif covered:
            covered -= 1
            words.append((row, len(tokens) - 1))
            continue
        else:
            words.append((row, len(tokens)))
        tokens.append(cells[columns.token])
        glued.append(columns.number is not None and _GLUED.search(cells[-1]) is not None)
    text, places = _placed(tokens, glued, sentence.notes.get("text"))
    return text, [(row, places[at]) for row, at in words]


def _fitting(row: TokenRow, columns: Columns) -> list[str]:
    cells = row.cells
    if columns.width is not None and len(cells) != columns.width:
        raise row.line.error(f"{len(cells)} columns, where the others have {columns.width}; mend the line")
    if columns.token >= len(cells) or not cells[columns.token]:
        which = "the first column" if columns.token == 0 else f"column {columns.token + 1}"
        raise row.line.error(f"{which} is empty; it holds the token")
    return cells


def _is_comment(text: str, last: str, above: bool) -> bool:
    """Whether it is no token `#`: that has a tag in the last column; above a sentence, "0" and "_" are none."""
    if not _COMMENT.match(text):
        return False
    return _NOTE.fullmatch(text) is not None or parse(last) is None or (above and last in ("0", "_"))


def _placed(tokens: Sequence[str], glued: Sequence[bool], said: str | None) -> tuple[str, list[Span]]:
    if said is not None and (places := _aligned(said, tokens)):
        return said, places
    if not any(glued):
        return join(tokens)
    places, pieces, end = [], [], 0
    for token, close in zip(tokens, glued, strict=True):
        places.append(Span(end, end + len(token)))
        pieces += [token, "" if close else " "]
        end += len(token) + (not close)
    return "".join(pieces).removesuffix(" "), places


def _aligned(text: str, tokens: Sequence[str]) -> list[Span]:
    """Where the tokens stand in a text that has only white space between them; nothing if it has more."""
    places: list[Span] = []
    at = 0
    for token in tokens:
        while text[at : at + 1].isspace() and not text.startswith(token, at):
            at += 1
        if not text.startswith(token, at):
            return []
        places.append(Span(at, at + len(token)))
        at += len(token)
    return [] if text[at:].strip() else places
