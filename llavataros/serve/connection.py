"""One WebSocket: `start`, then what comes in and what goes out side by side."""

import asyncio
import logging

from starlette.websockets import WebSocket, WebSocketDisconnect

from llavataros.serve.access import Access
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.limits import Rate
from llavataros.serve.messages import Start
from llavataros.serve.parsing import read_message
from llavataros.serve.replies import Error
from llavataros.serve.sessions import MOST_WAITING, Owner, Sessions
from llavataros.serve.stream import ClientStream

log = logging.getLogger("llavataros.serve")
_NORMAL = 1000
# Of a connection that ended without a word; after others nobody comes back.
LOST = 1006
# A connection on which nothing can be written is given up after this.
_PARTING_SECONDS = 3.0
_READY_SECONDS = 120.0
_ROOM_SECONDS = 0.02


async def serve_stream(socket: WebSocket, sessions: Sessions, access: Access) -> None:
    """Serves a client until it ends, leaves or is refused."""
    await socket.accept()
    stream, owner = None, Owner()
    try:
        stream = await _begin(socket, sessions, access, owner)
        await _send(socket, stream.ready().model_dump_json(), sessions)
        await _converse(socket, stream, sessions, owner)
        await _part(socket, _NORMAL)
    except WebSocketDisconnect as left:
        _give_up(stream, sessions, owner, keep=left.code == LOST)
    except _Gone:
        pass
    except Refusal as refusal:
        _give_up(stream, sessions, owner, keep=refusal.code is Code.REPLACED)
        await _refuse(socket, sessions, refusal)
    except Exception:
        log.exception("a connection failed")
        _give_up(stream, sessions, owner, keep=False)
        refusal = Refusal(Code.INTERNAL, "the server has a fault, which its log describes")
        await _refuse(socket, sessions, refusal)
    finally:
        _give_up(stream, sessions, owner, keep=True)
        owner.is_parted.set()


def _give_up(stream: ClientStream | None, sessions: Sessions, owner: Owner, *, keep: bool) -> None:
    """Leaves a stream to whoever resumes it, or ends it. A second time it does nothing."""
    if stream and not owner.is_gone.is_set():
        if keep:
            sessions.lose(stream, owner)
        else:
            sessions.close(stream)
    owner.is_gone.set()


class _Gone(Exception):
    """Says that nothing can be sent any more."""


async def _begin(
    socket: WebSocket, sessions: Sessions, access: Access, owner: Owner
) -> ClientStream:
    """Waits for `start` and begins or resumes a session."""
    if sessions.waiting >= MOST_WAITING:
        raise Refusal(Code.BUSY, f"{MOST_WAITING} connections wait to start, as many as may")
    sessions.waiting += 1
    try:
        access.check_place(socket.headers)
        if socket.scope.get("query_string"):
            raise Refusal(
                Code.MALFORMED,
                "/v1/stream takes nothing in its address, where logs would keep a token; send it "
                "in start or in the header Authorization",
            )
        limits = sessions.limits
        try:
            async with asyncio.timeout(limits.start_seconds):
                came = await _receive(socket)
        except TimeoutError:
            wait = f"no start came for {limits.start_seconds:g} s"
            raise Refusal(Code.TIMEOUT, wait) from None
        if isinstance(came, bytes):
            raise Refusal(Code.ORDER, "sound came before start, which is the first message")
        start = read_message(came, most_bytes=limits.message_bytes)
        if not isinstance(start, Start):
            raise Refusal(Code.ORDER, f"{start.type} came before start, which is the first message")
        access.check_token(socket.headers, start.token)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await sessions.is_ready.wait()
        except TimeoutError:
            raise Refusal(Code.BUSY, "the server still compiles; try again later") from None
        if start.resume is not None:
            return await sessions.resume(start, owner)
        address = socket.client.host if socket.client else "unknown"
        return sessions.begin(start, address, owner)
    finally:
        sessions.waiting -= 1


async def _converse(
    socket: WebSocket, stream: ClientStream, sessions: Sessions, owner: Owner
) -> None:
    """Reads and writes until all was sent; whatever ends either ends both."""
    reading = asyncio.create_task(_read(socket, stream, sessions))
    writing = asyncio.create_task(_write(socket, stream, sessions))
    try:
        await asyncio.wait((reading, writing, owner.refusal), return_when=asyncio.FIRST_COMPLETED)
    finally:
        reading.cancel()
        writing.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)
    if owner.refusal.done():
        raise owner.refusal.result()
    # What was wrong with what came is said first.
    ended = [task.exception() for task in (reading, writing) if not task.cancelled()]
    problem = next((problem for problem in ended if problem), None)
    del reading, writing, ended
    try:
        if problem:
            raise problem
    finally:
        del problem  # which holds this frame, and the stream with it


async def _read(socket: WebSocket, stream: ClientStream, sessions: Sessions) -> None:
    limits, rate = sessions.limits, Rate(sessions.limits.messages_per_second)
    while True:
        while not (stream.session.has_room or stream.is_over):
            await asyncio.sleep(_ROOM_SECONDS)  # nothing is read meanwhile, so that TCP waits too
            stream.check_length()
        try:
            async with asyncio.timeout(limits.idle_seconds):
                came = await _receive(socket)
        except TimeoutError:
            raise Refusal(
                Code.TIMEOUT,
                f"nothing came for {limits.idle_seconds:g} s; send ping to keep a session open",
            ) from None
        rate.count()
        stream.check_length()
        if isinstance(came, bytes):
            await stream.read_sound(came)
        else:
            await stream.read_text(came)


async def _write(socket: WebSocket, stream: ClientStream, sessions: Sessions) -> None:
    while True:
        stream.news.clear()
        while (upcoming := stream.next_payload()) is not None:
            payload, count = upcoming
            await _send(socket, payload, sessions)
            stream.was_sent(count)
        if stream.is_done:
            return
        await stream.news.wait()


async def _receive(socket: WebSocket) -> str | bytes:
    """Returns the next message, text or binary."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data = message.get("bytes")
    return data if data is not None else message["text"]


async def _send(socket: WebSocket, payload: str | bytes, sessions: Sessions) -> None:
    """Sends a message; a client that does not read for long is refused."""
    slow = sessions.limits.slow_seconds
    try:
        async with asyncio.timeout(slow):
            if isinstance(payload, bytes):
                await socket.send_bytes(payload)
            else:
                await socket.send_text(payload)
    except TimeoutError:
        raise Refusal(Code.TIMEOUT, f"what was sent was not read for {slow:g} s") from None
    except (RuntimeError, OSError) as problem:  # of a connection that is closed
        raise _Gone from problem


async def _refuse(socket: WebSocket, sessions: Sessions, refusal: Refusal) -> None:
    sessions.metrics.errors.labels(refusal.code.value).inc()
    log.info("refused: %s: %s", refusal.code.value, refusal.message)
    error = Error(code=refusal.code, message=refusal.message).model_dump_json()
    await _part(socket, refusal.meaning.close, error)


async def _part(socket: WebSocket, code: int, last: str | None = None) -> None:
    """Says a last word, if there is one, and closes; neither is waited for long."""
    try:
        async with asyncio.timeout(_PARTING_SECONDS):
            if last is not None:
                await socket.send_text(last)
            await socket.close(code)
    except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
        pass
