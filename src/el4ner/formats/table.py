"""Tables (CSV, TSV): one text a row, in the column that is named so or that the user names; the others go along.

Columns are parted by tabs, commas, semicolons or bars; quoted fields may hold these, and line ends. A first row that
names columns is known by names that are usual for texts and for what stands beside them. The text's column must be
plain: it is the only one that is named as a text, or the only one of words. Otherwise the table is refused.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, tee

from el4ner.data import Document
from el4ner.errors import DataError
from el4ner.formats.format import Format
from el4ner.formats.header import BESIDE, NUMBER, TEXTS, TOKENS, is_header, names_columns
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line

_AHEAD = 200  # lines that are looked at
_DELIMITERS = "\t,;|"
_WORDS = 4  # of a cell that is more than a name
_SHOWN = 8  # columns that a message names
_SEPARATOR = re.compile("sep=.")  # how Excel is told the delimiter, above the table

Row = tuple[Line, list[str]]


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a table is laid out: its delimiter, its columns' names, and which hold the text and the id (from 0)."""

    delimiter: str
    quoted: bool
    names: tuple[str, ...]
    has_header: bool
    text: int
    id: int | None


def documents(lines: Iterable[Line], table: TableLayout) -> Iterator[Document]:
    """A text a row, under its id or else its line number. Raises `DataError`."""
    for place, (line, cells) in enumerate(_rows(lines, table.delimiter, table.quoted)):
        if len(cells) != len(table.names):
            many = f"{len(cells)} columns, where the first row has {len(table.names)}"
            raise line.error(f"{many}; quote a field that holds {table.delimiter!r}")
        if place or not table.has_header:
            own = cells[table.id].strip() if table.id is not None else ""
            beside = {
                name: cell
                for at, (name, cell) in enumerate(zip(table.names, cells, strict=True))
                if at not in (table.text, table.id)
            }
            yield Document(own or str(line.number), cells[table.text], beside)


def sniff(texts: Iterator[str]) -> bool:
    """Whether the first line names columns, among them one of texts, and all lines have as many."""
    first = next(texts, "")
    if not any(TEXTS & {name.strip().strip('"').casefold() for name in first.split(d)} for d in _DELIMITERS):
        return False
    found = _parsed([Line("", 1, text) for text in (first, *islice(texts, _AHEAD - 1))])
    if found is None or len(found.rows) < 2:
        return False
    header = {cell.strip().casefold() for cell in found.rows[0][1]}
    return not TEXTS.isdisjoint(header) and header <= TEXTS | BESIDE


def suspicious(texts: Iterator[str]) -> str:
    """Why lines of text may be a table after all, in a few words; "" if they are none.

    Prose has commas and semicolons everywhere, but hardly tabs or bars, as many in each line.
    """
    first = next(texts, "")
    parted = [(d, name) for d, name in (("\t", "tabs"), ("|", "bars")) if d in first.strip()]
    if not parted and not any(is_header(first.split(delimiter)) for delimiter in _DELIMITERS):
        return ""  # no more lines than needed are waited for
    head = [first, *islice(texts, _AHEAD - 1)]
    if len(head) < 2:
        return ""
    for delimiter, name in parted:
        if len({text.count(delimiter) for text in head}) == 1:
            return f"each line has as many {name}"
    found = _parsed([Line("", 1, text) for text in head])
    return "its first line names columns" if found and is_header(found.rows[0][1]) else ""


def has_phrases(texts: Iterator[str]) -> bool:
    """Whether a column holds more than a word, as no column of tokens does."""
    return any(len(cell.split()) > 1 for text in islice(texts, _AHEAD) if text[:1] != "#" for cell in text.split("\t"))


def _unfitted(lines: Iterable[Line]) -> Iterator[Document]:
    rows, ahead = tee(lines)
    return fit(ahead, FileLayout()).documents(rows)


def fit(lines: Iterator[Line], layout: FileLayout) -> Format:
    """The format whose reader knows the columns. Raises `DataError` for a table whose texts are not plain."""
    layout.only("CSV", "text", "id")
    head = list(islice(lines, _AHEAD))
    if not any(line.text.strip() for line in head):
        return Format(CSV.name, lambda lines: iter(()))
    found = _parsed(head) or _ragged(head)
    line, first = found.rows[0]
    has_header = names_columns(first) or (layout.text or "").strip() in [cell.strip() for cell in first]
    names = [(has_header and cell.strip()) or f"column {n}" for n, cell in enumerate(first, start=1)]
    if twice := next((name for name, times in Counter(names).items() if times > 1), ""):
        raise line.error(f"two columns have the name {twice[:40]!r}; give each its own")
    text = _column(line, names, layout.text) if layout.text else _plain_column(line, names, found.rows, has_header)
    id_ = _column(line, names, layout.id) if layout.id else _named(names, frozenset(["id"]), has_header)
    return Format(
        CSV.name,
        partial(documents, table=TableLayout(found.delimiter, found.quoted, tuple(names), has_header, text, id_)),
    )


