"""Texts of others, made fit for a terminal, a page or a line."""

from __future__ import annotations

import re
import unicodedata

_BREAKS = re.compile("[\n\u2028\u2029]")
_LONE, _BIDI = "\ufffd", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def printable(text: str) -> str:
    """The text, character by character, without what a terminal or browser could obey or choke on.

    Control characters become their pictures (tabs and line ends stay), lone surrogates and overrides of the writing
    direction U+FFFD. Offsets stay what they are.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char in "\n\t":
        return char
    if char in _BIDI or unicodedata.category(char) == "Cs":
        return _LONE
    if unicodedata.category(char) == "Cc":
        return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "\u2421" if char == "\x7f" else _LONE
    return char


def one_line(text: str, longest: int = 200) -> str:
    """Printable, on one line, shortened in the middle of what is too long."""
    line = _BREAKS.sub("\u2424", printable(text)).replace("\t", " ")
    return line if len(line) <= longest else f"{line[: longest // 2]} … {line[-longest // 2 :]}"
