"""The paths that Label Studio calls: it asks for suggestions, and tells what was corrected.

It waits a second for most of them, also while models are opened. `/setup` hands over an access token: bodies are never
logged.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from el4ner.data import Document, Example
from el4ner.errors import DataError
from el4ner.serve.adding import added
from el4ner.serve.answers import annotated
from el4ner.serve.bodies import LONGEST, MOST_TEXTS
from el4ner.serve.desk import Desk
from el4ner.serve.records import PredictionsRecord, answer, problems
from el4ner.serve.studio.project import Project
from el4ner.serve.studio.regions import nothing, prediction, spans
from el4ner.text.printable import one_line
from el4ner.web.problem import Problem

logger = logging.getLogger(__name__)

_CORRECTIONS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")
_REMEMBERED = 10_000  # corrections, so that one which is told again is known

Sent = dict[str, Any]


def studio_routes(desk: Desk, name: str, seconds: float) -> APIRouter:
    """The paths, for a desk with an ensemble of this name; a prediction may take so many `seconds`."""
    router = APIRouter(tags=["Label Studio"])
    seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def version() -> str:
        """A task is asked about again once this changes: it has to tell pools apart."""
        return f"{name}:pool-{desk.pool.digest[:12]}"

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
        found = annotated(desk, documents, project.asked(desk.pool), seconds, request.receive)
        told = {int(one.id): prediction(one, project, now) async for one in found}
        return answer({"results": [told.get(n) or nothing(now) for n in range(len(texts))]})

    @router.post("/webhook", status_code=201, responses=problems(400, 409, 413, 415, 422, 503))
    async def webhook(body: Sent) -> dict[str, str]:
        """Something happened in a project. Annotations made or changed enter the pool; the rest is ignored."""
        if body.get("action") not in _CORRECTIONS:
            return {"status": "ok"}
        told = _object(body, "annotation")
        key = str(told.get("id")), str(told.get("updated_at"))
        if key not in seen and not told.get("was_cancelled"):
            await _correct(desk, body, told)
        seen[key] = None
        if len(seen) > _REMEMBERED:
            seen.popitem(last=False)
        return {"status": "ok"}

    return router


async def _correct(desk: Desk, body: Sent, told: Mapping[str, Any]) -> None:
    project = body.get("project")
    config = project.get("label_config") if isinstance(project, Mapping) else None
    text = _text(_object(body, "task"), _project(config), "task")
    result = told.get("result")
    if text is None or not isinstance(result, list):
        raise Problem(422, "there is no text or no list of regions; both are needed", "annotation.result")
    try:
        example = Example(f"label-studio-{one_line(str(told.get('id')), 40)}", text, tuple(spans(text, result)))
    except DataError as error:
        raise Problem(422, str(error), "annotation.result") from None
    if _is_there(desk, example):
        return
    more = {"annotator": _annotator(told.get("completed_by")), "seconds": told.get("lead_time")}
    await added(desk, [(example, more)])


def _annotator(by: object) -> str:
    """Who it was: Label Studio tells a number, or an object."""
    who = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
    return f"label-studio:{one_line(str(who))}"


def _is_there(desk: Desk, example: Example) -> bool:
    """Whether the pool says the same already: told twice, or before a restart."""
    own = {(span.start, span.end, span.label) for span in example.entities}
    return any(
        example.text == known.text and own == {(span.start, span.end, span.label) for span in known.entities}
        for known in desk.pool.examples
    )


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
