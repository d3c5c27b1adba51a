"""Uploads: counted as they come, kept under names of our own, and looked at before ffmpeg is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from llavataros.serve.codes import Code, Refusal
from llavataros.serve.limits import Limits

_MOST_FIELDS = 24
_COPIED_BYTES = 1 << 20
# By these ffmpeg tells files that name other files; it looks for them in its first MiB, also
# behind tags of ID3.
_PLAYLISTS = (b"#EXTM3U", b"ffconcat version", b"<MPD", b"[playlist]")
_LOOKED_AT_BYTES = 2 << 20


@asynccontextmanager
async def read_form(request: Request, limits: Limits, *, files: int) -> AsyncIterator[FormData]:
    """Reads a form with up to so many files, and forgets it at the end.

    Raises:
        Refusal: When it is too large or no form, or nothing comes for long.
    """
    too_large = Refusal(Code.TOO_LARGE, f"an upload has more than {limits.body_bytes} bytes")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limits.body_bytes:
        raise too_large
    came = 0

    async def receive() -> Message:
        nonlocal came
        try:
            async with asyncio.timeout(limits.upload_seconds):
                message = await request.receive()
        except TimeoutError:
            wait = f"nothing of the upload came for {limits.upload_seconds:g} s"
            raise Refusal(Code.TIMEOUT, wait) from None
        came += len(message.get("body", b""))
        if came > limits.body_bytes:
            raise too_large
        return message

    counted = Request(request.scope, receive)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(Code.MALFORMED, "an upload must be multipart/form-data with a part audio")
    try:
        form = await counted.form(max_files=files, max_fields=_MOST_FIELDS)
    except HTTPException as problem:
        raise Refusal(Code.MALFORMED, f"the form cannot be read: {problem.detail}") from None
    except (UnicodeDecodeError, ValueError) as problem:
        raise Refusal(Code.MALFORMED, "the form has text that is no UTF-8") from problem
    try:
        yield form
    finally:
        await form.close()


async def keep(upload: UploadFile, path: Path) -> None:
    """Writes an upload to `path`."""
    with path.open("wb") as file:
        while piece := await upload.read(_COPIED_BYTES):
            file.write(piece)


def own_name(stem: str, upload: UploadFile, suffixes: tuple[str, ...], otherwise: str) -> str:
    """Returns a name for a file: nothing of the client's but an ending that is known."""
    suffix = "." + (upload.filename or "").lower().rpartition(".")[2]
    return stem + (suffix if suffix in suffixes else otherwise)


def check_sound(path: Path) -> None:
    """Refuses playlists, which would have ffmpeg open files of this machine.

    Raises:
        Refusal: When it is one, or is empty.
    """
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT_BYTES)
    if not head:
        raise Refusal(Code.AUDIO, "the part audio is empty; send a recording")
    if any(mark in head for mark in _PLAYLISTS):
        raise Refusal(Code.AUDIO, "the part audio is a list of other files; send the sound itself")
