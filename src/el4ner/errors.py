"""Everything that el4ner raises on purpose.

    El4nerError              the root: `except El4nerError` catches all that a user can cause or mend
    ├── DataError            a file or a record that cannot be read (file and line are in the message)
    ├── ConfigError          a recipe or a setting that cannot be used (the key is in the message)
    ├── ModelError           a model that cannot be opened or asked
    │   └── ContextError     a prompt that does not fit the model's context, even without demonstrations
    └── MissingExtraError    an optional package is not installed (the message holds the install command)

A single request that fails is no exception: it is a `Reply` whose outcome says so, and the member abstains.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class El4nerError(Exception):
    """Root of all errors that el4ner raises on purpose; its text is one line, fit to be shown to a user."""


class DataError(El4nerError):
    """A file or record could not be read as what it should be."""


class ConfigError(El4nerError):
    """A recipe or setting cannot be used."""


class ModelError(El4nerError):
    """A model cannot be opened or asked."""


class ContextError(ModelError):
    """A prompt does not fit the model's context even without demonstrations."""


class MissingExtraError(El4nerError):
    """An optional package is missing; the message names the command that installs it."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """What to add to a message about a word that is not among those known; nothing where none is near."""
    match = get_close_matches(word, list(known), 1, 0.5)
    return f"; did you mean {match[0]!r}?" if match else ""
