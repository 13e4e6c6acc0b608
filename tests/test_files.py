import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from el4ner.files import whole, write_whole


def broken() -> Iterator[str]:
    yield "half"
    raise ValueError("no more")


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with pytest.raises(ValueError, match="no more"):
        write_whole(file, broken())
    assert list(tmp_path.iterdir()) == []
    write_whole(file, ["één ", "text\n"])
    assert file.read_bytes() == "één text\n".encode()
    with pytest.raises(ValueError, match="no more"):
        write_whole(file, broken())
    with suppress(RuntimeError), whole(file) as part:
        part.write_text("other")
        raise RuntimeError
    assert file.read_text("utf-8") == "één text\n"
    assert list(tmp_path.iterdir()) == [file]


def test_the_part_has_a_name_of_this_process_and_the_users_permissions(tmp_path: Path) -> None:
    with whole(tmp_path / "file") as part:
        assert str(os.getpid()) in part.name
        part.write_text("")
    write_whole(tmp_path / "text", [])
    assert stat.S_IMODE((tmp_path / "text").stat().st_mode) == 0o600  # the user's alone


@pytest.mark.skipif(os.name == "nt", reason="links take rights there")
def test_what_is_no_ordinary_file_is_written_in_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", ["new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    write_whole(Path(os.devnull), ["nothing"])
    assert not Path(os.devnull).is_file()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, ["text"])
