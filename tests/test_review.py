"""The review without its page: nothing decided is lost or counted twice, and the order of work is as it is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fakes import LABELS, failing
from reviewing import TEXTS, documents, knowing, opener, reading, review_of, said, spans, until

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Candidate, Example, Label, Proposal, Span, Vote
from el4ner.decide import Decision
from el4ner.errors import DataError
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile
from el4ner.review.agreement import agreement
from el4ner.review.history import accepted
from el4ner.review.judgement import Judgement, ref_of, review_texts
from el4ner.review.neighbours import Neighbours
from el4ner.review.readings import LOOK
from el4ner.review.review import Conflict
from el4ner.review.worth import Worth, disagreement

ADA = spans(TEXTS[0], person="Ada|Bob", location="Rome")


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return tmp_path / "pool.jsonl"


def test_an_acceptance_is_an_example_with_its_story(pool: Path) -> None:
    review = review_of(pool)
    first, second = review.upcoming(2)
    before = review.digest
    review.judge(said(review, first, entities=ADA, suggested=[[0, 3, "person", 0.9]], seconds=4.2, key="k1"))
    (line,) = pool.read_text("utf-8").splitlines()
    record = json.loads(line)
    assert Pool.read(pool, LABELS).examples == (Example("t0", TEXTS[0], ADA),)
    note = record["review"]
    assert note.pop("at").endswith("Z")
    assert note == {
        "n": 1, "key": "k1", "decision": "accept", "ref": first, "seconds": 4.2,
        "suggested": [[0, 3, "person", 0.9]], "pool": before,
    }  # fmt: skip
    assert review.upcoming(1) == [second]


def test_all_is_as_it_was_after_a_restart(pool: Path) -> None:
    review = review_of(pool)
    refs = list(review.refs)
    review.judge(said(review, refs[0], entities=ADA, suggested=[], seconds=1))
    review.judge(said(review, refs[1], "reject"))
    review.judge(said(review, refs[2], "skip"))
    again = review_of(pool)
    assert again.history == review.history
    assert again.upcoming(9) == review.upcoming(9) == [*refs[3:], refs[2]]  # what was skipped comes last
    assert [one.number for one in again.history.judgements] == [1, 2, 3]


def test_the_same_request_counts_once(pool: Path) -> None:
    review = review_of(pool)
    one = said(review, review.refs[0], entities=ADA, key="same")
    review.judge(one)
    review.judge(one)
    review_of(pool).judge(one)
    assert len(pool.read_text().splitlines()) == 1
    review.undo(1, review.digest)
    review.judge(one)  # sent again by a page that had no answer
    assert pool.read_text() == ""
    assert review.upcoming(1) == [review.refs[0]]


def test_two_who_decide_the_same_text(pool: Path) -> None:
    review = review_of(pool)
    first, second = review.refs[:2]
    mine, theirs = said(review, first, entities=ADA), said(review, first, "reject")
    other = said(review, second)
    review.judge(mine)
    with pytest.raises(Conflict, match="decided elsewhere") as closed:
        review.judge(theirs)
    assert not closed.value.is_open
    with pytest.raises(Conflict, match="the pool has changed") as stale:
        review.judge(other)
    assert stale.value.is_open
    review.judge(said(review, second))
    assert [e.text for e in Pool.read(pool, LABELS).examples] == list(TEXTS[:2])


def test_undo_goes_ten_back_and_over_restarts(pool: Path) -> None:
    texts = [f"text {number} of Rome" for number in range(14)]
    review = review_of(pool, texts)
    for number, ref in enumerate(review.refs[:12]):
        kind = ("accept", "reject", "skip")[number % 3]
        review.judge(said(review, ref, kind, entities=(Span(0, 4, "group"),) if kind == "accept" else ()))
    for number in range(12, 2, -1):
        review = review_of(pool, texts) if number % 4 == 0 else review
        with pytest.raises(Conflict):
            review.undo(number - 1, review.digest)  # not the last one
        review.undo(number, review.digest)
        review.undo(number, review.digest)  # twice is once
        assert review.upcoming(1) == [review.refs[number - 1]]
        assert len(review.history.judgements) == number - 1
    with pytest.raises(Conflict, match="too long ago"):
        review.undo(2, review.digest)
    assert [e.text for e in Pool.read(pool, LABELS).examples] == texts[:1]
    assert review.history.before[review.refs[9]] == (Span(0, 4, "group"),)  # to be corrected
    review.judge(said(review, review.refs[9]))
    assert review.history.judgements[-1].number == 13  # a number is never given again


def test_a_kill_between_undo_and_removal_leaves_the_acceptance(pool: Path) -> None:
    review = review_of(pool)
    review.judge(said(review, review.refs[0], entities=ADA))
    journal = pool.with_name("pool.jsonl.review.jsonl")
    journal.write_bytes(b'{"undo": 1, "key": "x", "ref": "y", "entities": []}\n{"n": 2, "decis')
    again = review_of(pool)
    assert [one.number for one in again.history.judgements] == [1]
    again.undo(1, again.digest)
    again.judge(said(again, again.refs[0], "reject"))
    assert [one.number for one in review_of(pool).history.judgements] == [2]


def test_the_user_edits_the_pool_meanwhile(pool: Path) -> None:
    review = review_of(pool)
    review.judge(said(review, review.refs[0], entities=ADA, suggested=[[0, 3, "person", 1.0]]))
    old = said(review, review.refs[1])
    line = json.loads(pool.read_text())
    line["entities"] = line["entities"][:1]
    mine = json.dumps({"id": "mine", "text": TEXTS[4], "entities": []})
    pool.write_text(json.dumps(line) + "\n" + mine + "\n")
    with pytest.raises(Conflict, match="changed"):
        review.judge(old)
    assert review.history.judgements[0].entities == ADA[:1]
    assert ref_of(TEXTS[4]) not in review.upcoming(9)
    pool.write_text("{broken\n" + pool.read_text())
    review.refresh()
    assert "pool.jsonl, line 1" in review.trouble
    with pytest.raises(DataError, match="line 1"):
        review.judge(said(review, review.refs[1]))
    pool.write_text(mine + "\n")
    review.refresh()
    assert review.trouble == ""
    assert review.upcoming(1) == [review.refs[0]]  # its line is gone: it is open again
    assert review.history.judgements == ()


@pytest.mark.parametrize(
    ("entities", "says"),
    [
        ((Span(0, 3, "persn"),), "did you mean 'person'"),
        ((Span(0, 99, "person"),), "the text has 20 characters"),
        ((Span(-1, 2, "person"),), "before the text"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_kept(pool: Path, entities: tuple[Span, ...], says: str) -> None:
    review = review_of(pool)
    with pytest.raises(DataError, match=says):
        review.judge(said(review, review.refs[0], entities=entities))
    assert not pool.exists() or not pool.read_bytes()
    assert review.upcoming(1) == [review.refs[0]]


def test_ids_of_the_pool_stay_its_own(pool: Path) -> None:
    pool.write_text('{"id": "t0", "text": "Lima", "entities": []}\n')
    review = review_of(pool)
    review.judge(said(review, review.refs[0]))
    assert [e.id for e in Pool.read(pool, LABELS).examples] == ["t0", f"t0-{review.refs[0][:6]}"]


def test_types_named_on_the_page_are_kept(pool: Path) -> None:
    review = review_of(pool, labels=None)
    assert (review.labels, review.file) == ((), None)
    with pytest.raises(DataError, match="no types yet"):
        review.judge(said(review, review.refs[0]))
    review.name_types([Label("person", "a human being"), Label("place")])
    review.judge(said(review, review.refs[0], entities=(Span(0, 3, "person"),)))
    again = review_of(pool, labels=None)
    assert again.labels == (Label("person", "a human being"), Label("place"))
    with pytest.raises(DataError, match="'person'"):
        again.name_types([Label("place")])
    again.name_types([Label("person"), Label("new")])
    assert review_of(pool, labels=None).labels == (Label("person"), Label("new"))


def test_each_text_is_looked_at_once() -> None:
    held = review_texts(documents(["a", " ", "b", "a", "\ud800"]))
    assert [document.text for document in held.values()] == ["a", "b", "\ud800"]


def test_reading_ahead_and_again(pool: Path) -> None:
    model = knowing()
    review = review_of(pool, [*TEXTS, *(f"Rome {number}" for number in range(60))])
    reader = reading(review, model)
    reader.start()
    until(lambda: review.readings.counts["read"] == 3)  # in the given order, three are enough
    first = review.places[review.upcoming(1)[0]]
    assert {e.text for e in review.readings.annotations[first].entities} == {"Ada", "Bob", "Rome"}
    review.judge(said(review, review.refs[0], entities=ADA))
    assert review.readings.just_touched == len(TEXTS) - 1 + 60  # the first example is everybody's
    until(lambda: review.readings.counts["again"] == 0 and not review.readings.outdated[1:4].any())
    shown = review.readings.annotations[1].traces[0].demonstrations
    assert [one.id for one in shown] == ["t0"]
    reader.close()
    assert model.closed


def test_who_would_be_read_differently_is_who_is_shown_another_example(pool: Path) -> None:
    random = Random(3)
    texts = ["".join(random.choices("abcdez", k=6)) + str(number) for number in range(40)]
    review = review_of(pool, texts)
    for ref in review.refs[:6]:
        review.judge(said(review, ref, entities=(Span(0, 1, "person"),)))
    left = [review.texts[ref] for ref in review.refs[7:]]

    def shown() -> list[list[str]]:
        ner = opener(knowing())(Pool.read(pool, LABELS))
        return [[one.id for one in annotation.traces[0].demonstrations] for annotation in ner.annotate(left)]

    before = shown()
    review.judge(said(review, review.refs[6], entities=(Span(0, 1, "person"),)))
    differ = sum(one != other for one, other in zip(before, shown(), strict=True))
    assert review.readings.just_touched == differ
    assert 0 < differ < len(left)
    review.judge(said(review, review.refs[7]))  # without entities: nobody is shown it
    assert review.readings.just_touched == 0


def test_the_rest_goes_to_a_file(pool: Path) -> None:
    review = review_of(pool)
    reader = reading(review)
    review.judge(said(review, review.refs[0], entities=ADA))
    review.judge(said(review, review.refs[3], "reject"))
    with review.changed:
        review.readings.everything = True
    reader.start()
    until(lambda: reader.written is not None)
    lines = [json.loads(line) for line in reader.rest.read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["t1", "t2", "t4", "t5"]
    assert [e["text"] for e in lines[1]["entities"]] == ["Rome", "Ada"]
    reader.close()


def test_the_estimate_leaves_out(pool: Path) -> None:
    review = review_of(pool)
    for ref in review.refs[:5]:
        text = review.texts[ref].text
        own = tuple(s for name, label in (("Ada", "person"), ("Rome", "location")) if name in text
                    for s in spans(text, **{label: name}))  # fmt: skip
        review.judge(said(review, ref, entities=own))
    reader = reading(review)
    reader.estimate.ask(Pool.read(pool, LABELS))
    reader.start()
    until(lambda: "f1" in reader.estimate.told)
    told = reader.estimate.told
    # found: 3, 3, 2, 0, 3; accepted: 2, 2, 2, 0, 0
    assert told["f1"] == pytest.approx(2 * 6 / (11 + 6))
    assert (told["judged"], told["of"]) == (5, 5)
    assert {one["found"] for one in told["suspects"]} >= {"Bob (person)", "Blue Owls (group)"}
    assert sorted(map(float, (told["low"], told["f1"], told["high"]))) == [told["low"], told["f1"], told["high"]]
    reader.close()


def test_a_model_that_fails_stops_nobody(pool: Path) -> None:
    review = review_of(pool)
    reader = reading(review, failing("no route to host"))
    reader.start()
    until(lambda: "no route to host" in reader.problem)
    review.judge(said(review, review.refs[0], entities=ADA))
    assert review.history.judgements[0].suggested is None
    reader.close()
    recovered = reading(review)
    recovered.start()
    until(lambda: review.readings.counts["read"] == 3)
    assert recovered.problem == ""
    recovered.close()


def test_value_is_the_product_of_its_factors() -> None:
    worth = Worth(
        np.array([0.5, np.nan, 0.1, 0.9]), np.array([1, 1, 9, 0]), np.array([0.5, 0.5, 0.5, 0.1], dtype=np.float32)
    )
    places = np.arange(4)
    # 0: .55 x 2 x .5; 1: .55 x 2 x .5 (as the others on average); 2: .15 x 10 x .5; 3: .95 x 1 x .1
    assert worth.order("valuable", places).tolist() == [2, 0, 1, 3]
    assert worth.order("uncertain", places).tolist() == [3, 0, 1, 2]
    assert worth.order("given", np.array([3, 1])).tolist() == [1, 3]
    drawn = worth.order("random", places).tolist()
    assert sorted(drawn) == [0, 1, 2, 3]
    assert worth.order("random", np.array([0, 2])).tolist() == [p for p in drawn if p in (0, 2)]
    assert worth.factors(1) == {"disagreement": None, "readers": 1, "distance": 0.5}


def _annotation(*votes: tuple[Vote, ...]) -> Annotation:
    ballots = tuple(Ballot(Candidate(Span(n, n + 1), (Proposal("a"),)), said) for n, said in enumerate(votes))
    return Annotation("x", "x" * 9, (), ballots, (), Decision())


def test_disagreement_is_the_entropy_of_the_votes() -> None:
    sure = (Vote("a", "x", 1.0), Vote("b", "x", 1.0))
    split = (Vote("a", "x", 1.0), Vote("b", None, 1.0))
    unsure = (Vote("a", "x", 0.5), Vote("b", "x", 0.5))
    assert disagreement(_annotation()) == 0
    assert disagreement(_annotation(sure)) == 0
    assert disagreement(_annotation(split)) == pytest.approx(1)
    assert disagreement(_annotation(unsure)) == pytest.approx(1)
    assert disagreement(_annotation(sure, split)) == pytest.approx(0.5)
    assert disagreement(_annotation((Vote("a", "x"), Vote("b", None, abstained="silent")))) == 0


def test_neighbours_keep_count() -> None:
    random = np.random.default_rng(5)
    vectors = random.normal(size=(40, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = Neighbours(vectors, 5)
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -2)
    readers = np.zeros(40, dtype=int)
    for row in similar:
        readers[np.argsort(row)[-5:]] += 1
    assert near.readers.tolist() == readers.tolist()
    assert (near.distance == 1).all()
    for place in (3, 9, 12, 17, 30, 31, 32):
        near.set_open(place, False)
        near.set_open(place, False)
        readers[np.argsort(similar[place])[-5:]] -= 1
        held = [p for p in (3, 9, 12, 17, 30, 31, 32) if p < place]
        best = np.sort(vectors @ vectors[held].T, axis=1)[:, -5:] if held else np.zeros((40, 0))
        touched = near.add(vectors[place])
        expected = (vectors @ vectors[place] > best[:, 0]) if best.shape[1] == 5 else np.ones(40, dtype=bool)
        assert touched.tolist() == expected.tolist()
    assert near.readers.tolist() == readers.tolist()
    assert not near.hold(vectors[[3, 9, 12, 17, 30, 31, 32]]).any()
    assert near.hold(vectors[[3]]).all()
    assert near.distance == pytest.approx(np.clip(1 - vectors @ vectors[3], 0, 1), abs=1e-5)


def test_the_curve_of_agreement() -> None:
    good, bad = (Span(0, 1, "x"),), (Span(0, 2, "x"),)
    told = [Judgement(n, str(n), "accept", "r", good, good if n > 10 else bad, n) for n in range(1, 31)]
    told.insert(4, Judgement(99, "k", "accept", "r", good, None, 50.0))
    found = agreement(accepted(told))
    assert found["texts"] == 31
    assert found["curves"]["20"][0] == [20, 0.5]
    assert found["curves"]["20"][-1] == [30, 1.0]
    assert len(found["curves"]["20"]) == 11
    assert found["curves"]["50"] == [[30, round(2 * 20 / 60, 4)]]
    assert found["types"] == [["x", 0.6667, 0.6667, 20, 30, 30]]
    assert found["seconds"] == 20.5
    empty = agreement([])
    assert (empty["curves"], empty["types"], empty["seconds"]) == ({"20": [], "50": [], "200": []}, [], None)
    silent = agreement([Judgement(1, "a", "accept", "r", (), (), 1.0)])
    assert silent["curves"]["20"] == [[1, 1.0]]  # nothing suggested, nothing accepted: they agree


def test_valuable_order_reads_some_more_to_choose_among(pool: Path) -> None:
    review = review_of(pool, [f"Ada {number}" for number in range(50)], sorting="valuable")
    reader = reading(review)
    reader.start()
    until(lambda: review.readings.counts["read"] >= LOOK)
    ranked = review.readings.ranked(ready=True)
    read = [place in review.readings.annotations for place in ranked]
    assert read == sorted(read, reverse=True)
    reader.close()


def test_a_full_disk_keeps_the_journal_whole(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review = review_of(pool)
    review.judge(said(review, review.refs[0], "skip"))
    journal = pool.with_name("pool.jsonl.review.jsonl")
    before = journal.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match="No space left"):
            review.judge(said(review, review.refs[1], "reject"))
    assert journal.read_bytes() == before
    assert review.history.last == 1
    review.judge(said(review, review.refs[1], "reject"))
    assert review_of(pool).history.last == 2


def test_a_pool_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pool.conll").write_text("EU B-group\n")
    with pytest.raises(DataError, match="el4ner data convert"):
        review_of(tmp_path / "pool.conll")


def test_readers_of_pools_ignore_the_story(pool: Path) -> None:
    review = review_of(pool)
    review.judge(said(review, review.refs[0], entities=ADA))
    assert PoolFile(pool, LABELS).pool == Pool.read(pool, LABELS)
