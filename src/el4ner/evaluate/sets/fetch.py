"""Known data sets on this machine: fetched once, checked whenever they are read.

The folder is EL4NER_DATA, else `data` in the user's cache; a set is a folder in it, with a JSONL file a split. A split
has its name only once all of it is there and is what it should be, so that a run that was broken off goes on with the
splits that are missing, and two processes do each other no harm. Where `known.toml` has no digest of a split, that of
the first download is kept beside it, as `SPLIT.sha256`: later changes are found, a wrong first download only by its
counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from el4ner.data import Example
from el4ner.errors import DataError
from el4ner.evaluate.sets.known import KnownSet
from el4ner.evaluate.sets.raw import check, convert, digest
from el4ner.files import at_home, user_cache, write_whole
from el4ner.formats import jsonl, read_examples

Notice = Callable[[str], None]
Bar = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that have come so far, and how many will come if that is known."""


def data_folder() -> Path:
    """Where fetched data sets are kept."""
    named = os.environ.get("EL4NER_DATA")
    return at_home(named) if named else user_cache() / "data"


def folder_of(known: KnownSet) -> Path:
    """Where this set is, or would be."""
    return data_folder() / known.name


def missing(known: KnownSet) -> list[str]:
    """The splits that are not on this machine yet."""
    return [split for split in known.splits if not _file(known, split).is_file()]


def fetch(known: KnownSet, notice: Notice, bar: Bar) -> Path:
    """Get what is missing of a set; the folder it is in. `notice` is told its source and terms before that.

    Raises `DataError`: what could not be fetched whole and right is not kept.
    """
    wanted = missing(known)
    if wanted:
        notice(f"{known.name} comes from {known.base}")
        notice(f"its terms: {known.notice}")
        _write(folder_of(known) / "meta.json", _meta(known))
    fetched: dict[str, bytes] = {}
    for split in wanted:
        for file in known.splits[split].files:
            if file not in fetched:
                fetched[file] = _fetched(known, file, bar)
        _keep(known, split, fetched)
    return folder_of(known)


def read_split(known: KnownSet, split: str) -> tuple[Example, ...]:
    """The examples of a fetched split. Raises `DataError` if they are no longer what was fetched."""
    file = _file(known, split)
    record = file.with_suffix(".sha256")
    examples = read_examples(file)
    try:
        recorded = record.read_text(encoding="ascii").strip() if record.is_file() else ""
        if not known.splits[split].digest and not recorded:
            raise DataError(f"{file}: {record.name}, its checksum, is missing")
        check(examples, known.splits[split], str(file), recorded)
    except (DataError, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{error}; delete {file} and fetch it again") from None
    return tuple(examples)


def _fetched(known: KnownSet, file: str, bar: Bar) -> bytes:
    from el4ner.evaluate.sets.download import download

    name = file.rpartition("/")[2]
    return download(known.url(file), lambda done, total: bar(name, done, total))


def _keep(known: KnownSet, split: str, fetched: dict[str, bytes]) -> None:
    """Convert, check and put in place; the checksum first, so that no split is ever without."""
    form = known.splits[split]
    contents = [(known.url(file), fetched[file]) for file in form.files]
    examples = convert(contents, form, f"{known.name}-{split}-")
    check(examples, form, contents[0][0])
    file = _file(known, split)
    if not form.digest:
        _write(file.with_suffix(".sha256"), digest(examples) + "\n")
    _write(file, "".join(line + "\n" for line in jsonl.lines(examples)))


def _meta(known: KnownSet) -> str:
    content = {
        "name": known.name,
        "source": known.base,
        "license": known.licence,
        "notice": known.notice,
        "language": known.language,
        "notes": known.notes,
        "labels": {label.name: label.description for label in known.labels},
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _file(known: KnownSet, split: str) -> Path:
    return folder_of(known) / f"{split}.jsonl"


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, [text])
    except OSError as error:
        raise DataError(f"{file}: cannot be written ({error.strerror}); name another folder in EL4NER_DATA") from None
