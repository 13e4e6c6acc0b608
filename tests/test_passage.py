from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from fakes import any_text
from hypothesis import given
from hypothesis import strategies as st

from el4ner.text.passage import Passage, cut, passage, show

TOKENS = (
    "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|eot_id|>", "<|END_OF_TURN_TOKEN|>", "[INST]", "[/INST]", "[SEP]",
    "[gMASK]", "[AVAILABLE_TOOLS]", "<s>", "</s>", "<bos>", "<end_of_turn>", "<unused0>", "</think>",
    "<SPECIAL_10>", "<｜end▁of▁sentence｜>", "<|reserved_special_token_100|>",
)  # fmt: skip


def is_blank(char: str) -> bool:
    """Whether a character is white space or a control character to a reader of the text."""
    return char.isspace() or ord(char) < 32 or 127 <= ord(char) < 160


def bytes_up_to(limit: int) -> Callable[[str], bool]:
    return lambda line: len(line.encode()) <= limit


def visible(text: str) -> list[int]:
    return [i for i, char in enumerate(text) if not is_blank(char)]


def visible_origins(pieces: list[Passage]) -> list[int]:
    return [at for piece in pieces for at, char in zip(piece.origin, piece.shown, strict=True) if char != " "]


@given(any_text)
def test_every_shown_character_stands_for_one_of_the_text(text: str) -> None:
    seen = passage(text)
    assert len(seen.origin) == len(seen.shown)
    assert list(seen.origin) == sorted(set(seen.origin))
    for char, at in zip(seen.shown, seen.origin, strict=True):
        if is_blank(text[at]):
            assert char == " "
        elif "\ud800" <= text[at] <= "\udfff":
            assert char == "\ufffd"
        else:
            assert char == text[at] or text[at] in "<>|｜[]"


@given(any_text)
def test_nothing_that_can_be_seen_is_left_out(text: str) -> None:
    assert visible_origins([passage(text)]) == visible(text)


@given(any_text)
def test_what_is_shown_is_one_tidy_line_that_can_be_sent(text: str) -> None:
    shown = show(text)
    assert shown.splitlines() in ([], [shown])
    assert "  " not in shown
    assert shown == shown.strip()
    assert shown.encode().decode() == shown


@given(any_text.map(lambda text: text.translate(dict.fromkeys(map(ord, "<>|｜[]")))), st.data())
def test_a_place_in_the_line_is_a_place_in_the_text(text: str, data: st.DataObject) -> None:
    seen = passage(text)
    ends = [i for i, char in enumerate(seen.shown) if char != " "]
    if not ends:
        return
    first, last = sorted(data.draw(st.tuples(st.sampled_from(ends), st.sampled_from(ends))))
    span = seen.span(first, last + 1, "label")
    assert show(text[span.start : span.end]) == seen.shown[first : last + 1]
    assert span.label == "label"


@pytest.mark.parametrize("token", TOKENS)
def test_control_tokens_do_not_survive(token: str) -> None:
    for text in (token, f"a{token}b", f"<{token}>", f"[{token}]", f"<|{token}|>", token * 2, token[:2] + token):
        assert token not in show(text), text
    assert len(show(token)) == len(token)


@pytest.mark.parametrize("blank", ["\n", "\0", " ", "\u2028", "\t \r\n"])
def test_control_tokens_do_not_arise_from_what_blanks_held_apart(blank: str) -> None:
    for token in TOKENS:
        for at in range(1, len(token)):
            assert token not in show(token[:at] + blank + token[at:])


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.text("<>|[]/_ims", max_size=5)), max_size=8).map("".join))
def test_no_mixture_of_pieces_makes_a_control_token(text: str) -> None:
    assert not [token for token in TOKENS if token in show(text)]


@pytest.mark.parametrize(
    "text", ["a < b > c", "1 <3 you", "[1] see [Smith]", "x|y", "a <b c> d", "List[int]", "<>[]||"]
)
def test_ordinary_brackets_stay(text: str) -> None:
    assert show(text) == text


@given(any_text, st.integers(16, 120))
def test_pieces_hold_every_visible_character_once_and_in_order_and_fit(text: str, limit: int) -> None:
    fits = bytes_up_to(limit)
    pieces = cut(text, fits, document=7)
    assert visible_origins(pieces) == visible(text)
    assert all(piece.shown and fits(piece.shown) and piece.document == 7 for piece in pieces)


@pytest.mark.parametrize("text", ["", " ", "\n\t\0\u2028"])
def test_a_text_that_shows_nothing_gives_no_piece(text: str) -> None:
    assert cut(text, bytes_up_to(16)) == []


def test_a_text_that_fits_is_one_piece() -> None:
    text = "One.  Two!\nThree?"
    assert cut(text, bytes_up_to(100)) == [passage(text)]


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("One two. Three four. Five.", 20, ["One two. Three four.", "Five."]),
        ('He said "no." Then he left.', 20, ['He said "no."', "Then he left."]),
        ("北京很大。上海也很大。", 18, ["北京很大。", "上海也很大。"]),
        ("first line\nsecond line", 16, ["first line", "second line"]),
        ("no sentence ends in this", 15, ["no sentence", "ends in this"]),
        ("a" * 40, 16, ["a" * 16, "a" * 16, "a" * 8]),
    ],
)
def test_cuts_are_at_sentence_ends_else_at_spaces_else_anywhere(text: str, limit: int, pieces: list[str]) -> None:
    assert [piece.shown for piece in cut(text, bytes_up_to(limit))] == pieces


