"""The formats that there are: those that come with el4ner, and those that installed packages register.

A package registers a format, under its name, in the entry point group `el4ner.formats`:

    [project.entry-points."el4ner.formats"]
    links = "own_format:LINKS"

It is imported only where it is asked for, or where no format that comes with el4ner is meant.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import chain, tee
from pathlib import Path
from typing import TYPE_CHECKING

from el4ner.errors import ConfigError, El4nerError, did_you_mean
from el4ner.formats.conll import CONLL
from el4ner.formats.format import Format
from el4ner.formats.inline import BRACKETS, INLINE
from el4ner.formats.jsonl import JSONL
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line
from el4ner.formats.plain import PLAIN
from el4ner.formats.strict_json import NotJSON, loads
from el4ner.formats.table import CSV, has_phrases, suspicious

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OURS = (JSONL, CONLL, CSV, PLAIN, BRACKETS, INLINE)
_GROUP = "el4ner.formats"


def by_name(format: Format | str | None) -> Format | None:
    """A format by its name; None stays None. Raises `ConfigError` for a name that nobody has, or that fails to load."""
    if not isinstance(format, str):
        return format
    known = {ours.name: ours for ours in _OURS}
    others = {entry.name: entry for entry in _entries()}
    if format in known:
        return known[format]
    if format in others:
        return _load(others[format])
    names = dict.fromkeys((*known, *others))
    raise ConfigError(f"unknown format {format!r}; use one of {', '.join(names)}{did_you_mean(format, names)}")


def by_suffix(path: str | Path) -> Format | None:
    """The format that a file's suffix stands for, None for an unknown one."""
    return next(iter(_with_suffix(path)), None)


def of_labels(path: str | Path, lines: Iterator[Line], layout: FileLayout) -> tuple[Format, Iterator[Line]]:
    """The format of a file of labelled examples, by its suffix or its first lines, and all its lines."""
    known = list(_with_suffix(path))
    able = next((format for format in known if format.examples), None)
    if able or layout.tells_tags:
        return able or CONLL, lines
    found, lines = sniff(lines)
    return (known[0] if known and found is PLAIN else found), lines


def of_texts(path: str | Path, lines: Iterator[Line], layout: FileLayout) -> tuple[Format, Iterator[Line]]:
    """The format of a file of texts, and all its lines.

    A suffix decides, but .tsv is CoNLL or a table by its looks. Raises `DataError` for lines of plain text that look
    like something else: there, a mistake would not be seen.
    """
    known = list(_with_suffix(path))
    if len(known) == 1 and known[0] is not PLAIN:
        return known[0], lines
    if layout.tells_tags or layout.tells_texts:
        lines, ahead = tee(lines)
        is_json = JSONL.sniff(line.text for line in ahead if line.text.strip())
        return JSONL if is_json and not layout.tells_tags else CONLL if layout.tells_tags else CSV, lines
    found, lines = sniff(lines, (JSONL, CONLL, CSV) if known else None)
    if len(known) > 1:
        lines, ahead = tee(lines)
        return (CSV if found is CSV or (found is PLAIN and has_phrases(line.text for line in ahead)) else CONLL), lines
    if found is PLAIN or known:
        lines, ahead = tee(lines)
        _refuse_doubtful(found, (line for line in ahead if line.text.strip()))
        return PLAIN, lines
    return found, lines


def sniff(lines: Iterator[Line], among: Iterable[Format] | None = None) -> tuple[Format, Iterator[Line]]:
    """The format that the first lines look like, and all the lines. What looks like nothing else is plain text."""
    for format in among or chain((JSONL, CONLL, CSV), _others()):
        lines, ahead = tee(lines)
        if _fits(format, (line.text for line in ahead if line.text.strip())):
            return format, lines
    return PLAIN, lines


def _refuse_doubtful(looks: Format, lines: Iterator[Line]) -> None:
    if (first := next(lines, None)) is None:
        return
    why = f"this looks like {looks.name}" if looks is not PLAIN else ""
    if looks is JSONL and not _is_json(first.text):
        return
    if not why and (table := suspicious(chain([first.text], (line.text for line in lines)))):
        why, looks = f"this may be a table ({table})", CSV
    if why:
        raise first.error(f"{why}; say --format {looks.name}, or --format plain if each line is a text")


def _is_json(text: str) -> bool:
    try:
        return isinstance(loads(text), dict | list)
    except NotJSON:
        return False


def _with_suffix(path: str | Path) -> Iterator[Format]:
    suffix = Path(path).suffix.lower()
    known = chain(_OURS, _others() if suffix else ())
    return (format for format in known if suffix in format.suffixes)


def _fits(format: Format, texts: Iterator[str]) -> bool:
    try:
        return format.sniff(texts)
    except El4nerError:
        raise  # the file's own fault
    except Exception as error:
        warnings.warn(f"format {format.name!r} failed to look at the lines, and is left out ({error})", stacklevel=2)
        return False


def _others() -> Iterator[Format]:
    """The registered formats. Those that do not load are left out with a warning: perhaps nobody means them."""
    for entry in _entries():
        try:
            yield _load(entry)
        except ConfigError as error:
            warnings.warn(str(error), stacklevel=2)


def _entries() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # a tenth of the time of --help

    return entry_points(group=_GROUP)


def _load(entry: EntryPoint) -> Format:
    try:
        format = entry.load()
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
    else:
        if isinstance(format, Format):
            return format
        reason = f"it is a {type(format).__name__}, not an el4ner.Format"
    where = f"entry point {entry.name} = {entry.value!r} of the group {_GROUP}"
    raise ConfigError(f"format {entry.name!r} cannot be loaded ({where}: {reason}); mend or remove its package")
