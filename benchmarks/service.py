"""The service beside `EL4NER.annotate` on the same texts, and what it costs where models cost nothing.

    uv run benchmarks/service.py DATA [--recipe nano] [--texts 200] [--clients 8]

DATA is a folder with train.jsonl (the pool) and test.jsonl (the texts). Prints a line a figure: texts a second in this
process and over the service with so many clients of one text a request; then, from the reply store alone, milliseconds
that a request adds to the same text annotated here, and requests a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import httpx2

from el4ner.formats import read_documents
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.serve import Client

POOL = 2000  # examples at most


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        lines = (options.data / "train.jsonl").read_text("utf-8").splitlines(keepends=True)
        pool = folder / "pool.jsonl"
        pool.write_text("".join(lines[:POOL]), "utf-8")
        texts = [document.text for document in islice(read_documents(options.data / "test.jsonl"), options.texts)]
        here = seconds_here(options.recipe, pool, folder / "here.sqlite", texts)
        print(f"annotate   {len(texts) / here:7.2f} texts/s")
        with served(options.recipe, pool, "--store", str(folder / "there.sqlite")) as url:
            there = seconds_there(url, texts, options.clients)
        print(f"service    {len(texts) / there:7.2f} texts/s  ({here / there:.2f} of it; {options.clients} clients)")
        replayed(options.recipe, pool, folder / "here.sqlite", texts)


def replayed(recipe: str, pool: Path, store: Path, texts: Sequence[str]) -> None:
    with EL4NER.from_recipe(recipe, Pool.read(pool), store=store, replay=True) as ner:
        ner(texts[0])
        alone = [timed(lambda text=text: ner(text)) for text in texts]
    with served(recipe, pool, "--replay", "--store", str(store)) as url:
        with httpx2.Client(base_url=url) as http:
            asked = [timed(lambda text=text: post(http, text)) for text in texts]
        many = [*texts] * (1 + 3000 // len(texts))
        took = timed(lambda: asyncio.run(load(url, many, 32)))
    print(f"here       {1000 * statistics.median(alone):7.2f} ms a text, from the store (median)")
    print(f"request    {1000 * statistics.median(asked):7.2f} ms a text, from the store (median)")
    print(f"load       {len(many) / took:7.1f} requests/s (32 clients)")


def seconds_here(recipe: str, pool: Path, store: Path, texts: Sequence[str]) -> float:
    with EL4NER.from_recipe(recipe, Pool.read(pool), store=store) as ner:
        ner("Warm.")
        return timed(lambda: list(ner.annotate(texts)))


def seconds_there(url: str, texts: Sequence[str], clients: int) -> float:
    with httpx2.Client(base_url=url, timeout=600) as http, ThreadPoolExecutor(clients) as threads:
        return timed(lambda: list(threads.map(lambda text: post(http, text), texts)))


async def load(url: str, texts: Sequence[str], clients: int) -> None:
    """One request a text from so many connections, by hand: the client shall take little of the machine."""
    left, where = iter(texts), httpx2.URL(url)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(where.host, where.port)
        for text in left:
            body = json.dumps({"texts": [text]}).encode()
            head = f"POST /v1/annotate HTTP/1.1\r\nHost: {where.host}\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            found = re.search(rb"content-length: (\d+)", answer)
            assert found is not None
            await reader.readexactly(int(found[1]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))


def post(http: httpx2.Client, text: str) -> None:
    http.post("/v1/annotate", json={"texts": [text]}).raise_for_status()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def served(recipe: str, pool: Path, *options: str) -> Iterator[str]:
    """The address of `el4ner serve`, whose models are open and warm."""
    command = [sys.executable, "-c", "from el4ner.cli import main; main()", "serve", "--pool", str(pool), "-r", recipe]
    with subprocess.Popen([*command, "--port", "0", *options], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(found[1] for line in process.stderr if (found := re.match(r"serving at (http://\S+)/ ", line)))
        try:
            with httpx2.Client(base_url=url, timeout=60) as http:
                while http.get("/readyz").is_error:
                    time.sleep(0.1)
            if "--replay" not in options:
                with Client(url) as client:
                    client("Warm.")
            yield url
        finally:
            process.send_signal(signal.SIGTERM)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
