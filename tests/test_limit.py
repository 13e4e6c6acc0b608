"""How many requests are under way at once."""

from __future__ import annotations

import asyncio

from el4ner.models.openai.limit import Slots


def test_no_more_are_under_way_than_the_bound() -> None:
    most = asyncio.run(_crowd(Slots(3), 20))
    assert most == 3


def test_an_overload_halves_and_answers_regain_slowly() -> None:
    slots = Slots(8)
    slots.overloaded(slots.era)
    assert slots.limit == 4
    for _ in range(4):
        slots.succeeded()
    assert slots.limit in (4, 5)  # a round of answers adds about one
    for _ in range(100):
        slots.succeeded()
    assert slots.limit == 8


def test_refusals_of_one_burst_count_once() -> None:
    slots = Slots(8)
    sent = slots.era
    for _ in range(8):
        slots.overloaded(sent)
    assert slots.limit == 4


def test_one_may_always_be_under_way() -> None:
    slots = Slots(2)
    for _ in range(9):
        slots.overloaded(slots.era)
    assert slots.limit == 1
    assert asyncio.run(_crowd(slots, 5)) == 1


def test_who_waits_goes_on_when_one_gives_up() -> None:
    async def play() -> str:
        slots = Slots(1)
        async with slots:
            waiting = asyncio.create_task(_enter(slots))
            gone = asyncio.create_task(_enter(slots))
            await asyncio.sleep(0)
            gone.cancel()
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(play()) == "in"


async def _enter(slots: Slots) -> str:
    async with slots:
        return "in"


async def _crowd(slots: Slots, size: int) -> int:
    under_way = most = 0

    async def one() -> None:
        nonlocal under_way, most
        async with slots:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1

    await asyncio.gather(*(one() for _ in range(size)))
    return most
