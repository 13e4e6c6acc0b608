"""Models and forks: what an engine holds (threads, locks, connections) does not come along into a forked process."""

from __future__ import annotations

import os

from el4ner.errors import ModelError


def in_its_process(opened_in: int, name: str) -> None:
    """Raise `ModelError` where this process is not the one, by its number, in which a model was opened.

    A child that asked would wait for threads that only its parent has.
    """
    if os.getpid() != opened_in:
        raise ModelError(
            f"{name}: this model was opened before the process was forked, and cannot be asked here; open the ensemble"
            ' in each process, or start processes by "spawn"'
        )
