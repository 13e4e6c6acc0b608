"""Labelled texts to score on: what a data set holds, where it is read from, samples of it, and leaks into the pool."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from el4ner.data import Example, Label
from el4ner.errors import ConfigError, DataError
from el4ner.evaluate.sets.fetch import Bar, Notice, fetch, folder_of, read_split
from el4ner.evaluate.sets.known import KnownSet, known_set, known_sets
from el4ner.files import at_home
from el4ner.formats import read_examples, read_labels
from el4ner.formats.registry import by_suffix
from el4ner.formats.strict_json import load_json
from el4ner.formats.table import CSV
from el4ner.pool.pool import occurring
from el4ner.text.printable import one_line

_SPLITS = {"train": "train", "dev": "dev", "valid": "dev", "validation": "dev", "test": "test"}


@dataclass(frozen=True)
class Dataset:
    """Labelled texts in splits ("train", "dev", "test", those that there are) and the labels that they may have.

    `source` is the path or address that they come from.
    """

    name: str
    labels: tuple[Label, ...]
    splits: Mapping[str, tuple[Example, ...]]
    source: str

    def split(self, name: str) -> tuple[Example, ...]:
        """A split by its name. Raises `DataError`, which says which there are."""
        if name not in self.splits:
            raise DataError(f"{self.source}: there is no split {name!r}; there are {', '.join(self.splits)}")
        return self.splits[name]


def open_dataset(name_or_path: str | Path, notice: Notice | None = None, bar: Bar | None = None) -> Dataset:
    """A data set from a folder, from a file, or by the name of a known one, which is fetched if it is not here yet.

    A folder holds train, dev (or valid, validation) and test as JSONL or CoNLL, and perhaps a meta.json with a name
    and labels. A file's only split is "test". What exists as a path is taken as one, before any known name.
    Without labels in meta.json, they are those that occur, the most frequent first. `notice` and `bar` are told of
    downloads (see `fetch`); without a `notice`, source and terms go to standard error. Raises `DataError`.
    """
    path = at_home(name_or_path)
    if path.is_dir():
        return _from_folder(path)
    if path.exists():
        return _dataset(path.stem, {"test": path}, {}, None, str(path))
    if isinstance(name_or_path, Path) or (str(path) not in known_sets() and (path.suffix or len(path.parts) > 1)):
        raise DataError(f"{path}: there is no such file or folder; check the path")
    return _from_known(known_set(str(name_or_path)), notice or _to_stderr, bar or _silent)


def sample(examples: Sequence[Example], limit: int | None, seed: int) -> tuple[Example, ...]:
    """`limit` examples at random, in their order; all of them without a limit, or if there are no more.

    The positions are shuffled by `random.Random(seed)` and the first ones taken: with the same seed, a smaller sample
    is part of every larger one.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"limit: {limit} texts cannot be drawn; give 1 or more")
    positions = list(range(len(examples)))
    random.Random(seed).shuffle(positions)
    return tuple(examples[i] for i in sorted(positions[:limit]))


def leaked(pool: Iterable[Example], texts: Iterable[Example]) -> list[Example]:
    """Those examples of the pool whose text is among the `texts` that are to be scored.

    Texts are the same if they are character for character, apart from white space: runs of it count as one space, none
    at the ends. Case counts.
    """
    scored = {_plain(example.text) for example in texts}
    return [example for example in pool if _plain(example.text) in scored]


def _from_known(known: KnownSet, notice: Notice, bar: Bar) -> Dataset:
    fetch(known, notice, bar)
    splits = {split: read_split(known, split) for split in known.splits}
    for split, examples in splits.items():
        _check_labels(examples, known.labels, f"{folder_of(known)}, {split}", "the known set")
    return Dataset(known.name, known.labels, splits, known.base)


def _from_folder(folder: Path) -> Dataset:
    meta = folder / "meta.json"
    content = _read_meta(meta) if meta.is_file() else {}
    labels = read_labels(meta) if "labels" in content else None
    return _dataset(folder.resolve().name, _split_files(folder), content, labels, str(folder))


def _dataset(
    name: str, files: Mapping[str, Path], meta: Mapping[str, object], labels: tuple[Label, ...] | None, source: str
) -> Dataset:
    splits = {split: _read(file) for split, file in files.items()}
    if labels is None:
        labels = occurring(example for examples in splits.values() for example in examples)
    for split, file in files.items():
        _check_labels(splits[split], labels, str(file), "meta.json")
    named = meta.get("name")
    return Dataset(named if named and isinstance(named, str) else name, labels, splits, source)


def _split_files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        split = _SPLITS.get(file.stem.lower())
        if split is None or by_suffix(file) in (None, CSV) or not file.is_file():
            continue
        if split in found:
            raise DataError(f"{folder}: {found[split].name} and {file.name} are both {split}; remove one")
        found[split] = file
    if not found:
        raise DataError(f"{folder}: no data set; it holds no train, dev or test file, such as test.jsonl or test.conll")
    return {split: found[split] for split in ("train", "dev", "test") if split in found}


def _read(file: Path) -> tuple[Example, ...]:
    examples = tuple(read_examples(file))
    if not examples:
        raise DataError(f"{file}: holds no examples; fill it or remove it")
    return examples


def _read_meta(file: Path) -> Mapping[str, object]:
    content = load_json(file, "mend it")
    if not isinstance(content, dict):
        raise DataError(f'{file}: not a JSON object; write {{"labels": {{"person": "names of people"}}}}')
    return content


def _check_labels(examples: Iterable[Example], labels: Iterable[Label], where: str, lister: str) -> None:
    names = {label.name for label in labels}
    for example in examples:
        for label in (span.label or "" for span in example.entities):
            if label not in names:
                near = get_close_matches(label, sorted(names), n=1)
                advice = f"did you mean {near[0]!r}?" if near else "add it there"
                raise DataError(f"{where}: example {example.id!r} has the label {label!r}, not in {lister}; {advice}")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _to_stderr(line: str) -> None:
    print(one_line(line, 4000), file=sys.stderr)


def _silent(*_: object) -> None:
    """Tell nobody."""
