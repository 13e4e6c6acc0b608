"""A port to listen on, and the server that answers there until it is told to end."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import Any

from el4ner.errors import ConfigError, MissingExtraError
from el4ner.web.asgi import ASGIApp

_CONNECTIONS = 512  # at once; a process may open about a thousand files
_END_SECONDS = 5  # that answers under way have, once the server is told to end


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound already, so that nothing is opened in vain; port 0 takes a free one.

    Raises `ConfigError`.
    """
    address = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)  # where it is not named, asyncio leaves Nagle's delay on
    except (OSError, UnicodeError):
        raise ConfigError(f"host {host}: there is no such address; give one of this machine by --host") from None
    if os.name == "posix":  # elsewhere it would let two servers share a port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(place)
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise ConfigError(_refusal(host, port, error)) from None
    return bound


def need_server() -> None:
    """Raises `MissingExtraError` where the packages of the extra `serve` are not all there."""
    if not all(map(find_spec, ("fastapi", "prometheus_client", "uvicorn"))):
        raise MissingExtraError("a server needs more packages; run: pip install 'el4ner[serve]'")


def run_app(app: ASGIApp, bound: socket.socket) -> None:
    """Answer until SIGINT or SIGTERM; what is under way then has a few seconds. Raises `MissingExtraError`."""
    need_server()
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # lines of it hold paths and queries, which may hold a token
        log_level="warning",
        server_header=False,
        ws="none",
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_END_SECONDS,
    )
    server = uvicorn.Server(config)
    with bound, _ended_by_signals(server):
        server.run(sockets=[bound])


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; choose another by --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is not for this user; choose one above 1023 by --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host}: no address of this machine; give one of its own by --host"
    return f"port {port} of {host} cannot be opened ({error.strerror}); choose others by --host and --port"


@contextmanager
def _ended_by_signals(server: Any) -> Iterator[None]:
    """uvicorn ends in order at a signal, and then sends it again: that would end us before we have tidied up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    server.handle_exit = end  # its own would break off at a second signal, with a traceback

    former = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)
