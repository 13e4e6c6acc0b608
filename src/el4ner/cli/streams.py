"""The standard streams, whatever state they are in: closed, on a full disk, or such that cannot show a character."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

_CLOSED = ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))  # to read the first and to write the second fails


def guard() -> None:
    """Open those that are closed on nothing: else the next file to be opened would take their place.

    To read from such an input, and to write to such an output, fails; what goes to such an error stream is let go.
    """
    for descriptor, flags in _CLOSED:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shall not end a run


def let_go(descriptor: int) -> None:
    """Let go what is written there from now on, and what is buffered: it is not to be tried again at the end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
