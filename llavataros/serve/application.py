"""The ASGI application: the stream, whole recordings, the viewer, schemas, health and metrics."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from llavataros.serve.access import Access
from llavataros.serve.animating import Animate, add_animate
from llavataros.serve.backend import LiveEngine
from llavataros.serve.body import Body
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.connection import serve_stream
from llavataros.serve.limits import Limits
from llavataros.serve.messages import VERSION
from llavataros.serve.metrics import Metrics
from llavataros.serve.replies import Error
from llavataros.serve.schema import message_components, message_schema
from llavataros.serve.sessions import Sessions
from llavataros.serve.viewer import HEADERS, Viewer

log = logging.getLogger("llavataros.serve")
_BEFORE_THE_BODY = (
    *(Code.TOO_LARGE, Code.TIMEOUT, Code.TOKEN, Code.BUSY, Code.ORIGIN, Code.HOST),
    *(Code.SHUTTING_DOWN,),
)
_LINGER_SECONDS = 1.0
_STATUS_CODES = {400: Code.MALFORMED, 404: Code.NOT_FOUND, 405: Code.NOT_FOUND, 422: Code.MALFORMED}


def build_application(
    engine: LiveEngine,
    body: Body,
    *,
    limits: Limits,
    access: Access,
    animate: Animate | None = None,
    viewer: Path | None = None,
    warm_up: Callable[[], None] | None = None,
) -> FastAPI:
    """Returns the application.

    Args:
        engine: What moves live sessions.
        body: What it moves.
        limits: What clients may ask at most.
        access: Who may ask.
        animate: What animates whole recordings; without it none are.
        viewer: Folder of the viewer, if there is one.
        warm_up: Compiles, in a thread, after which sessions begin; by default the engine's.
    """
    metrics = Metrics()
    sessions = Sessions(engine, body, limits, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(sessions.sweep()),
            asyncio.create_task(_warm_up(sessions, warm_up or engine.warm_up)),
        ]
        try:
            yield
        finally:
            await sessions.shut_down()
            for task in tasks:
                task.cancel()

    application = FastAPI(
        title="LLAvatarOS live",
        version=str(VERSION),
        description="Speech in, body language out. `/v1/stream` is a WebSocket; its messages are "
        "the schemas below and in `/v1/schema`.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={"4XX": {"model": Error}, "5XX": {"model": Error}},
    )
    application.state.sessions, application.state.metrics = sessions, metrics
    _add_errors(application, metrics)
    _add_routes(application, sessions, access)
    if animate:
        add_animate(application, animate, access, limits, metrics)
    if viewer:
        application.mount("/", Viewer(viewer), name="viewer")
    application.add_middleware(_Places, access=access, metrics=metrics)
    application.add_middleware(
        CORSMiddleware,
        allow_origins=list(access.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization"],
    )
    return application


async def _warm_up(sessions: Sessions, warm_up: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(warm_up)
    except Exception:
        log.exception("the engine did not compile, so no session can begin")
        return
    sessions.is_ready.set()


class _Places:
    """Checks of each HTTP request what it is addressed to and which page asks."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics):
        self._app, self._access, self._metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                more = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in more if name not in known),
                ]
            await send(message)

        try:
            self._access.check_place(Request(scope).headers)
        except Refusal as refusal:
            await _answer(refusal, self._metrics)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def _answer(refusal: Refusal, metrics: Metrics) -> Response:
    metrics.errors.labels(refusal.code.value).inc()
    error = Error(code=refusal.code, message=refusal.message)
    headers = {"WWW-Authenticate": "Bearer"} if refusal.code is Code.TOKEN else None
    kind = _Lingering if refusal.code in _BEFORE_THE_BODY else JSONResponse
    return kind(error.model_dump(mode="json"), status_code=refusal.meaning.status, headers=headers)


class _Lingering(JSONResponse):
    """Answers before all of the request has come, and ends the connection.

    A while it still reads, or a client that is still sending would see the end and no answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [*self.raw_headers, (b"connection", b"close")]
        start = {"type": "http.response.start", "status": self.status_code, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while (message := await receive())["type"] != "http.disconnect":
                    if not message.get("more_body"):
                        break
        await send({"type": "http.response.body", "body": b""})


def _add_errors(application: FastAPI, metrics: Metrics) -> None:
    @application.exception_handler(Refusal)
    async def _(_: Request, refusal: Refusal) -> Response:
        return _answer(refusal, metrics)

    @application.exception_handler(HTTPException)
    async def _(request: Request, problem: HTTPException) -> Response:
        code = _STATUS_CODES.get(problem.status_code, Code.INVALID)
        what = "nothing is at that address" if code is Code.NOT_FOUND else str(problem.detail)
        metrics.errors.labels(code.value).inc()
        error = Error(code=code, message=what)
        return JSONResponse(error.model_dump(mode="json"), status_code=problem.status_code)

    @application.exception_handler(Exception)
    async def _(_: Request, problem: Exception) -> Response:
        text = "the server has a fault, which its log describes"
        return _answer(Refusal(Code.INTERNAL, text), metrics)


def _add_routes(application: FastAPI, sessions: Sessions, access: Access) -> None:
    @application.websocket("/v1/stream")
    async def _(socket: WebSocket) -> None:
        await serve_stream(socket, sessions, access)

    @application.get("/v1/schema", summary="JSON Schema of all messages of /v1/stream")
    async def _() -> dict[str, Any]:
        return message_schema()

    @application.get("/healthz", summary="Whether the server runs")
    async def _() -> dict[str, str]:
        return {"status": "ok"}

    @application.get("/readyz", summary="Whether sessions can begin")
    async def _() -> Response:
        is_ready = sessions.is_ready.is_set() and not sessions.is_closing
        status = "ready" if is_ready else "ending" if sessions.is_closing else "compiling"
        return JSONResponse({"status": status}, status_code=200 if is_ready else 503)

    @application.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
    async def _(request: Request) -> Response:
        access.check_token(request.headers)
        sessions.measure()
        return Response(
            sessions.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    built = application.openapi

    def openapi() -> dict[str, Any]:
        tree = built()
        schemas = tree.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in message_components().items():
            schemas.setdefault(name, schema)
        return tree

    application.openapi = openapi
