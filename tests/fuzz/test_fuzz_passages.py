"""Passages together show the whole text, each fits, and each place in one leads back to the text."""

from __future__ import annotations

import random
import time

import pytest
from campaign import alarm, campaign
from growth import in_line
from mutation import nasty, words

from el4ner.text.passage import Passage, bytes_up_to, cut, passage, show

pytestmark = pytest.mark.fuzz
_STOPS = (
    ". ",
    "! ",
    "? ",
    "…",
    "\n\n",
    " ",
    "。",
    "？",
    " Dr. ",
    " z. B. ",
    " e.g. ",
    " No. 5 ",
    '." ',
    "?! ",
    "...",
    " 3.5 ",
)


def is_seen(char: str) -> bool:
    """Whether a character is something to a reader: no white space, no control character."""
    return not (char.isspace() or ord(char) < 32 or 127 <= ord(char) < 160)


def leads_back(text: str, piece: Passage) -> None:
    """Each shown character stands for one of the text, in order, and is it or its look-alike."""
    assert len(piece.shown) == len(piece.origin)
    assert all(before < after for before, after in zip(piece.origin, piece.origin[1:], strict=False))
    for char, at in zip(piece.shown, piece.origin, strict=True):
        if not is_seen(text[at]):
            assert char == " "
        elif char != text[at]:
            assert text[at] in "<>|｜[]" or "\ud800" <= text[at] <= "\udfff"
    assert piece.shown == piece.shown.strip(" ")
    assert "  " not in piece.shown
    assert piece.shown.splitlines() in ([], [piece.shown])
    piece.shown.encode()


def article(rng: random.Random) -> tuple[str, int]:
    """A text of sentences and odd pieces, and how many bytes fit."""
    pieces = [rng.choice((words, nasty))(rng, 8) + rng.choice(_STOPS) for _ in range(rng.randint(0, 20))]
    return "".join(pieces), rng.choice((64, 100, 200, 400, 1500))


def whole(given: tuple[str, int]) -> None:
    text, most = given
    pieces = cut(text, bytes_up_to(most), 3)
    for piece in pieces:
        leads_back(text, piece)
        assert piece.document == 3
        assert piece.shown
        assert len(piece.shown.encode()) <= most
    shown = [at for piece in pieces for at in piece.origin if is_seen(text[at])]
    assert shown == [at for at, char in enumerate(text) if is_seen(char)]
    for piece in pieces:
        for start, end in ((0, 1), (0, len(piece.shown)), (len(piece.shown) - 1, len(piece.shown))):
            span = piece.span(start, end, "x")
            assert (span.start, span.end) == (piece.origin[start], piece.origin[end - 1] + 1)


def test_passages_cover_the_text_and_fit() -> None:
    campaign("passages", article, whole)


def one_line(text: str) -> None:
    piece = passage(text)
    leads_back(text, piece)
    assert show(text) == piece.shown
    assert show(piece.shown) == piece.shown  # what is shown is shown as it is


def test_a_text_is_shown_as_one_line() -> None:
    campaign("shown", lambda rng: rng.choice((words, nasty))(rng, 14), one_line)


@pytest.mark.parametrize("most", [64, 1500])
def test_the_time_to_cut_a_text_grows_with_it(most: int) -> None:
    in_line(lambda text: cut(text, bytes_up_to(most)))


def test_the_time_to_show_a_text_grows_with_it() -> None:
    in_line(show)


@pytest.mark.parametrize("pattern", ["!", ".", "?", "!?.", "a", " ", "\n", "a. ", '"', ")", "\u0301"])
def test_a_megabyte_takes_ten_times_what_a_tenth_takes(pattern: str) -> None:
    def seconds(size: int) -> float:
        text = pattern * (size // len(pattern))
        began = time.process_time()
        with alarm(60):
            cut(text, bytes_up_to(1500))
        return time.process_time() - began

    assert seconds(1_000_000) < 20 * seconds(100_000) + 0.5
