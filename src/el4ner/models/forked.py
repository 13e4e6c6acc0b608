"""Forks: what an engine or a store holds (threads, locks, connections) does not come along into a forked process."""

from __future__ import annotations

import ctypes
import os
from weakref import WeakSet

from el4ner.errors import ModelError

_NATIVE: WeakSet[object] = WeakSet()


def in_its_process(opened_in: int, name: str) -> None:
    """Raise `ModelError` where this process is not the one, by its number, in which a model or a store was opened.

    A child that asked would wait for threads that only its parent has.
    """
    if os.getpid() != opened_in:
        raise ModelError(
            f"{name}: this was opened before the process was forked, and cannot be used here; open the ensemble in each"
            ' process, or start processes by "spawn"'
        )


def kept_in_forks(native: object) -> None:
    """Never destroy this object in a process that is forked from now on: its destructor waits for threads."""
    _NATIVE.add(native)


def _keep() -> None:
    for native in _NATIVE:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(native))  # also when the interpreter ends


if hasattr(os, "register_at_fork"):  # elsewhere nothing forks
    os.register_at_fork(after_in_child=_keep)
