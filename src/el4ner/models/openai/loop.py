"""An event loop in a thread of its own, for callers of any thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from el4ner.errors import ModelError
from el4ner.models.forked import in_its_process

_T = TypeVar("_T")


class Loop:
    """Runs coroutines; `name` is the model's, for messages. It lives until `close`, in the process that made it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="el4ner-openai", daemon=True)
        self._thread.start()
        self._process = os.getpid()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What a coroutine gives. Raises `ModelError` in another process, and where the loop is closed meanwhile."""
        try:
            in_its_process(self._process, self._name)
        except ModelError:
            work.close()
            raise
        if self._loop.is_closed():
            work.close()
            raise ModelError(f"{self._name}: this model has been closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise ModelError(f"{self._name}: this model was closed while it was asked") from None
        except BaseException:  # an interrupt, say: what is under way ends with the call
            future.cancel()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Break off what is under way, run `last`, and end. Closing twice is harmless."""
        if self._loop.is_closed() or self._process != os.getpid():
            last.close()
            return
        self.run(_broken_off(last))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _broken_off(last: Coroutine[Any, Any, None]) -> None:
    under_way = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)  # so that those who wait for them hear of it
    await last
