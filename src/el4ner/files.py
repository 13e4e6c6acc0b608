"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from el4ner.errors import ConfigError

_OPEN = ("/dev/", "/proc/")  # links there lead to what is open: /dev/stdout


def private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the user alone. What is there stays as it is.

    Raises `OSError`.
    """
    if not folder.is_dir():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def opened(path: Path) -> IO[bytes]:
    """A file to write to, with what is in it; a new one is the user's alone. Raises `OSError`."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb")


def claimed(path: Path) -> IO[bytes] | None:
    """A file to write to, with what is in it, that nobody else can claim until it is closed; None where one has it.

    Raises `OSError`.
    """
    while True:
        stream = opened(path)
        if not lock(stream):
            stream.close()
            return None
        if path.exists() and os.path.samestat(path.stat(), os.fstat(stream.fileno())):
            return stream
        stream.close()  # the other has just finished: what we have opened was renamed or removed


def lock(file: IO[bytes]) -> bool:
    """Lock a file as long as it is open; False where another holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: an open file cannot be replaced there anyway
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that knows no locks
        return True
    return True


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to: it becomes `path` at the end of the block, and is gone where the block fails.

    A new file is the user's alone, one that is there keeps its permissions, and a link goes on leading to it. The name
    beside it holds the process's number, so that two runs do each other no harm. Raises `OSError`.
    """
    path = behind(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        as_open(part, path)
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def as_open(part: Path, path: Path) -> None:
    """Give a file the permissions of the one whose place it is to take, if that is there. Raises `OSError`."""
    if path.exists():
        part.chmod(stat.S_IMODE(path.stat().st_mode))


def behind(path: Path) -> Path:
    """The file that a link leads to, be it there or not; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a text as UTF-8; see `put_whole`."""
    put_whole(path, "".join(pieces).encode())


def put_whole(path: Path, content: bytes) -> None:
    """Write a file, whole and on the disk before it has its name. Raises `OSError`.

    What is no ordinary file (/dev/stdout, a pipe) stays what it is, and is written in place.
    """
    if is_special(path):
        with path.open("ab") as stream:
            stream.write(content)
        return
    with whole(path) as part, opened(part) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def add(file: IO[bytes], line: bytes) -> None:
    """Append to a file that is open without a buffer, whole and on the disk, or not at all. Raises `OSError`.

    A disk that becomes full takes a part and says so of the next write alone.
    """
    size = file.seek(0, os.SEEK_END)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)
        raise


def is_special(path: Path) -> bool:
    """Whether something is there that is no file of its own: a device, a pipe, a folder, what this process has open."""
    if path.is_symlink() and str(path).startswith(_OPEN):
        return True
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
