"""What the review remembers: what was taken back comes again as it was, and each decision is told from all others."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from reviewing import TEXTS, reading, review_of, said, spans

from el4ner.errors import DataError
from el4ner.review.judgement import Kind
from el4ner.review.records import state_record
from el4ner.review.review import Review

ADA = spans(TEXTS[0], person="Ada|Bob", location="Rome")


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return tmp_path / "pool.jsonl"


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a disk that becomes full: what fits is written, and the next write fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def take_back(review: Review) -> None:
    assert review.history.undoable is not None
    review.undo(review.history.undoable.number, review.digest)


@pytest.mark.parametrize("kind", ["reject", "skip"])
def test_a_text_that_was_not_accepted_comes_back_with_what_was_found(pool: Path, kind: Kind) -> None:
    review = review_of(pool)
    review.judge(said(review, review.refs[0], kind))
    take_back(review)
    for held in (review, review_of(pool)):
        shown = state_record(held, reading(held))["texts"][0]
        assert (shown["ref"], shown["before"]) == (review.refs[0], None)


def test_an_acceptance_that_was_taken_back_outlives_a_skip_that_was(pool: Path) -> None:
    review = review_of(pool)
    ref = review.refs[0]
    review.judge(said(review, ref, entities=ADA))
    take_back(review)
    review.judge(said(review, ref, "skip"))
    take_back(review)
    assert review_of(pool).history.before == {ref: ADA}


def test_two_processes_that_gave_the_same_number_take_back_their_own(pool: Path) -> None:
    one, other = review_of(pool), review_of(pool)
    one.judge(said(one, one.refs[0], "reject"))
    other.judge(said(other, other.refs[1], "reject"))
    take_back(other)
    again = review_of(pool)
    assert {judgement.ref for judgement in again.history.judgements} == {one.refs[0]}


def test_skipped_texts_come_in_turn(pool: Path) -> None:
    review = review_of(pool, TEXTS[:3])
    shown = []
    for _ in range(7):
        (ref,) = review.upcoming(1)
        shown.append(review.refs.index(ref))
        review.judge(said(review, ref, "skip"))
    assert shown == [0, 1, 2, 0, 1, 2, 0]


def test_a_disk_that_takes_half_a_line_keeps_none_of_it(pool: Path) -> None:
    review = review_of(pool)
    first, second = review.refs[:2]
    review.judge(said(review, first, "reject"))
    journal = pool.with_name("pool.jsonl.review.jsonl")
    before = journal.read_bytes()
    with files_no_larger_than(len(before) + 20), pytest.raises(DataError, match="cannot be written"):
        review.judge(said(review, second, "reject"))
    assert journal.read_bytes() == before
    assert review.upcoming(1) == [second]


def test_rows_of_a_journal_that_name_no_type_are_passed_over(pool: Path) -> None:
    review = review_of(pool)
    rows = [[0, 3, None], [0, 3], [True, 3, "person"], [4, 7, "person"]]
    line = {"undo": 1, "key": "k1234567", "ref": review.refs[0], "entities": rows}
    pool.with_name("pool.jsonl.review.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    assert [(one.start, one.end, one.label) for one in review_of(pool).history.before[review.refs[0]]] == [
        (4, 7, "person")
    ]
