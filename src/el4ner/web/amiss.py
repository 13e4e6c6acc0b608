"""What an application of FastAPI answers when something is amiss: problem details, whatever raised it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from el4ner.web.problem import TYPE, Problem

_TAGS = {"string", "object"}  # what pydantic calls the two forms of a text or label
_WORDED = {
    "missing": "missing; give it",
    "extra_forbidden": "nothing of that name is known; leave it out",
    "list_type": "give a list",
}


def say_problems(app: FastAPI, advice: str) -> None:
    """Register the answers; `advice` is what one is told where there is nothing at a path."""

    @app.exception_handler(Problem)
    async def told(request: Request, problem: Problem) -> Response:
        return Response(problem.body, problem.status, problem.headers, TYPE)

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"][1:] if step not in _TAGS)
        worded = _WORDED.get(first["type"], first["msg"].removeprefix("Value error, "))
        return await told(request, Problem(422, worded if where else "there is no body; send a JSON object", where))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        detail = f"{HTTPStatus(error.status_code).phrase}: {advice}"
        return await told(request, Problem(error.status_code, detail, headers=error.headers))
