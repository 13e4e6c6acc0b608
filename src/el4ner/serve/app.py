"""The service as one ASGI application: its paths, what they answer when something is amiss, and who may come in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import Response

from el4ner.serve.answers import HungUp
from el4ner.serve.desk import Desk
from el4ner.serve.metrics import TYPE as METRICS_TYPE
from el4ner.serve.metrics import Metrics
from el4ner.serve.records import problems
from el4ner.serve.routes import routes
from el4ner.serve.studio.routes import studio_routes
from el4ner.web.amiss import say_problems
from el4ner.web.asgi import ASGIApp, Event, Receive, Scope, Send
from el4ner.web.guard import Guard, guarded
from el4ner.web.problem import Problem
from el4ner.web.strict import json_only

OPEN_PATHS = ("/healthz", "/readyz")  # for probes, which hold no token


def service(desk: Desk, guard: Guard, name: str, seconds: float) -> ASGIApp:
    """The service on a desk, which is started with it and closed at its end.

    `name`: what the ensemble is called in Label Studio, beside its pool. `seconds`: what a request may take.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk.start()
        yield
        desk.close()

    app = FastAPI(
        title="el4ner",
        description="Named entity recognition by an ensemble of small language models.",
        version="1",
        docs_url=None,  # these pages load from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=problems(401, 403, 421),
    )
    metrics = Metrics(desk)
    app.include_router(routes(desk, metrics, seconds))
    app.include_router(studio_routes(desk, name, seconds))
    _probes(app, desk, metrics)
    say_problems(app, "GET /openapi.json says what there is")
    _hang_ups(app)
    return guarded(json_only(_measured(app, metrics)), guard)


def _probes(app: FastAPI, desk: Desk, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the service is up."""
        return {"status": "up"}

    @app.get("/readyz", responses=problems(503))
    async def readyz() -> dict[str, str]:
        """Whether the models are open: until then, requests wait."""
        if not desk.ready:
            raise Problem(503, "the models are being opened; ask again", headers={"Retry-After": "1"})
        return {"status": "ready"}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """What was done so far, for Prometheus."""
        return Response(metrics.page(), media_type=METRICS_TYPE)


def _hang_ups(app: FastAPI) -> None:
    @app.exception_handler(HungUp)
    async def nobody(request: Request, gone: HungUp) -> Response:
        return Response(status_code=499)  # nobody reads it; it is counted


def _measured(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """The same, with requests counted by the path that they were routed to."""

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def sent(event: Event) -> None:
            nonlocal status
            status = event.get("status", status)
            await send(event)

        try:
            await app(scope, receive, sent)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            metrics.requests.labels(path, status).inc()
            metrics.seconds.labels(path).observe(time.perf_counter() - began)

    return counting
