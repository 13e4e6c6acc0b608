"""What was decided and stands in no pool: texts that were rejected or skipped, and what was taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any

from el4ner.errors import DataError
from el4ner.files import add
from el4ner.formats.strict_json import NotJSON, loads

Record = dict[str, Any]


class Journal:
    """A file of one JSON object a line, to which lines are only ever added, each on the disk before it counts.

    Half a line, as a killed process leaves it, was never told to anybody, and is passed over. Raises `DataError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
        self.records = [record for line in content.splitlines() if (record := _record(line)) is not None]

    def append(self, record: Record) -> None:
        """Add a line. Raises `DataError` where it cannot be written, which adds nothing."""
        line = json.dumps(record).encode() + b"\n"
        try:
            with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
                add(file, (b"\n" if _open_ended(file) else b"") + line)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror}); mend that, and try again") from None
        self.records.append(record)


def _open_ended(file: IO[bytes]) -> bool:
    """Whether the last line does not end."""
    if not (size := file.seek(0, os.SEEK_END)):
        return False
    file.seek(size - 1)
    return bool(file.read(1) != b"\n")


def _record(line: bytes) -> Record | None:
    try:
        value = loads(line.decode())
    except (UnicodeDecodeError, NotJSON):
        return None
    return value if isinstance(value, dict) else None
