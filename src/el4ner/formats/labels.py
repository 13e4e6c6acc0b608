"""The types of entity and what they mean, from a file.

JSON: `{"person": "names of people"}`, `["person", "place"]`, or either under the key "labels", as in a data set's
meta.json. TOML: the same under `labels`.
"""

from __future__ import annotations

from pathlib import Path

from el4ner.data import Label
from el4ner.errors import DataError
from el4ner.files import at_home
from el4ner.formats.label_names import quoted, tidy_labels
from el4ner.formats.strict_json import load_json

_FORM = 'give {"person": "names of people"} or ["person"]'


def read_labels(path: str | Path) -> tuple[Label, ...]:
    """The labels in the file's order; for a folder those of its meta.json. Raises `DataError`."""
    file = at_home(path)
    file = file / "meta.json" if file.is_dir() else file
    content = _load(file)
    if isinstance(content, dict) and isinstance(content.get("labels"), dict | list):
        content = content["labels"]
    pairs = list(content.items()) if isinstance(content, dict) else _bare(content)
    if not pairs:
        raise DataError(f"{file}: no labels; {_FORM}")
    labels = []
    for name, description in pairs:
        if not isinstance(name, str) or not name.strip() or not isinstance(description, str):
            raise DataError(f"{file}: {quoted(str(name))} is no label with a description; {_FORM}")
        labels.append(Label(name, description))
    try:
        return tidy_labels(labels)
    except ValueError as error:
        raise DataError(f"{file}: {error}") from None


def _bare(content: object) -> list[tuple[object, str]]:
    """Names without descriptions."""
    return [(name, "") for name in content] if isinstance(content, list) else []


def names_labels(meta: Path) -> bool:
    """Whether this is a data set's meta.json, and names labels: it may tell other things alone. Raises `DataError`."""
    content = _load(meta) if meta.exists() else None
    return isinstance(content, dict) and "labels" in content


def _load(file: Path) -> object:
    if file.suffix.lower() != ".toml":
        return load_json(file, _FORM)
    import tomllib  # a few milliseconds that most commands save

    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: byte {error.start} is not valid UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file}: not valid TOML ({' '.join(str(error).split())}); mend it") from None
    except (ValueError, RecursionError):
        raise DataError(f"{file}: too deeply nested, or a number with too many digits; {_FORM}") from None
