"""Serves live sessions and whole recordings: WebSocket, HTTP and the viewer."""

import argparse
import contextlib
import ctypes
import gc
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llavataros.serve.limits import Limits
from llavataros_jax.errors import UserError, door
from llavataros_jax.packages import require_packages

if TYPE_CHECKING:
    from llavataros.serve.body import Body
    from llavataros.serve.server import Stop

PROGRAM = "llavataros serve"
HOST, PORT = "127.0.0.1", 8317
TOKEN_VARIABLE = "LLAVATAROS_TOKEN"
_LEAST_TOKEN = 8
# After which a thread of Python lets another go on; by default it is 5 ms, a sixth of a frame.
_SWITCH_SECONDS = 0.0005
_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
_PACKAGES = ("fastapi", "uvicorn", "websockets", "multipart", "prometheus_client")
EPILOG = """\
  {prog}
  {prog} --checkpoint runs/own --sessions 4
  LLAVATAROS_TOKEN=… {prog} --host 0.0.0.0 --origin https://avatars.example

The page at / moves with a recording or a microphone; programs stream to ws://HOST:PORT/v1/stream
(`llavataros.client` is a client in Python) or send whole recordings to /v1/animate. The messages
are described by /v1/schema and /openapi.json, and /healthz, /readyz and /metrics are for whoever
runs servers. On another host than this machine clients need the token, in `start` or as
`Authorization: Bearer …`; without one in LLAVATAROS_TOKEN one is made and printed. There is no
encryption here: put a proxy with TLS before it.
"""
_LIMITS = {
    "sessions": "live sessions at once",
    "sessions_per_address": "of one address at once, 0 for no other limit",
    "message_bytes": "bytes of one WebSocket message",
    "messages_per_second": "messages of one connection",
    "ahead_seconds": "sound or motion ahead at which a client is no longer read from",
    "session_seconds": "longest session",
    "start_seconds": "longest wait for a client's start",
    "idle_seconds": "longest silence of a client",
    "slow_seconds": "longest time in which a client reads nothing that is sent",
    "resume_seconds": "how long a session waits for a client that was lost",
    "body_bytes": "bytes of an upload",
    "recording_seconds": "longest recording of /v1/animate",
    "waiting": "recordings that wait while one is animated",
    "upload_seconds": "longest time without a byte of an upload",
}


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and serves until it is told to stop."""
    given = build_parser(prog).parse_args(arguments)
    require_packages("serving", *_PACKAGES, extra="live")
    limits = Limits(**{name: getattr(given, name) for name in _LIMITS})
    if not 0 <= given.port <= 65535:
        raise UserError(f"--port {given.port} is not a number from 0 to 65535")
    from llavataros.serve.server import Stop, bind

    bound, only_here = bind(given.host, given.port)
    with bound, Stop() as stop:
        token = _token(given.token, is_needed=not only_here)
        return _serve(given, limits, bound, token, only_here, stop)


def _share_one_heap() -> None:
    """Lets all threads share glibc's heap; with one for each, memory grows by what lies between."""
    with contextlib.suppress(OSError, AttributeError):  # of other systems
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def _serve(
    given: argparse.Namespace,
    limits: Limits,
    bound: socket.socket,
    token: str | None,
    only_here: bool,
    stop: "Stop",
) -> int:
    _share_one_heap()  # before the libraries below begin threads
    from llavataros.live.engine import Engine
    from llavataros.live.gestures import read_gestures
    from llavataros.named_run import name_of_run, open_named
    from llavataros.serve.access import Access
    from llavataros.serve.animating import THREAD, Animating
    from llavataros.serve.application import build_application
    from llavataros.serve.body import Body
    from llavataros.serve.server import make_server
    from llavataros.serve.warm_up import warm_up
    from llavataros_jax.compilation_cache import keep_compiled

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    keep_compiled()
    sys.setswitchinterval(_SWITCH_SECONDS)
    run = open_named(given.checkpoint)
    gestures = read_gestures(given.gestures, run) if given.gestures else None
    engine = Engine(run, sessions=limits.sessions, gestures=gestures)
    body = Body(engine.skeleton, engine.fps, engine.speakers, engine.gestures.names)
    name = name_of_run(given.checkpoint)

    stop_steps, failed = threading.Event(), threading.Event()

    def fail() -> None:
        failed.set()
        server.should_exit = True

    def compile_all() -> None:
        began = time.monotonic()
        print("compiling …", flush=True)
        try:
            warm_up(engine, stop.asked)
            gc.collect()
            gc.freeze()  # what has come to stay, half a second of looking at it each time
        except Exception:
            fail()
            raise
        if not stop.asked.is_set():
            print(f"ready after {time.monotonic() - began:.1f} s", flush=True)

    application = build_application(
        engine,
        body,
        limits=limits,
        access=Access(token, tuple(o.rstrip("/") for o in given.origin), is_loopback=only_here),
        animate=Animating(run, name),
        viewer=_viewer(),
        warm_up=compile_all,
    )
    print(_told(name, body, engine.delay_frames, limits, bound), flush=True)
    server = make_server(application, limits)
    if stop.asked.is_set():
        return 0

    def step() -> None:
        try:
            engine.run(stop_steps)
        except Exception:
            logging.getLogger("llavataros.serve").exception("the engine failed")
            fail()

    steps = threading.Thread(target=step)
    steps.start()
    try:
        server.run(sockets=[bound])
    finally:
        stop.asked.set()
        stop_steps.set()
        engine.wake()
        steps.join()
    if any(thread.name == THREAD for thread in threading.enumerate()):
        sys.stdout.flush()
        os._exit(int(failed.is_set()))  # a recording is being animated, for nobody any more
    return int(failed.is_set())


