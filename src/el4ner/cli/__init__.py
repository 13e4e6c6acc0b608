"""The command line. It parses, calls and prints; what takes long to import is imported by the command that needs it.

Data goes to standard output, all else to standard error. Exit codes: 1 for what a user can mend (one line says what), 2
for wrong usage, 3 for a run with failures under --strict, 130 after an interrupt.
"""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """The console entry point. The commands are imported here, so that an interrupt ends that, too, without a word."""
    try:
        from el4ner.cli.streams import guard

        guard()
        from el4ner.cli.commands import run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
