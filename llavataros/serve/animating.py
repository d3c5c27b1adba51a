"""`POST /v1/animate`: whole recordings, one at a time, as `llavataros animate` makes them."""

import asyncio
import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.datastructures import FormData, UploadFile

from data_prep.sources.files import AUDIO_SUFFIXES, WORDS_SUFFIXES
from llavataros.animate import read_command_line
from llavataros.animation import animate_recording
from llavataros.dials import check_sampled
from llavataros.serve.access import Access
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.formats import FORMATS
from llavataros.serve.limits import Limits
from llavataros.serve.metrics import Metrics
from llavataros.serve.upload import check_sound, keep, own_name, read_form
from llavataros.wanted_recordings import WantedRecording
from llavataros_jax.errors import UserError
from llavataros_jax.run_options import with_run_options
from llavataros_jax.sound.reader import read_info
from llavataros_jax.trained import TrainedRun

log = logging.getLogger("llavataros.serve")
_FILES = ("audio", "words", "interlocutor_audio", "interlocutor_words")
_STEM = "animation"
THREAD = "animate"
_NICENESS = 10
_CLIENT_LEFT = 499  # nobody reads it
# Options, files by their part of the form, and a folder to work in; returns what is answered.
Animate = Callable[["AnimateOptions", dict[str, Path], Path], bytes]


class AnimateOptions(BaseModel):
    """Fields of the form beside its files; those of `llavataros animate`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format: str = Field(default="npy", json_schema_extra={"enum": list(FORMATS)})
    transcript: str | None = Field(default=None, max_length=200000, description="what is said")
    interlocutor_transcript: str | None = Field(default=None, max_length=200000)
    transcriber: Literal["run", "none"] = Field(
        default="run", description="without words: what the run's config says, or from sound alone"
    )
    speaker: str | None = Field(default=None, max_length=200)
    interlocutor_speaker: str | None = Field(default=None, max_length=200)
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1)
    fps: float | None = Field(default=None, ge=1, le=240)
    no_smoothing: bool = False
    temperature: float | None = Field(default=None, ge=0, le=3)
    guidance: float | None = Field(default=None, ge=0, le=10)
    steps: int | None = Field(default=None, ge=1, le=64)
    expressiveness: float | None = Field(default=None, ge=0, le=3)
    idle: float | None = Field(default=None, ge=0, le=1)

    @field_validator("format")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in FORMATS:
            raise ValueError(f"it should be one of {', '.join(FORMATS)}")
        return name


@dataclass(frozen=True)
class Animating:
    """What animates whole recordings.

    Attributes:
        run: The run.
        name: What it is called in refusals.
    """

    run: TrainedRun
    name: str

    def __call__(self, options: AnimateOptions, files: dict[str, Path], folder: Path) -> bytes:
        """Animates a recording; works in `folder` alone.

        Raises:
            UserError: When something given cannot be used.
        """
        given = read_command_line(_command_line(options, files, folder))
        if options.transcriber == "none":
            given.overrides.append("words.transcriber=none")
        check_sampled(given, self.run, self.name)
        run = with_run_options(self.run, given.overrides)
        words, transcript = (Path(x) if x else None for x in (given.words, given.transcript))
        recording = WantedRecording(files["audio"], Path(_STEM), words, transcript)
        done = animate_recording(given, run, recording)
        skeleton = run.animator.codec.skeleton
        return FORMATS[options.format].data(done, skeleton, files["audio"])


def _command_line(options: AnimateOptions, files: dict[str, Path], folder: Path) -> list[str]:
    """Returns the options of `llavataros animate`; each value is part of its option's word."""
    words = [f"--out={folder}", "--no-film", *(f"--{_option(n)}={p}" for n, p in files.items())]
    ours = {"format", "transcript", "interlocutor_transcript", "transcriber", "no_smoothing"}
    for name, value in options.model_dump(exclude=ours, exclude_none=True).items():
        words.append(f"--{_option(name)}={value}")
    return [*words, *(["--no-smoothing"] if options.no_smoothing else [])]


def _option(name: str) -> str:
    return name.replace("_", "-")


