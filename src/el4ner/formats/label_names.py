"""Names of types as they come in files and calls, made ready to be compared.

White space at a label's end is nothing that anybody sees: `"person "` is `"person"`, in entities and in lists of labels
alike. What no name should hold is refused where it is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from el4ner.data import Example, Label, Span
from el4ner.errors import DataError
from el4ner.formats.lines import Line

_LONGEST = 200  # characters of a name at most: prompts hold all of them
_UNSEEN = "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_AROUND = _UNSEEN + _SPACES + "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_BLANKS = re.compile(f"[{_SPACES}]+")  # line ends and tabs within a name are refused
_REFUSED = {"Cc": "a control character", "Cs": "half a character", "Zl": "a line break", "Zp": "a line break"}


@lru_cache(maxsize=4096)
def tidy(name: str) -> str:
    """The name without white space and invisible signs around it, and with one blank for white space within it."""
    return _BLANKS.sub(" ", name.strip(_AROUND))


@lru_cache(maxsize=4096)
def name_fault(name: str) -> str:
    """Why nothing can be called so, in words that follow the name; empty if it can. `name` need not be tidy."""
    bare = name.strip(_AROUND)
    if not bare:
        return "is blank; give it a name"
    if len(bare) > _LONGEST:
        return f"is {len(bare):,} characters long; give it a short name, of {_LONGEST} at most"
    held = next((what for c in bare if (what := _REFUSED.get(unicodedata.category(c)))), None)
    return f"holds {held}; rename it" if held else ""


def quoted(name: str) -> str:
    """The name for a message, which it must not flood."""
    return repr(name if len(name) <= 60 else name[:59] + "…")


def tidy_labels(labels: Iterable[Label]) -> tuple[Label, ...]:
    """The labels with tidy names. ValueError, in a sentence, for a bad name and for one that is given twice."""
    given: dict[str, str] = {}
    found = []
    for label in labels:
        if problem := name_fault(label.name):
            raise ValueError(f"the label {quoted(label.name)} {problem}")
        name = tidy(label.name)
        if name in given:
            twice = f"{quoted(given[name])} and {quoted(label.name)}" if label.name != given[name] else quoted(name)
            what = "differ in white space alone" if label.name != given[name] else "is given twice"
            raise ValueError(f"the label {twice} {what}; give names that differ")
        given[name] = label.name
        found.append(label if name == label.name else Label(name, label.description))
    return tuple(found)


def tidied(read: Callable[[Iterable[Line]], Iterator[Example]], lines: Iterable[Line]) -> Iterator[Example]:
    """The examples that a format reads from lines, with tidy labels. Raises `DataError` at the line of a bad one."""
    last = [Line("", 0, "")]
    for example in read(_noted(lines, last)):
        for span in example.entities:
            if span.label is not None and (problem := name_fault(span.label)):
                raise last[0].error(f"the label {quoted(span.label)} {problem}")
        yield with_tidy_labels(example)


def _noted(lines: Iterable[Line], last: list[Line]) -> Iterator[Line]:
    for line in lines:
        last[0] = line
        yield line


def writable(example: Example) -> Example:
    """The example as it would be read back. Raises `DataError` for a label that would not."""
    for span in example.entities:
        if span.label and (problem := name_fault(span.label)):
            raise DataError(f"example {example.id!r}: the label {quoted(span.label)} {problem}")
    return with_tidy_labels(example)


def with_tidy_labels(example: Example) -> Example:
    """The same example; a new one only where a label is not tidy."""
    if all(span.label is None or tidy(span.label) == span.label for span in example.entities):
        return example
    return replace(example, entities=tuple(Span(s.start, s.end, s.label and tidy(s.label)) for s in example.entities))
