"""The queue in front of an ensemble, and the thread that works it off."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from threading import Timer

import pytest
from fakes import LetterEncoder, ensemble, failing, scripted
from serving import Gate, capital_model, desk_of, pool_path, until

from el4ner.annotation import Annotation
from el4ner.data import Document, Example, Label, Span
from el4ner.errors import ContextError, DataError, ModelError
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile
from el4ner.serve.desk import Desk
from el4ner.serve.kept_pool import AlreadyThere
from el4ner.serve.orders import Answer, Order, Orders, QueueFull
from el4ner.stages.state import PassageState

PERSON = (Label("person"),)


def order(*texts: str, labels: tuple[Label, ...] | None = None) -> tuple[Order, Queue[Sequence[Answer]]]:
    told: Queue[Sequence[Answer]] = Queue()
    return Order([Document(str(n), text) for n, text in enumerate(texts)], labels, told.put), told


def texts(batch: Sequence[tuple[Order, Document]]) -> list[str]:
    return [document.text for _, document in batch]


def test_orders_take_turns() -> None:
    orders = Orders(100)
    for one in (order("a1", "a2", "a3")[0], order("b1")[0], order("c1", "c2")[0]):
        orders.put(one)
    assert texts(orders.take(4)) == ["a1", "b1", "c1", "a2"]
    assert len(orders) == 2
    assert texts(orders.take(4)) == ["c2", "a3"]


def test_a_batch_asks_for_the_same_types() -> None:
    orders = Orders(100)
    for one in (order("a1", "a2")[0], order("b1", labels=PERSON)[0], order("c1")[0], order("d1", labels=PERSON)[0]):
        orders.put(one)
    assert texts(orders.take(2)) == ["a1", "c1"]
    assert texts(orders.take(9)) == ["b1", "d1"]
    assert texts(orders.take(9)) == ["a2"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("el4ner.serve.orders._GATHER", 10.0)
    monkeypatch.setattr("el4ner.serve.orders._LONGEST", 10.0)


def put_later(orders: Orders, *texts: str) -> None:
    for number, text in enumerate(texts, 1):
        Timer(0.02 * number, lambda text=text: orders.put(order(text)[0])).start()


@pytest.mark.usefixtures("patient")
def test_a_batch_waits_for_those_who_were_just_answered() -> None:
    orders = Orders(100)
    for text in ("a", "b"):
        orders.put(order(text)[0])
    assert texts(orders.take(9)) == ["a", "b"]
    put_later(orders, "c", "d")
    assert texts(orders.take(9)) == ["c", "d"]


@pytest.mark.usefixtures("patient")
def test_batches_that_fell_apart_come_together() -> None:
    orders = Orders(100)
    for text in ("a", "b"):
        orders.put(order(text)[0])
    assert texts(orders.take(1)) == ["a"]
    put_later(orders, "c")  # of whom "a" was answered
    assert texts(orders.take(9)) == ["b", "c"]


@pytest.mark.usefixtures("patient")
def test_who_comes_alone_does_not_wait() -> None:
    orders = Orders(100)
    began = time.perf_counter()
    for _ in range(3):
        put_later(orders, "a")
        assert texts(orders.take(9)) == ["a"]
    assert time.perf_counter() - began < 5


def test_the_queue_has_an_end() -> None:
    orders = Orders(3)
    orders.put(order("a", "b")[0])
    with pytest.raises(QueueFull):
        orders.put(order("c", "d")[0])
    orders.put(order("c")[0])
    assert len(orders) == 3


def test_who_leaves_makes_room() -> None:
    orders = Orders(3)
    left, stays = order("a", "b")[0], order("c")[0]
    orders.put(left)
    orders.put(stays)
    orders.drop(left)
    orders.drop(left)  # once more is nothing
    assert len(orders) == 1
    assert texts(orders.take(9)) == ["c"]


def test_an_end_wakes_who_waits() -> None:
    orders = Orders(3)
    waiting = order("a")[0]
    orders.put(waiting)
    assert orders.close() == [waiting]
    assert orders.take(9) == []
    with pytest.raises(QueueFull):
        orders.put(order("b")[0])


def started(desk: Desk) -> Desk:
    desk.start()
    until(lambda: desk.ready or desk.error is not None)
    assert desk.error is None
    return desk


def annotated(desk: Desk, *given: str, labels: tuple[Label, ...] | None = None) -> Sequence[Answer]:
    one, told = order(*given, labels=labels)
    desk.put(one)
    return told.get(timeout=20)


def found(answers: Sequence[Answer]) -> list[list[str]]:
    return [[entity.text for entity in one.entities] for one in answers if isinstance(one, Annotation)]


def test_what_comes_together_shares_a_batch(tmp_path: Path) -> None:
    gate = Gate()
    model = gate.model()
    desk = started(desk_of(tmp_path, model))
    first, told_first = order("Ada")
    desk.put(first)
    gate.reached.wait(20)
    others = [order(f"Bob {number}") for number in range(8)]
    for other, _ in others:
        desk.put(other)
    gate.opened.set()
    assert found(told_first.get(timeout=20)) == [["Ada"]]
    assert [found(told.get(timeout=20)) for _, told in others] == [[["Bob"]]] * 8
    assert model.batches == [1, 8]
    desk.close()


def test_a_batch_is_at_most_a_window(tmp_path: Path) -> None:
    model = capital_model()
    desk = started(desk_of(tmp_path, lambda pool: ensemble(model, pool=pool, window=3)))
    one, told = order(*[f"Text number {n}" for n in range(8)])
    desk.put(one)
    sizes = [len(told.get(timeout=20)) for _ in range(3)]
    assert sizes == [3, 3, 2]
    assert model.batches == [3, 3, 2]
    desk.close()


def test_what_was_dropped_is_never_asked(tmp_path: Path) -> None:
    gate = Gate()
    model = gate.model()
    desk = started(desk_of(tmp_path, model))
    first, told = order("Ada")
    desk.put(first)
    gate.reached.wait(20)
    left = order("Bob", "Carl")[0]
    desk.put(left)
    assert desk.waiting == 2
    desk.drop(left)
    assert desk.waiting == 0
    gate.opened.set()
    told.get(timeout=20)
    assert found(annotated(desk, "Dora")) == [["Dora"]]
    assert [asked.text for asked in model.questions("extract")] == ["Ada", "Dora"]
    desk.close()


def test_a_text_that_cannot_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    model = capital_model()
    model.context = 400
    desk = started(desk_of(tmp_path, lambda pool: ensemble(model, pool=pool, passage_bytes=100_000)))
    long = "word " * 500
    answers = annotated(desk, "Ada", long, "Bob")
    assert found([answers[0], answers[2]]) == [["Ada"], ["Bob"]]
    assert isinstance(answers[1], ContextError)
    desk.close()


def test_a_model_that_fails_is_an_answer_to_all(tmp_path: Path) -> None:
    desk = started(desk_of(tmp_path, failing()))
    answers = annotated(desk, "Ada", "Bob")
    assert all(isinstance(answer, ModelError) for answer in answers)
    assert len(answers) == 2
    assert all(isinstance(answer, ModelError) for answer in annotated(desk, "Carl"))  # and it is still there
    desk.close()


def test_a_fault_is_an_answer_to_one(tmp_path: Path) -> None:
    class Faulty(EL4NER):
        def _states(self, number: int, document: Document, leave_one_out: bool) -> list[PassageState]:
            if document.text == "Bob":
                raise ZeroDivisionError
            return super()._states(number, document, leave_one_out)

    def opened(pool: Pool) -> EL4NER:
        sound = ensemble(capital_model(), pool=pool)
        return Faulty(sound.recipe, sound.members, pool, encoder=LetterEncoder())

    desk = started(desk_of(tmp_path, opened))
    answers = annotated(desk, "Ada", "Bob", "Carl")
    assert found([answers[0], answers[2]]) == [["Ada"], ["Carl"]]
    assert isinstance(answers[1], ZeroDivisionError)
    desk.close()


def test_types_are_asked_for(tmp_path: Path) -> None:
    model = capital_model()
    desk = started(desk_of(tmp_path, model))
    annotated(desk, "Ada", labels=(Label("person"), Label("boat", "it swims")))
    shown = model.questions("extract")[0].types
    assert "boat" in shown
    assert "it swims" in shown
    assert "location" not in shown
    desk.close()


NEW = Example("n1", "Zoe sang .", (Span(0, 3, "person"),))


def test_a_new_example_is_read_by_the_next_text(tmp_path: Path) -> None:
    model = capital_model()
    desk = started(desk_of(tmp_path, lambda pool: ensemble(model, pool=pool, member={"demonstrations": 9})))
    annotated(desk, "Ada sang .")
    before = desk.costs["extract", "calls"]
    pool = desk.kept.add([NEW], {"annotator": "me"})
    assert pool.digest == desk.kept.pool.digest
    annotated(desk, "Ada sang .")
    shown = [[text for text, _ in asked.demonstrations] for asked in model.questions("extract")]
    assert [NEW.text in texts for texts in shown] == [False, True]
    assert (before, desk.costs["extract", "calls"]) == (1, 2)  # costs go on over pools
    line = json.loads(pool_path(tmp_path).read_text("utf-8").splitlines()[-1])
    assert (line["text"], line["entities"]) == (NEW.text, [{"start": 0, "end": 3, "label": "person"}])
    assert PoolFile(pool_path(tmp_path)).notes[NEW.text] == {"annotator": "me"}
    desk.close()
    assert model.closed


def test_an_edit_of_the_file_is_noticed(tmp_path: Path) -> None:
    model = capital_model()
    desk = started(desk_of(tmp_path, lambda pool: ensemble(model, pool=pool, member={"demonstrations": 9})))
    with pool_path(tmp_path).open("a", encoding="utf-8") as file:
        file.write('{"text": "Zoe sang .", "entities": [{"start": 0, "end": 3, "label": "person"}]}\n')
    annotated(desk, "Ada sang .")
    assert NEW.text in [text for text, _ in model.questions("extract")[0].demonstrations]
    with pool_path(tmp_path).open("a", encoding="utf-8") as file:
        file.write("{half a line")
    assert found(annotated(desk, "Ada")) == [["Ada"]]  # on the pool as it was
    desk.close()


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (Example("x", "Rain is expected in Kyoto tomorrow .", ()), "in the pool already"),
        (Example("x", "Zoe", (Span(0, 4, "person"),)), "ends at 4"),
        (Example("x", "Zoe", (Span(0, 3, "persn"),)), "did you mean 'person'"),
    ],
)
def test_all_examples_are_taken_or_none(tmp_path: Path, example: Example, words: str) -> None:
    desk = desk_of(tmp_path, capital_model())
    before = pool_path(tmp_path).read_bytes()
    with pytest.raises(DataError, match=words):
        desk.kept.add([NEW, example], {})
    with pytest.raises(AlreadyThere):
        desk.kept.add([NEW, NEW], {})
    assert pool_path(tmp_path).read_bytes() == before


def test_models_that_cannot_be_opened(tmp_path: Path) -> None:
    def opened(pool: Pool) -> EL4NER:
        raise ModelError("there is no such file")

    desk = desk_of(tmp_path, opened)
    one, told = order("Ada")
    desk.put(one)
    desk.start()
    (answer,) = told.get(timeout=20)
    assert isinstance(answer, ModelError)
    assert str(desk.error) == "there is no such file"
    assert not desk.ready
    desk.close()


def test_who_waits_at_the_end_is_told(tmp_path: Path) -> None:
    gate = Gate()
    desk = started(desk_of(tmp_path, gate.model()))
    desk.put(order("Ada")[0])
    gate.reached.wait(20)
    one, told = order("Bob")
    desk.put(one)
    gate.opened.set()
    desk.close()
    answers = told.get(timeout=20)
    assert isinstance(answers[0], ModelError) or found(answers) == [["Bob"]]


def test_a_listener_that_fails_stops_nobody(tmp_path: Path) -> None:
    desk = started(desk_of(tmp_path, capital_model()))

    def gone(answers: Sequence[Answer]) -> None:
        raise RuntimeError

    desk.put(Order([Document("1", "Ada")], None, gone))
    assert found(annotated(desk, "Bob")) == [["Bob"]]
    desk.close()


def test_when_to_come_again(tmp_path: Path) -> None:
    desk = started(desk_of(tmp_path, scripted()))
    assert desk.come_again == 1
    annotated(desk, "Ada")
    assert 1 <= desk.come_again <= 60
    desk.close()
