"""What the package logs, on standard error: warnings where a process stays, and all that -v and -vv ask for."""

from __future__ import annotations

import logging

from el4ner.cli.console import say

VERBOSE = {"-v": 1, "-vv": 2, "--verbose": 1}  # how loud each makes it
_LOG = logging.getLogger("el4ner")


class _Lines(logging.Handler):
    """Each record a line, and nothing in it that commands the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record), "yellow" if record.levelno >= logging.WARNING else "dim")


def listen(times: int) -> None:
    """Say what the package does, and from the second time on every batch of questions."""
    _hear(logging.INFO if times == 1 else logging.DEBUG, "%(levelname)s %(name)s: %(message)s")


def hear_warnings() -> None:
    """Say what goes wrong, and when; where -v was given, it says so already."""
    if not any(isinstance(handler, _Lines) for handler in _LOG.handlers):
        _hear(logging.WARNING, "%(asctime)s %(message)s")


def _hear(level: int, form: str) -> None:
    for old in [handler for handler in _LOG.handlers if isinstance(handler, _Lines)]:
        _LOG.removeHandler(old)
    lines = _Lines()
    lines.setFormatter(logging.Formatter(form))
    _LOG.addHandler(lines)
    _LOG.setLevel(level)
