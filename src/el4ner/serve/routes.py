"""The paths of the service's own interface, under /v1."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from el4ner.annotation import Annotation
from el4ner.data import Example, Label
from el4ner.formats.jsonl import lines
from el4ner.serve.answers import HungUp, annotated
from el4ner.serve.bodies import AnnotateBody, ExamplesBody
from el4ner.serve.desk import Desk
from el4ner.serve.metrics import Metrics
from el4ner.serve.records import AddedRecord, AnnotationsRecord, LabelsRecord, PoolRecord, answer, problems
from el4ner.serve.refusals import refusals
from el4ner.web.problem import Problem

NDJSON = "application/x-ndjson"
_AS_LINES = {NDJSON: {"schema": {"type": "string", "description": "one object a line"}}}


def routes(desk: Desk, metrics: Metrics, seconds: float) -> APIRouter:
    """The paths, for a desk; a request may take so many `seconds`."""
    router = APIRouter(prefix="/v1", tags=["el4ner"])

    @router.post(
        "/annotate",
        response_class=Response,
        responses={
            200: {"model": AnnotationsRecord, "content": _AS_LINES},
            **problems(400, 413, 415, 422, 429, 503, 504),
        },
    )
    async def annotate(body: AnnotateBody, request: Request) -> Response:
        """Annotate texts. With `Accept: application/x-ndjson`, an annotation a line, in order, as they come.

        Where that fails after some, the last line is `{"problem": ...}` with why.
        """
        labels = body.asked()
        found = annotated(desk, body.documents, labels, seconds, request.receive)
        if not wants_lines(request):
            records = [body.record(one) async for one in _counted(found, metrics)]
            return answer({"annotations": records})
        first = await anext(found, None)  # a problem before the first line has a status of its own
        rest = _lines(body, _counted(_with_first(first, found), metrics))
        return StreamingResponse(rest, media_type=NDJSON)

    @router.get("/labels", responses={200: {"model": LabelsRecord}})
    async def labels() -> Response:
        """The pool's types, with what they mean."""
        return answer({"labels": _labels((await asyncio.to_thread(desk.kept.look)).labels)})

    @router.get("/pool", response_class=Response, responses={200: {"model": PoolRecord, "content": _AS_LINES}})
    async def pool(request: Request) -> Response:
        """The pool. With `Accept: application/x-ndjson`, an example a line, as in its file."""
        held = await asyncio.to_thread(desk.kept.look)
        if wants_lines(request):
            return Response("".join(f"{line}\n" for line in lines(held.examples)), media_type=NDJSON)
        examples = [_example(example) for example in held.examples]
        return answer({"labels": _labels(held.labels), "digest": held.digest, "examples": examples})

    @router.post(
        "/pool",
        status_code=201,
        response_class=Response,
        responses={201: {"model": AddedRecord}, **problems(400, 409, 413, 415, 422, 429)},
    )
    async def add(body: ExamplesBody) -> Response:
        """Append examples to the pool: all of them, or none. The next request's texts are read with them."""
        examples = body.read()
        with refusals("examples"):
            pool = await asyncio.to_thread(desk.kept.add, examples, {"source": "api"})
        told = {"added": len(body.examples), "examples": len(pool.examples), "digest": pool.digest}
        return answer(told, 201)

    return router


def wants_lines(request: Request) -> bool:
    """Whether an answer is to be an object a line."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in ",".join(request.headers.getlist("accept")).split(",")]
    return NDJSON in kinds


async def _lines(body: AnnotateBody, annotations: AsyncIterator[Annotation]) -> AsyncIterator[str]:
    try:
        async for annotation in annotations:
            yield json.dumps(body.record(annotation)) + "\n"
    except Problem as problem:  # the status is sent already
        yield json.dumps({"problem": problem.record}) + "\n"
    except HungUp:
        return


async def _with_first(first: Annotation | None, rest: AsyncIterator[Annotation]) -> AsyncIterator[Annotation]:
    if first is not None:
        yield first
    async for annotation in rest:
        yield annotation


async def _counted(annotations: AsyncIterator[Annotation], metrics: Metrics) -> AsyncIterator[Annotation]:
    async for annotation in annotations:
        metrics.texts.inc()
        yield annotation


def _labels(labels: Iterable[Label]) -> list[dict[str, str]]:
    return [{"name": label.name, "description": label.description} for label in labels]


def _example(example: Example) -> dict[str, Any]:
    spans = [{"start": span.start, "end": span.end, "label": span.label} for span in example.entities]
    return {"id": example.id, "text": example.text, "entities": spans}
