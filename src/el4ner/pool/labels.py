"""The types that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from el4ner.data import EMPTY, Label
from el4ner.errors import ConfigError
from el4ner.pool.pool import Pool

Labels = Sequence[Label] | Sequence[str] | Mapping[str, str]


def asked_labels(labels: Labels | None, pool: Pool) -> tuple[Label, ...]:
    """The given types (as such, as names, or {name: description}), else the pool's. Raises `ConfigError`."""
    if labels is None:
        chosen = pool.labels
    elif isinstance(labels, str):
        raise ConfigError(f"labels: give a list of names, as [{labels!r}], or {{name: description}}")
    elif isinstance(labels, Mapping):
        chosen = tuple(Label(name, description) for name, description in labels.items())
    else:
        chosen = tuple(Label(label) if isinstance(label, str) else label for label in labels)
    if not chosen:
        raise ConfigError("labels: none given; name at least one type of entity")
    if len({label.name for label in chosen}) < len(chosen):
        raise ConfigError("labels: a name stands there twice; give every type a name of its own")
    for label in chosen:
        if problem := label_fault(label.name):
            raise ConfigError(problem)
    return chosen


def label_fault(name: str) -> str:
    """Why no model can be asked for a type of this name; empty where it can."""
    if name.strip() and name.casefold() != EMPTY and not any(c in name for c in ";()\n"):
        return ""
    return f"label {name!r}: a label is a short name without ; ( ) or line breaks, and not {EMPTY!r}"
