"""Which column of a CoNLL file holds the token and which the tags: as the user says, or as its rows show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from el4ner.formats.bio import parse
from el4ner.formats.layout import FileLayout, Scheme
from el4ner.formats.sentence import Columns, Sentence, TokenRow

_MOST = 0.5  # of the rows; a slip in the others is an error where it is read
_CHUNKS = frozenset({
    "NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NX", "NC", "VC", "PC",
})  # fmt: skip
_HEADS = frozenset({
    "#", "id", "index", "token", "tokens", "word", "words", "form", "text", "lemma", "pos", "upos", "xpos",
    "chunk", "tag", "tags", "ner", "ner_tag", "ner_tags", "label", "labels", "entity", "entities",
})  # fmt: skip
_CONLLU = 10  # columns
_MISC = re.compile(r"(?:^|\|)ner=([^|]*)", re.IGNORECASE)


def is_header(row: TokenRow) -> bool:
    """Whether a row names columns."""
    return len(row.cells) > 1 and all(cell.lower() in _HEADS for cell in row.cells)


def tag_in(cells: Sequence[str], column: int) -> str:
    """The tag in a column: all of its cell, or what CoNLL-U's last column says as `ner=`, "_" if it does not."""
    cell = cells[column]
    if len(cells) != _CONLLU or column not in (-1, _CONLLU - 1) or "=" not in cell:
        return cell
    found = _MISC.search(cell)
    return found[1] if found else "_"


def find_columns(head: Sequence[Sentence], layout: FileLayout) -> Columns:
    """The columns of a file that begins with these sentences. Raises `DataError` where the token's cannot be told."""
    rows = [row for sentence in head for row in sentence.rows if row.is_word]
    if not rows:
        return Columns()
    width = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    even = [row.cells for row in rows if len(row.cells) == width]
    tags = [column for column in range(width) if _holds_tags([tag_in(cells, column) for cells in even])]
    first = layout.token != 1 and not (width == 2 and 1 in tags) and width > 1
    numbered = first and _is_numbered(head, width)
    if layout.token is not None:
        token = layout.token - 1
    elif numbered:
        token = 1
    else:
        token = int(width == 2 and tags == [0])  # the tag first, and then the token
        if first and not numbered:
            _refuse_numbers(rows)
    layers = tuple(column - 1 for column in layout.tag)
    unclear = ""
    if not layers and layout.scheme == Scheme.PREFIXED:
        layers = _layers(even, [column for column in tags if column != token and not (numbered and column == 0)])
        unclear = _unclear(even, layers, numbered)
    if not layers and numbered:
        layers = (width - 1,)
    several = numbered or len(layers) > 1
    return Columns(
        token,
        layers if several or layout.tag else _from_the_end(layers, width),
        0 if numbered else None,
        width if several else None,
        layout.scheme == Scheme.IO,
        unclear,
    )


def _from_the_end(layers: Sequence[int], width: int) -> tuple[int, ...]:
    """One layer in the last column is there whatever the number of columns is."""
    return (-1,) if not layers or layers == (width - 1,) else tuple(layers)


def _holds_tags(column: Sequence[str]) -> bool:
    tags = [parse(cell) for cell in column]
    real = any(tag and (tag[1] or cell in "Oo") for tag, cell in zip(tags, column, strict=True))
    return real and sum(tag is not None for tag in tags) >= _MOST * len(tags)


def _layers(rows: Sequence[list[str]], tags: Sequence[int]) -> tuple[int, ...]:
    """Those columns of tags that hold entities: not the chunks (phrases) that stand beside them in some files."""
    named = [column for column in tags if not _types(rows, column) or not _types(rows, column) <= _CHUNKS]
    return tuple(named or tags[-1:])


def _types(rows: Sequence[list[str]], column: int) -> set[str]:
    return {tag[1] for cells in rows if (tag := parse(tag_in(cells, column))) and tag[1]}


def _unclear(rows: Sequence[list[str]], layers: Sequence[int], numbered: bool) -> str:
    """Layers of entities have types in common; other columns of tags say other things."""
    if numbered and not layers:
        return (
            "no column holds tags such as O and B-PER; name it: `el4ner data convert --column tag=3` (or --scheme io)"
        )
    if numbered and len(rows[0]) == 4 and len(layers) == 2:
        return ""  # GermEval
    types = [types for column in layers if (types := _types(rows, column))]
    if all(a & b for a, b in pairwise(types)):
        return ""
    listed = ", ".join(str(column + 1) for column in layers)
    return f"columns {listed} hold tags of different kinds; name the right one: --column tag={layers[-1] + 1}"


def _is_numbered(head: Sequence[Sentence], width: int) -> bool:
    """Whether the first column counts the tokens, from 0 or 1 or on from the sentence before."""
    right = rows = 0
    last = -1
    for sentence in head:
        words = [row for row in sentence.rows if row.is_word]
        for place, row in enumerate(words):
            number = int(row.cells[0]) if re.fullmatch(r"\d{1,9}", row.cells[0], re.ASCII) else None
            follows = number == last + 1 or (not place and number in (0, 1))
            right, rows = right + follows, rows + 1
            last = number if follows and number is not None else last + 1
    alone = all(len(sentence.rows) == 1 for sentence in head)
    if right <= _MOST * rows:
        return False
    if alone and width < _CONLLU:
        raise (
            head[0]
            .rows[0]
            .line.error(
                "the first column counts the tokens, or holds them: that cannot be told from sentences of one token;"
                " name the column of the token: --column token=1, or token=2"
            )
        )
    return True


def _refuse_numbers(rows: Sequence[TokenRow]) -> None:
    """Numbers that do not count the tokens may count sentences: not what is to be read as text."""
    numbers = [row for row in rows if re.fullmatch(r"\d+(?:-\d+)?", row.cells[0], re.ASCII)]
    if len(numbers) > max(1, _MOST * len(rows)):
        raise numbers[0].line.error(
            f"the first column mostly holds numbers ({numbers[0].cells[0][:20]}), hardly the tokens; name the column of"
            " the token: --column token=2 (token=1, if these are the tokens)"
        )


def without_header(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """The sentences without a first row that names columns."""
    for number, sentence in enumerate(sentences):
        if number or not is_header(sentence.rows[0]):
            yield sentence
        elif len(sentence.rows) > 1:
            yield Sentence(sentence.rows[1:], sentence.notes)