@pytest.mark.parametrize(
    "whole",
    [
        "Dr. Weber", "St. Gallen", "No. 5", "J. K. Rowling", "(Prof. Lind", "z. B. Oslo", "e.g. Oslo", "i.e. Oslo",
        "Jan. Hundred", "vs. Oslo", "Nr. 7", "Art. 3", "S. 5", "p. 5", "pp. 12-14", "3. Oktober", "XIV. Armeekorps",
        "U.S. Army", "Hauptstr. 5", "Dipl.-Ing. Lind", "Mme. Curie", "M. Hugo", "Sra. Sol", "sig. Rossi", "dhr. Smit",
        "А. Пушкин", "ул. Ленина", "डॉ. राव", "1 000 000", "20\u00a0000", "New\u00a0York", "Ph.D. Lind", "d'av. Foch",
    ],
)  # fmt: skip
def test_what_belongs_together_is_not_cut(whole: str) -> None:
    text = f"Then again they saw {whole} and the others there. So it went on and on, all day."
    for limit in range(len(whole.encode()), len(text.encode())):
        assert sum(whole.replace("\u00a0", " ") in piece.shown for piece in cut(text, bytes_up_to(limit))) == 1, limit


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("Title\n\nOne. Two.\n\nThree.", 20, ["Title One. Two.", "Three."]),  # a paragraph before a sentence
        ("One two,\nthree. Four five", 20, ["One two, three.", "Four five"]),  # a sentence before a line
        ("one two, three\nfour five", 20, ["one two, three", "four five"]),  # a line before a clause
        ("one two, three four five", 16, ["one two,", "three four five"]),  # a clause before a word
        ("all said. then more came", 20, ["all said.", "then more came"]),  # sentences without capitals
        ("He went to Rome. 20 came", 20, ["He went to Rome.", "20 came"]),
        ('"Stop!" he said. "Why?" Oslo', 24, ['"Stop!" he said. "Why?"', "Oslo"]),
        ("他说：“你好！”然后走了。", 24, ["他说：“你好！”", "然后走了。"]),
        ("他去北京，然后去上海", 20, ["他去北京，", "然后去上海"]),
        ("यह राम है। वह सीता है।", 30, ["यह राम है।", "वह सीता है।"]),
        ("北京https://a.org/b?c=1.5上海", 23, ["北京", "https://a.org/b?c=1.5", "上海"]),
        ("see anna.berg@example.org now", 24, ["see", "anna.berg@example.org", "now"]),
        ("e\u0301" * 7, 16, ["e\u0301" * 5, "e\u0301" * 2]),
        ("👩\u200d🚀" * 3, 25, ["👩\u200d🚀" * 2, "👩\u200d🚀"]),
        ("🇳🇴" * 5, 20, ["🇳🇴" * 2, "🇳🇴" * 2, "🇳🇴"]),
        ("👍🏽" * 3, 20, ["👍🏽" * 2, "👍🏽"]),
        ("क्षि" * 3, 20, ["क्षि"] * 3),
        ("\u0301" * 20, 16, ["\u0301" * 8, "\u0301" * 8, "\u0301" * 4]),  # no character at all: anywhere
    ],
)
def test_the_best_places_come_first(text: str, limit: int, pieces: list[str]) -> None:
    assert [piece.shown for piece in cut(text, bytes_up_to(limit))] == pieces


@pytest.mark.parametrize("limit", [16, 40, 200])
def test_a_piece_is_shown_as_it_stands_in_the_whole(limit: int) -> None:
    text = "One <|im_end|> two.\n\n[INST] three\0 four\ud800. Five </s> six! " * 20
    whole = passage(text)
    for piece in cut(text, bytes_up_to(limit)):
        start = whole.origin.index(piece.origin[0])
        assert whole.shown[start : start + len(piece.shown)] == piece.shown


PATTERNS = {
    "unbroken": "x", "chinese": "中", "sentences": "a. ", "lines": "a\n", "blank": "\n \n", "nulls": "\n\0",
    "words": "word ", "stops": "!?.", "dots": ".", "blanks": " ", "newlines": "\n", "marks": "\u0301", "flags": "🇳",
    "joiners": "\u200d", "viramas": "क्", "quotes": '"', "brackets": "(", "closing": ")", "ends": '."', "titles": "Dr. ",
    "thousands": "000 ", "tokens": "<|", "commas": ",",
}  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_ten_times_the_text_takes_ten_times_the_time(pattern: str) -> None:
    def seconds(size: int) -> float:
        text = (pattern * size)[:size]
        began = time.process_time()  # what other processes do does not count
        pieces = cut(text, bytes_up_to(1500))
        taken = time.process_time() - began
        assert visible_origins(pieces) == visible(text)
        return taken

    assert seconds(300_000) < 30 * max(seconds(30_000), 0.01)  # quadratic: 100