def _column(line: Line, names: Sequence[str], wanted: str) -> int:
    if wanted.strip() in names:
        return names.index(wanted.strip())
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:6]) <= len(names):
        return int(wanted) - 1
    raise line.error(f"there is no column {wanted[:40]!r}; {_listed(names)}")


def _plain_column(line: Line, names: Sequence[str], rows: Sequence[Row], has_header: bool) -> int:
    """The column of the texts. Raises `DataError` where it is not plain."""
    named = [at for at, name in enumerate(names) if has_header and name.casefold() in TEXTS]
    exact = [at for at in named if names[at].casefold() == "text"]
    if len(exact or named) == 1:
        return (exact or named)[0]
    if not named and has_header and _named(names, TOKENS, True) is not None:
        raise line.error("this table has a token in each row; write CoNLL: the token, a tab and its tag, no commas")
    filled = [cells for _, cells in rows[has_header:]]
    for words, others in ((_WORDS, 0.1), (2, 0.0)):  # sentences beside short phrases, phrases beside single words
        shares = [sum(map(partial(_has_words, words), column)) / len(filled) for column in zip(*filled, strict=True)]
        long = [at for at, share in enumerate(shares) if share >= 0.5]
        if len(long) == 1 and not named and all(share <= others for at, share in enumerate(shares) if at != long[0]):
            first = rows[0][1]
            if has_header or _has_words(_WORDS, first[long[0]]) or any(map(NUMBER.fullmatch, first)):
                return long[0]  # else the first row may be a header
    raise line.error(f"this is a table, and which column holds the texts is not plain; {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"its columns are {shown}: name that of the texts by --column (a name in the first row, or a number)"


def _named(names: Sequence[str], known: frozenset[str], has_header: bool) -> int | None:
    return next((at for at, name in enumerate(names) if has_header and name.casefold() in known), None)


def _has_words(least: int, cell: str) -> bool:
    return len(cell.split()) >= least or len(cell) >= 30


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The first rows, and the delimiter that they were parted by."""

    delimiter: str
    quoted: bool
    rows: list[Row]


def _parsed(head: Sequence[Line]) -> _Parsed | None:
    """The first rows by the delimiter by which they have equally many columns, more than one; None if there is none."""
    fitting = []
    for delimiter in _DELIMITERS:
        for quoted in (True, False) if delimiter == "\t" else (True,):
            try:
                rows = list(_rows(head, delimiter, quoted, len(head) == _AHEAD))
            except DataError:
                continue
            if rows and len(rows[0][1]) > 1 and len({len(cells) for _, cells in rows}) == 1:
                fitting.append(_Parsed(delimiter, quoted, rows))
                break
    return max(fitting, key=lambda p: (names_columns(p.rows[0][1]), len(p.rows[0][1])), default=None)


def _ragged(head: Sequence[Line]) -> _Parsed:
    """The first rows by the delimiter that the first line has most of, whatever their number of columns; else one."""
    delimiter = max(_DELIMITERS, key=head[0].text.count)
    first = list(islice(_rows(head, delimiter, True, True), 1))
    if not first:
        raise head[0].error("not readable as a table (a quote does not end); mend its quotes, or write JSONL")
    return _Parsed(delimiter, True, first)


def _rows(lines: Iterable[Line], delimiter: str, quoted: bool, open_end: bool = False) -> Iterator[Row]:
    """The rows, each with the line where it begins; blank lines are passed over.

    With `open_end`, the last one may be cut, and is left out. Raises `DataError` for quotes that do not end or fit.
    """
    last = [Line("", 0, "")]
    begun: list[Line] = []

    def feed() -> Iterator[str]:
        for line in lines:
            last[0] = line
            if line.number == 1 and _SEPARATOR.fullmatch(line.text):
                continue
            begun.append(line)
            yield line.text + "\n"

    reader = csv.reader(
        feed(), delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )
    while True:
        begun.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if open_end and "end of data" in str(error):
                return
            raise (begun or last)[0].error(
                f"not readable as a table ({error}); mend its quotes, or write JSONL"
            ) from None
        if any(cell.strip() for cell in cells) or (len(cells) > 1):
            yield begun[0], cells


CSV = Format("csv", partial(_unfitted), suffixes=(".csv", ".tsv"), sniff=sniff, fit=fit)
