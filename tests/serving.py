"""A service in front of a scripted model, for tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import uvicorn
from fakes import LABELS, POOL, Asked, FakeModel, ensemble, scripted

from el4ner.formats import write_examples
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile
from el4ner.serve.app import OPEN_PATHS, service
from el4ner.serve.desk import Desk
from el4ner.serve.kept_pool import KeptPool
from el4ner.web.asgi import ASGIApp
from el4ner.web.guard import Guard
from el4ner.web.server import listen


def capitals(asked: Asked) -> str:
    """Every word that begins with a capital is a person."""
    return "; ".join(f"{word} (person)" for word in asked.text.split() if word[0].isupper()) or "none"


def capital_model() -> FakeModel:
    """A model that sees a person in every word with a capital."""
    return scripted(capitals, "person")


class Gate:
    """Holds a model's answers back until it is opened."""

    def __init__(self) -> None:
        self.opened = Event()
        self.reached = Event()

    def model(self) -> FakeModel:
        """A model behind the gate."""

        def answer(asked: Asked) -> str:
            self.reached.set()
            assert self.opened.wait(20)
            return capitals(asked)

        return scripted(answer, "person")


def pool_path(folder: Path) -> Path:
    """The tests' pool as a file."""
    path = folder / "pool.jsonl"
    if not path.exists():
        write_examples(path, POOL.examples)
    return path


def desk_of(folder: Path, model: FakeModel | Callable[[Pool], EL4NER], limit: int = 1000) -> Desk:
    """A desk with an ensemble of one model, on the tests' pool, whose file is in a folder."""
    opened = model if not isinstance(model, FakeModel) else lambda pool: ensemble(model, pool=pool)
    return Desk(opened, KeptPool(PoolFile(pool_path(folder), LABELS)), limit)


@contextmanager
def served(desk: Desk, token: str | None = None, seconds: float = 20.0, max_body: int = 1 << 20) -> Iterator[str]:
    """The address of a service on this desk, which is ready."""
    guard = Guard.at("127.0.0.1", token, max_body=max_body, open_paths=OPEN_PATHS)
    with running(service(desk, guard, "scripted", seconds)) as url:
        until(lambda: desk.ready or desk.error is not None)
        yield url


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """The address of an application that runs in another thread until the end of the block."""
    bound = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])), daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)
