"""`el4ner serve`: the ensemble as a service."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from el4ner.cli.consent import ready
from el4ner.cli.console import say
from el4ner.cli.opening import open_ensemble
from el4ner.cli.options import AllowEnv, LabelsFile, NoStore, PoolFile, Port, RecipeName, Replay, StoreFile, reply_store
from el4ner.cli.verbose import hear_warnings

if TYPE_CHECKING:
    from el4ner.pipeline import EL4NER
    from el4ner.pool.pool import Pool

Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Listen here; others than this machine's own"
                                   " need --token-file.")]  # fmt: skip
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Only those come in who send the token in this file (0600)."),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="A name that this server is called by; again for more."),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="What a request may take.")]
Queue = Annotated[int, typer.Option("--queue", min=1, metavar="N", help="Texts that may wait; others are refused.")]


def serve(
    pool: PoolFile,
    labels: LabelsFile = None,
    recipe: RecipeName = "nano",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token_file: TokenFile = None,
    allow_host: AllowHost = None,
    timeout: Timeout = 120.0,
    queue: Queue = 2000,
    store: StoreFile = None,
    no_store: NoStore = False,
    replay: Replay = False,
    allow_env: AllowEnv = None,
) -> None:
    """Serve annotations over HTTP, with the models opened once; /openapi.json says what there is.

    POST /v1/annotate annotates, POST /v1/pool appends examples to the pool's file. Label Studio takes the address as a
    backend. docs/service.md has examples.
    """
    from el4ner.web.guard import Guard
    from el4ner.web.server import listen, need_server, run_app
    from el4ner.web.token import read_token

    need_server()
    from el4ner.formats import read_labels
    from el4ner.pool.pool_file import PoolFile as LinesFile
    from el4ner.serve.app import OPEN_PATHS, service
    from el4ner.serve.desk import Desk
    from el4ner.serve.kept_pool import KeptPool

    hear_warnings()
    guard = Guard.at(host, read_token(token_file) if token_file else None, allow_host or (), open_paths=OPEN_PATHS)
    if not replay:
        ready(recipe, allow_env, quiet=True)  # asks here what must be asked, before there is a server
    with reply_store(store, no_store, replay) as kept:

        def opened(pool: Pool) -> EL4NER:
            try:
                ner, seconds = open_ensemble(recipe, pool, kept, replay, allow_env)
            except Exception:
                signal.raise_signal(signal.SIGINT)  # ends the server, which has nothing to serve
                raise
            say(f"ready, after {seconds:.1f} s", "dim")
            return ner

        desk = Desk(opened, KeptPool(LinesFile(pool, read_labels(labels) if labels else None)), queue)
        bound = listen(host, port)
        shown = f"[{host}]" if ":" in host else host
        say(f"serving at http://{shown}:{bound.getsockname()[1]}/ until Ctrl-C")
        run_app(service(desk, guard, Path(recipe).stem, timeout), bound)
    if desk.error is not None:
        raise desk.error