def _told(name: str, body: "Body", delay_frames: int, limits: Limits, bound: socket.socket) -> str:
    """Returns what is said when the server starts."""
    host, port = bound.getsockname()[:2]
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return (
        f"{name}, {body.skeleton.num_joints} joints at {body.fps:g} fps, poses {delay_frames} "
        f"frames ({delay_frames / body.fps:.2f} s) after their sound\n"
        f"http://{at}/ shows it; ws://{at}/v1/stream has {limits.sessions} live sessions of "
        f"{limits.session_seconds:g} s at most, and http://{at}/v1/animate takes recordings of "
        f"{limits.recording_seconds:g} s and {limits.body_bytes >> 20} MiB"
    )


def _viewer() -> Path | None:
    from llavataros_jax.config.shipped import shipped_folder

    web = shipped_folder("web")
    return web if (web / "index.html").is_file() else None


def _token(given: str | None, *, is_needed: bool) -> str | None:
    """Returns the token that clients must know, made and printed if one is needed."""
    token = given if given is not None else os.environ.get(TOKEN_VARIABLE)
    if token is None and is_needed:
        token = secrets.token_urlsafe(24)
        print(f"token for clients, made for this run: {token}", flush=True)
    if token is not None and (len(token) < _LEAST_TOKEN or not token.isascii()):
        raise UserError(
            f"the token of --token or {TOKEN_VARIABLE} has to have {_LEAST_TOKEN} or more plain "
            "characters; leave it out to have one made"
        )
    return token


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve live body language: speech is streamed in, frames are streamed out.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--checkpoint", metavar="RUN", help="run directory (default: the model that comes along)"
    )
    parser.add_argument(
        "--gestures",
        metavar="FOLDER",
        help="motion files (.npy, .npz, .bvh) that can be asked for by their names, besides the "
        "gestures that come along",
    )
    parser.add_argument("--host", default=HOST, help="default: %(default)s, this machine alone")
    parser.add_argument("--port", type=int, default=PORT, help="default: %(default)s; 0 takes any")
    parser.add_argument(
        "--token",
        help=f"what clients must know; better in {TOKEN_VARIABLE}, which other users do not see",
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="pages of this origin may ask, beside the server's own; may be given several times",
    )
    limits = parser.add_argument_group("limits, each answered by an error of its own")
    for name, text in _LIMITS.items():
        default = getattr(Limits, name)
        limits.add_argument(
            "--" + name.replace("_", "-"),
            type=type(default),
            default=default,
            metavar="N",
            help=f"{text} (default: %(default)s)",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
