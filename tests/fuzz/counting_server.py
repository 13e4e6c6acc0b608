"""A server that answers members' questions by what is asked, slowly, and writes down every question."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_NAME = re.compile(r"[A-Z]\w+")
_SPAN = re.compile(r'what is the type of "(.*)"\? Answer with one of: (.*)\.$')


@dataclass
class CountingServer:
    """`asked` holds a digest of each question, in the order in which they came; `seconds` is what an answer takes."""

    seconds: float
    url: str = ""
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def answer(body: dict[str, Any]) -> str:
    """What a member says: some names of the last text, or the type of one; the same to the same question."""
    said = body["messages"][-1]["content"]
    if asked := _SPAN.search(said):
        return _one_of(asked[2].split(", "), body["model"], asked[1])
    text = said.rpartition("Text: ")[2].partition("\n")[0]
    names = [name for name in dict.fromkeys(_NAME.findall(text)) if _one_of("yyn", body["model"], name) == "y"]
    return "; ".join(f"{name} ({_one_of(('person', 'location'), name)})" for name in names) or "none"


def _one_of(options: Any, *about: str) -> str:
    return str(options[hashlib.sha256("|".join(about).encode()).digest()[0] % len(options)])


@contextmanager
def counting_server(seconds: float) -> Iterator[CountingServer]:
    """A server for the block."""
    told = CountingServer(seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.reply({"data": [{"id": "one"}, {"id": "two"}]} if self.path.endswith("/models") else {})

        def do_POST(self) -> None:
            raw = self.rfile.read(length := int(self.headers["Content-Length"]))
            if len(raw) < length:
                return  # who asked was killed before the question was out
            with told.lock:
                told.asked.append(hashlib.sha256(raw).hexdigest())
            time.sleep(told.seconds)
            said = {"message": {"role": "assistant", "content": answer(json.loads(raw))}, "finish_reason": "stop"}
            self.reply({"choices": [said], "usage": {"prompt_tokens": 9, "completion_tokens": 3}})

        def reply(self, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Clients that were killed are no error."""

    server = Server(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
