import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from el4ner.cli.output import lines_to, write_text
from el4ner.errors import DataError
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


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_new_files_are_private_and_others_keep_their_permissions(tmp_path: Path) -> None:
    def mode(name: str) -> int:
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    with whole(tmp_path / "part") as part:
        assert stat.S_IMODE(part.stat().st_mode) == 0o600  # from the beginning
        part.write_bytes(b"new")
    with lines_to(tmp_path / "lines") as write:
        write("new")
    write_text(tmp_path / "text", "new")
    assert [mode(name) for name in ("part", "lines", "text")] == [0o600] * 3
    for name in ("part", "lines", "text"):
        (tmp_path / name).chmod(0o644)
    with whole(tmp_path / "part") as part:
        part.write_bytes(b"newer")
    with lines_to(tmp_path / "lines") as write:
        write("newer")
    write_text(tmp_path / "text", "newer")
    assert [mode(name) for name in ("part", "lines", "text")] == [0o644] * 3
    assert [(tmp_path / name).read_text().strip() for name in ("part", "lines", "text")] == ["newer"] * 3


@pytest.mark.skipif(os.name == "nt", reason="links take rights there")
@pytest.mark.parametrize("there", [True, False])
def test_a_link_goes_on_leading_to_its_file(tmp_path: Path, there: bool) -> None:
    (tmp_path / "far").mkdir()
    for name in ("part", "lines", "text"):
        if there:
            (tmp_path / "far" / name).write_text("old")
        (tmp_path / f"{name}-link").symlink_to(Path("far") / name)
        (tmp_path / name).symlink_to(f"{name}-link")  # a link to a link
    with whole(tmp_path / "part") as part:
        part.write_bytes(b"new")
    with lines_to(tmp_path / "lines") as write:
        write("new")
        with pytest.raises(DataError, match="another run is writing it"), lines_to(tmp_path / "far" / "lines"):
            pass
    write_text(tmp_path / "text", "new")
    for name in ("part", "lines", "text"):
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / f"{name}-link").is_symlink()
        assert (tmp_path / "far" / name).read_text().strip() == "new"
    assert len(list(tmp_path.iterdir())) == 7
    assert len(list((tmp_path / "far").iterdir())) == 3
