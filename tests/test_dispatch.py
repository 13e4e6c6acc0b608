"""Where all questions pass: in as few calls as can be, and side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import Asked, FakeModel, ensemble, scripted

from el4ner.ensemble.costs import Ledger
from el4ner.ensemble.dispatch import Dispatcher
from el4ner.ensemble.member import Member
from el4ner.models.base import Done, Reply, Request
from el4ner.models.store import Store


def member(model: FakeModel, name: str) -> Member:
    one = ensemble(model).members[0]
    return Member(one.settings.model_copy(update={"name": name}), model, one.style)


def requests(*prompts: str) -> list[Request]:
    return [Request(prompt, 8) for prompt in prompts]


def echo() -> FakeModel:
    return FakeModel(lambda request: f"{request.prompt}!")


def test_members_that_share_a_model_are_asked_in_one_batch_and_nothing_twice() -> None:
    model, ledger = echo(), Ledger()
    one, two = member(model, "one"), member(model, "two")
    replies = Dispatcher(None, ledger).ask("extract", [(one, requests("a", "b", "a")), (two, requests("b", "c"))])
    assert [[reply.text for reply in given] for given in replies] == [["a!", "b!", "a!"], ["b!", "c!"]]
    assert model.batches == [3]
    first, second = ledger.costs
    assert (first.member, first.asked, first.calls, first.repeated) == ("one", 3, 2, 1)
    assert (second.member, second.asked, second.calls, second.repeated) == ("two", 2, 1, 1)


def test_what_the_store_knows_is_not_asked_and_its_tokens_are_told_apart(tmp_path: Path) -> None:
    model, store = echo(), Store.open(tmp_path / "s.db")
    one = member(model, "one")
    Dispatcher(store, Ledger()).ask("extract", [(one, requests("a"))])
    ledger = Ledger()
    Dispatcher(store, ledger).ask("extract", [(one, requests("a", "b"))])
    (cost,) = ledger.costs
    assert (cost.asked, cost.stored, cost.calls) == (2, 1, 1)
    assert (cost.prompt, cost.stored_prompt) == (3, 3)
    assert model.calls == 2


def test_different_models_answer_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def answer(request: Request) -> str:
        meeting.wait()  # passes only if both are at work at once
        return "there"

    members = [member(FakeModel(answer, identity=name, overlaps=True), name) for name in ("one", "two")]
    replies = Dispatcher(None, Ledger()).ask("extract", [(one, requests("a")) for one in members])
    assert [given[0].text for given in replies] == ["there", "there"]


def test_models_that_take_the_whole_machine_take_turns() -> None:
    busy = threading.Lock()

    def answer(request: Request) -> str:
        assert busy.acquire(blocking=False), "another model was at work"
        time.sleep(0.05)
        busy.release()
        return request.prompt if isinstance(request.prompt, str) else ""

    members = [member(FakeModel(answer, identity=name), name) for name in ("one", "two", "three")]
    replies = Dispatcher(None, Ledger()).ask("extract", [(one, requests(one.name)) for one in members])
    assert [given[0].text for given in replies] == ["one", "two", "three"]


def test_time_side_by_side_counts_once() -> None:
    def answer(request: Request) -> str:
        time.sleep(0.2)
        return "late"

    ledger = Ledger()
    members = [member(FakeModel(answer, identity=name, overlaps=True), name) for name in ("one", "two")]
    began = time.perf_counter()
    Dispatcher(None, ledger).ask("extract", [(one, requests("a")) for one in members])
    wall = time.perf_counter() - began
    assert 0.2 <= ledger.busy <= wall
    assert sum(cost.seconds for cost in ledger.costs) > 0.39


class Dying(FakeModel):
    """Tells of its replies one by one, and breaks after the second."""

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        for number, request in enumerate(requests):
            if number == 2:
                raise KeyboardInterrupt
            assert done is not None
            done([(number, self._reply(request))])
        return []


def test_replies_that_were_there_before_an_interrupt_are_kept(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    dying = Dying(lambda request: "said")
    with pytest.raises(KeyboardInterrupt):
        Dispatcher(store, Ledger()).ask("extract", [(member(dying, "one"), requests("a", "b", "c"))])
    again = FakeModel(lambda request: "said", identity=dying.identity)
    Dispatcher(store, Ledger()).ask("extract", [(member(again, "one"), requests("a", "b", "c"))])
    assert [request.prompt for request in again.asked] == ["c"]


def test_windows_overlap_on_servers_and_results_keep_their_order() -> None:
    under_way, most, lock = [0], [0], threading.Lock()

    def answer(request: Request) -> str:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.02)
        with lock:
            under_way[0] -= 1
        return "none"

    texts = [f"text {number} ." for number in range(8)]
    apart = ensemble(FakeModel(answer), window=1)
    assert [a.text for a in apart.annotate(texts)] == texts
    assert most[0] == 1
    overlapping = ensemble(FakeModel(answer, overlaps=True), window=1)
    assert [a.text for a in overlapping.annotate(texts)] == texts
    assert most[0] > 1


def test_overlapping_windows_give_the_same_annotations() -> None:
    def model(overlaps: bool) -> FakeModel:
        return scripted(extract=lambda a: a.text.split()[0], classify="person", overlaps=overlaps)

    texts = [f"Ada{number} slept ." for number in range(9)]
    plain, overlapping = (ensemble(model(overlaps), window=2) for overlaps in (False, True))
    assert list(plain.annotate(texts)) == list(overlapping.annotate(texts))
    assert [(c.stage, c.asked) for c in plain.costs] == [(c.stage, c.asked) for c in overlapping.costs]


@pytest.mark.parametrize(("cached", "parts"), [(None, 1), (10_000, 1), (1, 4)])
def test_all_stages_of_a_part_are_asked_while_its_prefixes_are_kept(cached: int | None, parts: int) -> None:
    model = scripted(extract=lambda a: a.text.split()[0], classify="person", cached=cached)
    ner = ensemble(model, window=4, classify={"none": False})
    texts = [f"Ada{number} slept ." for number in range(4)]
    assert [[e.text for e in a.entities] for a in ner.annotate(texts)] == [[f"Ada{n}"] for n in range(4)]
    stages = [Asked.of(request).stage for request in model.asked]
    assert stages == (["extract"] * (4 // parts) + ["classify"] * (4 // parts)) * parts
