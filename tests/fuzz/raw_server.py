"""A server on the loopback that sends the bytes it is given, whatever they are, and hangs up."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class RawServer:
    """`answers`: path's end -> the bytes to send; others get a 404. `held`: whether the line stays open."""

    url: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    held: bool = False


def http(content: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """A well-formed answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    return head.encode() + content


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """A server for the block; one thread a connection."""
    told = RawServer()
    listening = socket.create_server(("127.0.0.1", 0))
    told.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

    def answer(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.settimeout(10)
            path = _asked(line)
            found = next((raw for end, raw in told.answers.items() if path.endswith(end)), http(b"{}", "404 Not Found"))
            line.sendall(found)
            if told.held:
                line.recv(1)  # until the client gives up
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass

    def listen() -> None:
        with suppress(OSError):
            while True:
                line, _ = listening.accept()
                threading.Thread(target=answer, args=(line,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield told
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _asked(line: socket.socket) -> str:
    """The path of a request, once all of it has come."""
    held = b""
    while b"\r\n\r\n" not in held and (more := line.recv(65536)):
        held += more
    head, _, body = held.partition(b"\r\n\r\n")
    length = int(found[1]) if (found := _LENGTH.search(head)) else 0
    while len(body) < length and (more := line.recv(65536)):
        body += more
    return head.split(b" ")[1].decode() if b" " in head else ""
