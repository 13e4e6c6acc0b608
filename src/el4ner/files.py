"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from el4ner.errors import ConfigError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to: it becomes `path` at the end of the block, and is gone where the block fails.

    Its name holds the process's number, so that two runs do each other no harm. Raises `OSError`.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a text as UTF-8, whole and on the disk before it has its name. Raises `OSError`.

    What is no ordinary file (/dev/stdout, a pipe, a link) stays what it is, and is written in place.
    """
    if path.is_symlink() or is_special(path):
        path.write_bytes("".join(pieces).encode())
        return
    with whole(path) as part, part.open("wb") as stream:
        stream.writelines(piece.encode() for piece in pieces)
        stream.flush()
        os.fsync(stream.fileno())


def is_special(path: Path) -> bool:
    """Whether something is there that is no file: a device, a pipe, a folder."""
    return path.exists() and not path.is_file()


def user_cache() -> Path:
    """The folder for what can be made again. Raises `ConfigError` where the user has no home."""
    from platformdirs import user_cache_path

    return _settled(user_cache_path, "XDG_CACHE_HOME")


def user_config() -> Path:
    """The folder for what the user has settled. Raises `ConfigError` where the user has no home."""
    from platformdirs import user_config_path

    return _settled(user_config_path, "XDG_CONFIG_HOME")


def at_home(path: str | Path) -> Path:
    """The path with its `~` resolved. Raises `ConfigError` where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: ~ is nobody's home here; set HOME, or write the whole path") from None


def _settled(find: Callable[[str], Path], variable: str) -> Path:
    try:
        if (folder := find("el4ner")).is_absolute():
            return folder
    except RuntimeError:  # neither HOME nor an entry for the user in passwd; older platformdirs give `~` back
        pass
    raise ConfigError(f"this user has no home folder; set HOME or {variable} to a folder of your own")
