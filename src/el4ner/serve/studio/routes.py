"""The paths that Label Studio calls: it asks for suggestions, and tells what was corrected.

It waits a second for most of them, also while models are opened. `/setup` hands over an access token: bodies are never
logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from el4ner.data import Document, Example
from el4ner.errors import DataError
from el4ner.serve.answers import annotated
from el4ner.serve.bodies import LONGEST, MOST_TEXTS
from el4ner.serve.desk import Desk
from el4ner.serve.kept_pool import KeptPool
from el4ner.serve.records import PredictionsRecord, answer, problems
from el4ner.serve.refusals import refusals
from el4ner.serve.studio.project import Project
from el4ner.serve.studio.regions import nothing, prediction, spans
from el4ner.text.printable import one_line
from el4ner.web.problem import Problem

logger = logging.getLogger(__name__)

_REMEMBERED = 10_000  # changes, so that one which is told again is known

Sent = dict[str, Any]


def studio_routes(desk: Desk, name: str, seconds: float) -> APIRouter:
    """The paths, for a desk with an ensemble of this name; a prediction may take so many `seconds`."""
    router = APIRouter(tags=["Label Studio"])
    seen: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def version() -> str:
        """A task is asked about again once this changes: it has to tell pools apart."""
        return f"{name}:pool-{desk.kept.pool.digest[:12]}"

    @router.get("/")
    @router.get("/health")
    async def health() -> dict[str, str]:
        """Whether there is a backend."""
        return {"status": "UP", "model_class": "el4ner"}

    @router.post("/setup", responses=problems(400, 413, 415, 422))
    async def setup(body: Sent) -> dict[str, str]:
        """A project is connected: the version of what would be suggested now."""
        _project(body.get("schema"))
        return {"model_version": version()}

    @router.get("/versions")
    async def versions() -> dict[str, list[str]]:
        """The one version that there is."""
        return {"versions": [version()]}

    @router.post(
        "/predict",
        response_class=Response,
        responses={200: {"model": PredictionsRecord}, **problems(400, 413, 415, 422, 429, 503, 504)},
    )
    async def predict(body: Sent, request: Request) -> Response:
        """A prediction for each task, in their order."""
        project, now = _project(body.get("label_config")), version()
        texts = [_text(task, project, f"tasks.{n}") for n, task in enumerate(_tasks(body))]
        documents = [Document(str(n), text) for n, text in enumerate(texts) if text is not None]
        found = annotated(desk, documents, project.asked(desk.kept.pool), seconds, request.receive)
        told = {int(one.id): prediction(one, project, now) async for one in found}
        return answer({"results": [told.get(n) or nothing(now) for n in range(len(texts))]})

    @router.post("/webhook", status_code=201, responses=problems(400, 409, 413, 415, 422, 503))
    async def webhook(body: Sent) -> dict[str, str]:
        """Something happened in a project. Annotations change the pool's file; the rest is ignored."""
        change = _CHANGES.get(str(body.get("action")))
        if change is None:
            return {"status": "ok"}
        told = _object(body, "annotation")
        key = str(body["action"]), str(told.get("id")), str(told.get("updated_at"))
        if key not in seen:
            await change(desk.kept, body, told)
        seen[key] = None
        if len(seen) > _REMEMBERED:
            seen.popitem(last=False)
        return {"status": "ok"}

    return router


async def _correct(kept: KeptPool, body: Sent, told: Mapping[str, Any]) -> None:
    result = told.get("result")
    if told.get("was_cancelled"):  # the text was skipped
        return
    if not isinstance(result, list):
        raise Problem(422, 'there is no "result"; give the list of regions', "annotation")
    source = _source(told)
    note = {"source": source, "annotator": _annotator(told.get("completed_by")), "seconds": told.get("lead_time")}
    with refusals("annotation"):
        text = _told_text(body)
        found = await asyncio.to_thread(spans, text, result)
        await asyncio.to_thread(kept.correct, Example(source, text, tuple(found)), note)


async def _withdraw(kept: KeptPool, body: Sent, told: Mapping[str, Any]) -> None:
    with refusals("annotation"):
        await asyncio.to_thread(kept.withdraw, _told_text(body), _source(told))


_CHANGES: dict[str, Callable[[KeptPool, Sent, Mapping[str, Any]], Awaitable[None]]] = {
    "ANNOTATION_CREATED": _correct,
    "ANNOTATION_UPDATED": _correct,
    "ANNOTATION_DELETED": _withdraw,
}


def _told_text(body: Sent) -> str:
    """The text that was annotated. Raises `Problem`."""
    project = body.get("project")
    config = project.get("label_config") if isinstance(project, Mapping) else None
    text = _text(_object(body, "task"), _project(config), "task")
    if text is None:
        raise Problem(422, 'the task has no text; show one by <Text value="$text"/>', "task")
    return text


def _source(told: Mapping[str, Any]) -> str:
    return f"label-studio-{one_line(str(told.get('id')), 40)}"


def _annotator(by: object) -> str:
    """Who it was: Label Studio tells a number, or an object."""
    who = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
    return one_line(str(who))


def _project(config: object) -> Project:
    try:
        return Project.parse(config)
    except DataError as error:
        raise Problem(422, str(error), "label_config") from None


def _tasks(body: Sent) -> list[Any]:
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise Problem(422, 'there are no "tasks"; give a list of them', "tasks")
    if len(tasks) > MOST_TEXTS:
        raise Problem(422, f"more than {MOST_TEXTS:,} tasks; send fewer at a time", "tasks")
    return tasks


def _text(task: object, project: Project, where: str) -> str | None:
    data = task.get("data") if isinstance(task, Mapping) else None
    if not isinstance(data, Mapping):
        raise Problem(422, 'a task without "data"; give an object', where)
    text = project.text(data)
    if text is None:
        logger.warning("Label Studio: %s has no text under %r: nothing is suggested", where, project.key)
    elif len(text) > LONGEST:
        raise Problem(422, f"its text is longer than {LONGEST:,} characters; cut it in several", where)
    return text


def _object(body: Sent, key: str) -> Mapping[str, Any]:
    value = body.get(key)
    if not isinstance(value, Mapping):
        raise Problem(422, f'"{key}" is missing; give an object', key)
    return value
