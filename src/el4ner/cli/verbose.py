"""-v and -vv: what the package logs, on standard error."""

from __future__ import annotations

import logging

from el4ner.cli.console import say

VERBOSE = {"-v": 1, "-vv": 2, "--verbose": 1}  # how loud each makes it


class _Lines(logging.Handler):
    """Each record a line, and nothing in it that commands the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"{record.levelname.lower()} {record.name}: {record.getMessage()}", "dim")


def listen(times: int) -> None:
    """Say what the package logs: what it does, and from the second time on every batch of questions."""
    log = logging.getLogger("el4ner")
    for old in [handler for handler in log.handlers if isinstance(handler, _Lines)]:
        log.removeHandler(old)
    log.addHandler(_Lines())
    log.setLevel(logging.INFO if times == 1 else logging.DEBUG)
