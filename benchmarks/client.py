"""What a call of a server costs the client: processor time a call, and memory, at a latency of 3 ms.

    uv run benchmarks/client.py --calls 20000

The server is a process of its own that answers every request with the same reply, so that all that is measured is
el4ner's: building requests, HTTP, reading replies, the dispatcher's keys.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys

from el4ner.ensemble.costs import Ledger
from el4ner.ensemble.dispatch import Dispatcher
from el4ner.ensemble.member import Member
from el4ner.models.base import Message, Request
from el4ner.models.openai.settings import OpenAISettings
from el4ner.prompts.style import style
from el4ner.recipes.settings import MemberSettings

LATENCY = 0.003
BODY = json.dumps(
    {
        "choices": [{"message": {"role": "assistant", "content": "Anna (person)"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 5},
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


async def serve() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), b":0"
                )
                await reader.readexactly(int(length.split(b":")[1]))
                await asyncio.sleep(LATENCY)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--window", type=int, default=500)
    parser.add_argument("--serve", action="store_true")
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve())
        return
    process = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        settings = OpenAISettings(engine="openai", base_url=url, model="m")
        model = settings.open()
        member = Member(MemberSettings(name="a", model="m"), model, style("chat"))
        dispatch, text = Dispatcher(None, Ledger()), "word " * 700
        measure(dispatch, member, text, 0, chosen.window)
        before = os.times()
        for start in range(chosen.window, chosen.calls + chosen.window, chosen.window):
            measure(dispatch, member, text, start, chosen.window)
            if start == chosen.window:
                print(f"resident at the start {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        spent = os.times()
        seconds = spent.user + spent.system - before.user - before.system
        print(f"{1000 * seconds / chosen.calls:.2f} ms of processor time a call, {chosen.calls:,} calls")
        print(f"{chosen.calls / (spent.elapsed - before.elapsed):,.0f} calls a second, {settings.concurrency} at once")
        print(f"resident at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        model.close()
    finally:
        process.terminate()
        process.wait()


def measure(dispatch: Dispatcher, member: Member, text: str, start: int, count: int) -> None:
    requests = [Request((Message("user", f"{text} {start + n}"),), 32) for n in range(count)]
    dispatch.ask("extract", [(member, requests)])


if __name__ == "__main__":
    main()
