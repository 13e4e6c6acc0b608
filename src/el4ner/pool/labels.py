"""The types that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from el4ner.data import Label
from el4ner.errors import ConfigError
from el4ner.formats.label_names import tidy_labels
from el4ner.pool.pool import Pool

Labels = Sequence[Label] | Sequence[str] | Mapping[str, str]


def asked_labels(labels: Labels | None, pool: Pool) -> tuple[Label, ...]:
    """The given types (as such, as names, or {name: description}), else the pool's. Raises `ConfigError`."""
    return given_labels(pool.labels if labels is None else labels)


def given_labels(labels: Labels) -> tuple[Label, ...]:
    """The types that are given, in whichever form. Raises `ConfigError`."""
    if isinstance(labels, str):
        raise ConfigError(f"labels: give a list of names, as [{labels!r}], or {{name: description}}")
    if isinstance(labels, Mapping):
        chosen = tuple(Label(name, description) for name, description in labels.items())
    else:
        chosen = tuple(Label(label) if isinstance(label, str) else label for label in labels)
    if not chosen:
        raise ConfigError("labels: none given; name at least one type of entity")
    try:
        return tidy_labels(chosen)
    except ValueError as error:
        raise ConfigError(f"labels: {error}") from None