def add_animate(
    application: FastAPI, animate: Animate, access: Access, limits: Limits, metrics: Metrics
) -> None:
    """Adds the route."""
    one, asked = asyncio.Semaphore(1), [0]

    @application.post(
        "/v1/animate",
        summary="A whole recording becomes motion",
        response_class=Response,
        responses={200: {"content": {form.media_type: {} for form in FORMATS.values()}}},
        openapi_extra={"requestBody": _body_schema()},
    )
    async def _(request: Request) -> Response:
        access.check_token(request.headers)
        if asked[0] > limits.waiting:
            raise Refusal(Code.BUSY, f"{asked[0]} recordings wait, as many as may; try again later")
        asked[0] += 1
        metrics.waiting_requests.set(asked[0])
        try:
            return await _work(request)
        finally:
            asked[0] -= 1
            metrics.waiting_requests.set(asked[0])

    async def _work(request: Request) -> Response:
        # A thread that outlasts the server's end finds its folder gone.
        folders = tempfile.TemporaryDirectory(
            prefix="llavataros-serve-", ignore_cleanup_errors=True
        )
        with folders as name:
            folder = Path(name)
            async with read_form(request, limits, files=len(_FILES)) as form:
                options, files = await _read(form, folder)
            if not await _has_turn(request, one):
                return Response(status_code=_CLIENT_LEFT)
            try:
                data = await _in_thread(_checked, animate, limits, options, files, folder)
            finally:
                one.release()
        metrics.requests.labels(options.format).inc()
        form = FORMATS[options.format]
        disposition = f'attachment; filename="{_STEM}{form.suffix}"'
        headers = {"Content-Disposition": disposition}
        return Response(data, media_type=form.media_type, headers=headers)


async def _has_turn(request: Request, one: asyncio.Semaphore) -> bool:
    """Waits for one's turn; says whether the client has done so, too."""
    turn, leaving = (asyncio.ensure_future(x) for x in (one.acquire(), _until_gone(request)))
    await asyncio.wait((turn, leaving), return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    if turn.done():
        return True
    turn.cancel()
    return False


async def _in_thread(work: Callable[..., bytes], *given: Any) -> bytes:
    """Works in a thread that does not hold up the end of the program."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[bytes] = loop.create_future()

    def tell(method: Callable[..., None], value: Any) -> None:
        if not result.done():
            method(value)

    def run() -> None:
        with contextlib.suppress(OSError, AttributeError):
            # Whom live sessions go before, and programs that find words with it.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        try:
            told = (result.set_result, work(*given))
        except Exception as problem:
            told = (result.set_exception, problem)
        with contextlib.suppress(RuntimeError):  # of a loop that has ended
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=run, daemon=True, name=THREAD).start()
    return await result


def _checked(
    animate: Animate,
    limits: Limits,
    options: AnimateOptions,
    files: dict[str, Path],
    folder: Path,
) -> bytes:
    """Animates what may be; refusals name no file of this machine."""
    try:
        for name in ("audio", "interlocutor_audio"):
            if name in files:
                check_sound(files[name])
                seconds = read_info(files[name]).seconds
                if seconds > limits.recording_seconds:
                    raise Refusal(
                        Code.TOO_LONG,
                        f"{name} lasts {seconds:.1f} s, but at most {limits.recording_seconds:g} s "
                        "are animated at once",
                    )
        return animate(options, files, folder)
    except UserError as refusal:
        raise Refusal(Code.INVALID, str(refusal).replace(f"{folder}/", "")) from None


async def _read(form: FormData, folder: Path) -> tuple[AnimateOptions, dict[str, Path]]:
    """Takes options and files out of a form."""
    files: dict[str, Path] = {}
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        shown = name[:40].encode("ascii", "backslashreplace").decode()
        if name in files or name in fields:
            raise Refusal(Code.MALFORMED, f"the form has {shown} twice")
        if isinstance(value, UploadFile):
            if name not in _FILES:
                raise Refusal(Code.MALFORMED, f"the form has a file {shown}, which is unknown")
            is_sound = name.endswith("audio")
            suffixes = (AUDIO_SUFFIXES, ".wav") if is_sound else (WORDS_SUFFIXES, ".json")
            files[name] = folder / own_name(name, value, *suffixes)
            await keep(value, files[name])
        else:
            fields[name] = value
    if "audio" not in files:
        raise Refusal(Code.MALFORMED, "the form has no file audio, the recording")
    try:
        options = AnimateOptions.model_validate(fields)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        what = first["msg"].removeprefix("Value error, ")
        place = ".".join(map(str, first["loc"]))[:40].encode("ascii", "backslashreplace").decode()
        raise Refusal(Code.MALFORMED, f"the field {place} of the form: {what}") from None
    for name in ("transcript", "interlocutor_transcript"):
        if text := getattr(options, name):
            files[name] = folder / f"{name}.txt"
            files[name].write_text(text, encoding="utf-8")
    return options, files


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _body_schema() -> dict[str, Any]:
    schema = AnimateOptions.model_json_schema()
    binary = {"type": "string", "format": "binary"}
    schema["properties"] = {name: binary for name in _FILES} | schema["properties"]
    schema["required"] = ["audio"]
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
