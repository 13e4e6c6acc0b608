"""The page and its paths, as an ASGI application."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from el4ner.errors import DataError
from el4ner.review.bodies import JudgeBody, SortingBody, TypesBody, UndoBody
from el4ner.review.reader import Reader
from el4ner.review.records import curve_record, state_record, why_record
from el4ner.review.review import Conflict, Review
from el4ner.text.marks import INK, palette
from el4ner.text.printable import one_line
from el4ner.web.amiss import say_problems
from el4ner.web.asgi import ASGIApp
from el4ner.web.guard import Guard, guarded
from el4ner.web.problem import Problem
from el4ner.web.strict import json_only

_KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_SHARED = ("marks.js",)  # of the page of a run


def review_app(review: Review, reader: Reader, guard: Guard) -> ASGIApp:
    """The application; what it reads ahead is the reader's to do."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _page(app)
    _looks(app, review, reader)
    _decisions(app, review, reader)
    _requests(app, review, reader)
    say_problems(app, "the page is at /")
    return guarded(json_only(app), guard)


def assets() -> dict[str, bytes]:
    """The page's files by their names: all that a browser loads."""
    own = {one.name: one.read_bytes() for one in (files("el4ner.review") / "page").iterdir() if "." in one.name}
    shared = {name: (files("el4ner.view") / "scripts" / name).read_bytes() for name in _SHARED}
    colours = [f".l{n} {{ --tone: {tone}; }}" for n, tone in enumerate(palette([str(n) for n in range(20)]).values())]
    return own | shared | {"palette.css": "\n".join([f":root {{ --on-tone: {INK}; }}", *colours]).encode()}


def _page(app: FastAPI) -> None:
    held = assets()

    @app.get("/")
    async def page() -> Response:
        return Response(held["index.html"], media_type=_KINDS["html"])

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in held:
            raise HTTPException(404)
        return Response(held[name], media_type=_KINDS[name.rpartition(".")[2]])


def _looks(app: FastAPI, review: Review, reader: Reader) -> None:
    @app.get("/api/state")
    def state(shown: str | None = None) -> Response:
        review.refresh()
        return _answer(state_record(review, reader, shown))

    @app.get("/api/why/{ref}")
    def why(ref: str) -> Response:
        if ref not in review.places:
            raise HTTPException(404)
        return _answer(why_record(review, ref))

    @app.get("/api/curve")
    def curve() -> Response:
        return _answer(curve_record(review))

    @app.get("/api/pool.jsonl")
    def pool() -> Response:
        held = review.file.path.read_bytes() if review.file and review.file.path.exists() else b""
        return _download("pool.jsonl", held)

    @app.get("/api/annotations.jsonl")
    def annotations() -> Response:
        with review.changed:
            lines = reader.review_lines()
        return _download("annotations.jsonl", "".join(f"{line}\n" for line in lines).encode())


def _decisions(app: FastAPI, review: Review, reader: Reader) -> None:
    @app.post("/api/judge")
    def judge(body: JudgeBody) -> Response:
        return _done(lambda: review.judge(body.said()))

    @app.post("/api/undo")
    def undo(body: UndoBody) -> Response:
        return _done(lambda: review.undo(body.number, body.digest))

    @app.post("/api/types")
    def types(body: TypesBody) -> Response:
        return _done(lambda: review.name_types(body.named()))

    def _done(act: Callable[[], None]) -> Response:
        try:
            act()
        except Conflict as conflict:
            state = {"detail": str(conflict), "open": conflict.is_open, "state": state_record(review, reader)}
            return _answer(state, 409)
        except DataError as error:
            raise Problem(422, one_line(str(error), 600)) from None
        return _answer(state_record(review, reader))


def _requests(app: FastAPI, review: Review, reader: Reader) -> None:
    @app.post("/api/sorting")
    def sorting(body: SortingBody) -> Response:
        with review.changed:
            review.readings.sorting = body.sorting
            review.changed.notify_all()
        return _answer(state_record(review, reader))

    @app.post("/api/rest")
    def rest() -> Response:
        with review.changed:
            reader.written = None
            review.readings.everything = True
            review.changed.notify_all()
        return _answer(state_record(review, reader))

    @app.post("/api/estimate")
    def estimate() -> Response:
        with review.changed:
            if review.file is None or not review.file.pool.examples:
                raise Problem(422, "the pool is empty; accept some texts first")
            reader.estimate.ask(review.file.pool)
            review.changed.notify_all()
        return _answer(state_record(review, reader))


def _answer(record: dict[str, Any], status: int = 200) -> Response:
    """As ASCII: texts may hold what UTF-8 cannot."""
    return Response(json.dumps(record, separators=(",", ":")), status, media_type="application/json")


def _download(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="application/x-ndjson")
