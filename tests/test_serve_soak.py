"""Many requests from many clients, some of which hang up or send what is no request: EL4NER_SOAK_REQUESTS of them."""

from __future__ import annotations

import json
import os
import random
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, local

import httpx2
import pytest
from test_cli import Scripted, answer
from test_serve_cli import address, folder, process

from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool

pytestmark = pytest.mark.slow
_ = folder  # a fixture

REQUESTS = int(os.environ.get("EL4NER_SOAK_REQUESTS", "600"))
CLIENTS, GROWTH = 32, 0.05
TEXTS = [f"{'Ada' if n % 2 else 'Eve'} saw {'Oslo' if n % 3 else 'Rome'} in {n}." for n in range(500)]
BAD = [
    b"{",
    b"[" * 9000,
    b'{"texts": 3}',
    b'{"texts": ["a"], "threshold": NaN}',
    b"\xff\xfe",
    b'{"texts": [null]}',
    b"",
]


def wanted(text: str) -> list[str]:
    return [name for name in ("Ada", "Oslo") if name in text]


@dataclass
class Soak:
    """The clients of one service, and what became of their requests."""

    url: str
    counts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _own: local = field(default_factory=local)

    def request(self, number: int) -> None:
        """One request of the mix, by its number; its outcome is counted."""
        dice = random.Random(number)
        kind = dice.choices((self.annotates, self.annotates_in_lines, self.is_bad, self.hangs_up), (80, 8, 7, 5))[0]
        outcome = kind(dice)
        with self._lock:
            self.counts[outcome] += 1

    def annotates(self, dice: random.Random) -> str:
        texts = dice.choices(TEXTS, k=dice.choice((1, 1, 1, 2, 5)))
        began = time.perf_counter()
        found = self._posted({"texts": [{"id": text[:9], "text": text} for text in texts]}).json()["annotations"]
        if len(texts) == 1:
            self.seconds.append(time.perf_counter() - began)
        return self._compared(texts, found)

    def annotates_in_lines(self, dice: random.Random) -> str:
        texts = dice.choices(TEXTS, k=3)
        body = {"texts": [{"id": text[:9], "text": text} for text in texts], "evidence": True}
        lines = self._posted(body, "application/x-ndjson").text.splitlines()
        return self._compared(texts, [json.loads(line) for line in lines])

    def is_bad(self, dice: random.Random) -> str:
        headers = {"content-type": "application/json"}
        answered = self._http.post("/v1/annotate", content=dice.choice(BAD), headers=headers)
        return "refused" if answered.status_code in (400, 422) else f"bad body: {answered.status_code}"

    def hangs_up(self, dice: random.Random) -> str:
        body = json.dumps({"texts": dice.choices(TEXTS, k=20)}).encode()
        head = b"POST /v1/annotate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d"
        sent = head % len(body) + b"\r\n\r\n" + body
        with socket.create_connection(("127.0.0.1", httpx2.URL(self.url).port or 0)) as plain:
            plain.sendall(sent[: dice.randrange(10, len(sent))] if dice.random() < 0.5 else sent)
        return "hung up"

    def _posted(self, body: object, accept: str = "application/json") -> httpx2.Response:
        while (answered := self._http.post("/v1/annotate", json=body, headers={"accept": accept})).status_code == 429:
            self.counts["full"] += 1
            time.sleep(float(answered.headers["retry-after"]))
        return answered.raise_for_status()

    def _compared(self, texts: list[str], found: list[dict[str, object]]) -> str:
        told = [(one["id"], one["text"], [entity["text"] for entity in one["entities"]]) for one in found]
        return "right" if told == [(text[:9], text, wanted(text)) for text in texts] else "of another text"

    @property
    def _http(self) -> httpx2.Client:
        if not hasattr(self._own, "http"):
            self._own.http = httpx2.Client(base_url=self.url, timeout=60)
        return self._own.http


def resident(pid: int) -> int:
    """KiB of memory that a process has."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_memory_is_flat_and_nothing_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = folder / "replies.sqlite"
    monkeypatch.setattr("el4ner.pipeline.open_models", lambda models: dict.fromkeys(models, Scripted(answer)))
    with EL4NER.from_recipe("mine.toml", Pool.read("pool.jsonl"), store=store) as ner:
        for annotation in ner.annotate(TEXTS):
            assert [entity.text for entity in annotation.entities] == wanted(annotation.text)

    with process(folder, "--replay", "--store", str(store)) as running:
        soak = Soak(address(running))
        with ThreadPoolExecutor(CLIENTS) as clients:
            warm = min(REQUESTS // 2, 4000)
            list(clients.map(soak.request, range(warm)))
            before, began = resident(running.pid), time.perf_counter()
            list(clients.map(soak.request, range(warm, REQUESTS)))
            seconds, after = time.perf_counter() - began, resident(running.pid)
        metrics = httpx2.get(f"{soak.url}/metrics").text
    full = soak.counts.pop("full", 0)
    rate = (REQUESTS - warm) / seconds
    print(f"\n{dict(soak.counts)}, full {full}; {rate:.0f} requests/s; resident {before} to {after} KiB")
    assert set(soak.counts) <= {"right", "refused", "hung up"}
    assert soak.counts.total() == REQUESTS
    assert "el4ner_queue_texts 0.0" in metrics
    assert after < before * (1 + GROWTH)
