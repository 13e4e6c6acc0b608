"""First rows of tables that name the columns: known by usual names of texts, and of what stands beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence

TEXTS = frozenset({
    "text", "texts", "sentence", "sentences", "content", "contents", "body", "document", "doc", "passage",
    "paragraph", "utterance", "review", "tweet", "message", "comment", "post", "abstract", "description",
    "transcript", "query", "question", "input", "raw_text", "full_text", "text_content", "texto", "frase",
    "oración", "texte", "phrase", "satz", "inhalt", "testo", "tekst", "文本", "句子", "内容",
})  # fmt: skip
TOKENS = frozenset({"token", "tokens", "word", "words"})
BESIDE = TOKENS | frozenset({
    "#", "id", "ids", "_id", "doc_id", "text_id", "nr", "no", "number", "index", "idx", "row", "key", "label",
    "labels", "class", "category", "tag", "tags", "ner", "pos", "type", "date", "time", "timestamp",
    "created_at", "year", "source", "url", "link", "author", "user", "name", "title", "language", "lang",
    "split", "score", "rating", "sentiment", "entities", "annotations", "start", "end", "meta",
})  # fmt: skip
NUMBER = re.compile(r"[-+\d.,/:% ]+")


def names_columns(cells: Sequence[str]) -> bool:
    """Whether a row names columns: short names, at least one of them usual."""
    names = [cell.strip().casefold() for cell in cells]
    usual = any(name in TEXTS or name in BESIDE for name in names)
    return usual and all(len(name) <= 40 and len(name.split()) <= 3 and not NUMBER.fullmatch(name) for name in names)


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row names columns and is no prose: there, a blank follows a comma."""
    return len(cells) > 1 and names_columns(cells) and not any(cell.startswith(" ") for cell in cells)
