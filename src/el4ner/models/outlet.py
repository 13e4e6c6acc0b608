"""Where a model's requests go, when they leave this process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outlet:
    """A server that texts are sent to: `origin` is its scheme, host and port; `local` says that it is this machine.

    `key` is the environment variable whose content goes along, and is there; empty if none does. `asked` says that
    whoever wrote the recipe chose that it goes there, so that the owner of the key is to be asked. `with_key` is all of
    this in words, for people.
    """

    origin: str
    local: bool
    key: str
    asked: bool
    with_key: str
