"""From an order to its answers, for those who wait in the event loop: in order, within a time, while somebody reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from el4ner.annotation import Annotation
from el4ner.data import Document, Label
from el4ner.errors import ContextError, DataError, ModelError
from el4ner.serve.desk import Desk
from el4ner.serve.orders import Answer, Order, QueueFull
from el4ner.web.asgi import Receive
from el4ner.web.problem import Problem


class HungUp(Exception):
    """Nobody is there any more to read an answer."""


async def annotated(
    desk: Desk, documents: Sequence[Document], labels: tuple[Label, ...] | None, seconds: float, receive: Receive
) -> AsyncIterator[Annotation]:
    """Annotations in the order of the documents. What is not read to the end is dropped, and no longer asked about.

    Raises `Problem` where the queue is full, the time is over, or a model or text fails; `HungUp` once the client,
    as `receive` tells, has.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Queue[Sequence[Answer]]()
    order = Order(documents, labels, lambda answers: _hand_over(loop, told, answers))
    _put(desk, order)
    gone = asyncio.create_task(_hung_up(receive))
    until, left = time.monotonic() + seconds, len(documents)
    try:
        while left:
            for answer in await _next(told, gone, until, seconds):
                if isinstance(answer, Exception):
                    raise _problem(answer)
                left -= 1
                yield answer
    finally:
        gone.cancel()
        desk.drop(order)


def _put(desk: Desk, order: Order) -> None:
    try:
        desk.put(order)
    except QueueFull:
        wait = str(desk.come_again)
        told = f"{desk.waiting:,} texts wait, and there is room for {desk.limit:,}; try again in {wait} s"
        raise Problem(429, told, headers={"Retry-After": wait}) from None


async def _next(
    told: asyncio.Queue[Sequence[Answer]], gone: asyncio.Task[None], until: float, seconds: float
) -> Sequence[Answer]:
    got = asyncio.create_task(told.get())
    try:
        await asyncio.wait({got, gone}, timeout=until - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not got.done():
            got.cancel()
    if got.done() and not got.cancelled():
        return got.result()
    if gone.done():
        raise HungUp
    raise Problem(504, f"not all texts were read within {seconds:g} s; send fewer at a time, or try again later")


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _hand_over(
    loop: asyncio.AbstractEventLoop, told: asyncio.Queue[Sequence[Answer]], answers: Sequence[Answer]
) -> None:
    with suppress(RuntimeError):  # the loop is closed: the server ends
        loop.call_soon_threadsafe(told.put_nowait, answers)


def _problem(error: Exception) -> Problem:
    """What a client is told. Names of files and servers stay in the log."""
    if isinstance(error, ContextError):
        return Problem(422, "a text and the types do not fit a model's context; ask for fewer types", "texts")
    if isinstance(error, DataError):
        return Problem(422, str(error), "texts")
    if isinstance(error, ModelError):
        advice = "try again later; the server's log says why, and `el4ner doctor` there asks every model"
        return Problem(503, f"no model answered; {advice}", headers={"Retry-After": "5"})
    return Problem(500, "this is a fault of the server; its log says more")
