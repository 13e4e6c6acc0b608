"""Standard streams that are closed, full, or read by nobody: one line, an exit code, and no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
PROGRAM = f"'{sys.executable}' -c 'from el4ner.cli import main; main()'"
STATES = [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of shell, in which `el4ner` is the program."""
    command = ["bash", "-c", f'el4ner() {{ {PROGRAM} "$@"; }}; {line}']
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["recipes", "--help", "--version"])
@pytest.mark.parametrize(("redirected", "reason"), STATES)
def test_what_cannot_be_printed_is_told(command: str, redirected: str, reason: str) -> None:
    done = shell(f"el4ner {command} {redirected}")
    assert done.stderr == f"error: standard output: cannot be used ({reason}); see where it leads, and run again\n"
    assert done.returncode == 1


def test_lines_for_a_closed_standard_output_are_refused_at_once() -> None:
    done = shell("el4ner recipes nano >&-")
    assert (done.returncode, done.stderr) == (1, "error: standard output is closed; give a file to -o\n")


@pytest.mark.parametrize("redirected", ["<&-", "<&- >&-"])
def test_texts_from_an_input_that_cannot_be_read_are_told(redirected: str) -> None:
    done = shell(f"el4ner pool check - {redirected}")
    assert done.stderr == "error: standard input: cannot be read (Bad file descriptor); check where it comes from\n"
    assert done.returncode == 1


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
def test_a_standard_error_that_cannot_be_written_changes_nothing(redirected: str) -> None:
    done = shell(f"el4ner recipes none {redirected}")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 1)
    printed = shell("el4ner recipes")
    done = shell(f"el4ner recipes {redirected}")
    assert (done.stdout, done.returncode) == (printed.stdout, 0)


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, sys; from el4ner.cli.streams import guard; guard()\n"
        "file = open(sys.argv[1], 'w'); sys.stderr.write('noise'); print(file.fileno() > 2, file=file)"
    )
    line = f"'{sys.executable}' -c \"{code}\" '{tmp_path / 'file'}' <&- >&- 2>&-"
    subprocess.run(["bash", "-c", line], check=False)
    assert (tmp_path / "file").read_text() == "True\n"


def test_what_is_open_as_standard_output_is_written_on(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from el4ner.cli.output import lines_to, write_text\n"
        "print('first', flush=True)\n"
        "with lines_to(Path('/dev/stdout')) as write: write('line')\n"
        "write_text(Path('/dev/stdout'), 'text')"
    )
    (tmp_path / "log").write_text("before\n")
    subprocess.run(["bash", "-c", f"'{sys.executable}' -c \"{code}\" >> '{tmp_path / 'log'}'"], check=True)
    assert (tmp_path / "log").read_text() == "before\nfirst\nline\ntext"
    assert len(list(tmp_path.iterdir())) == 1
