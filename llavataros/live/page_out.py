"""Shows what is played in browsers of this machine: a page, and poses over a WebSocket."""

import json
import threading
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

import llavataros_jax.rig
from llavataros.live.vmc_body import BodyPose
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection

_HOST = "127.0.0.1"
_PAGE = Path(__file__).with_name("watch.html")
_POSES = "/poses"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
}
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' blob: data:"
)
_LOOK_SECONDS = 0.5


class PageOut:
    """A page that shows a body, at `url`.

    Only this machine is answered, and only under its own name. A browser that is slow is sent the
    newest pose when it is ready for one.

    Attributes:
        url: Where it is.
    """

    def __init__(
        self, bones: tuple[str, ...], rest: Float[np.ndarray, "M 3"], *, port: int
    ) -> None:
        """Begins to serve.

        Args:
            bones: VRM names of the bones of the motion, parents first.
            rest: Their places in the T-pose in metres.
            port: Of this machine, 0 for any that is free.

        Raises:
            UserError: When the port is taken or is none, or the viewer is missing.
        """
        require_packages("a page", "websockets", extra="live")
        from websockets.sync.server import serve

        web = shipped_folder("web")
        if not (web / "person.js").is_file():
            raise UserError(f"the viewer is missing from {web}; install llavataros again")
        self._files = _files(web)
        self._body = json.dumps({"bones": bones, "rest": rest.tolist()})
        self._news, self._newest, self._count = threading.Condition(), b"", 0
        self._is_closed = False
        try:
            self._server = serve(
                self._send, _HOST, port, process_request=self._answer, compression=None
            )
        except (OSError, OverflowError) as problem:
            raise UserError(
                f"--page {port} cannot be used ({problem}); name another port, as --page 8318"
            ) from None
        port = self._server.socket.getsockname()[1]
        self._names = (f"{_HOST}:{port}", f"localhost:{port}")
        self.url = f"http://{_HOST}:{port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def show(self, pose: BodyPose, seconds: float) -> None:
        """Gives browsers a pose."""
        numbers = np.concatenate((pose.hips, pose.rotations.ravel())).astype("<f4")
        with self._news:
            self._newest, self._count = numbers.tobytes(), self._count + 1
            self._news.notify_all()

    def close(self) -> None:
        """Ends it."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()
        self._server.shutdown()

    def _answer(self, connection: "ServerConnection", request: "Request") -> "Response | None":
        """Answers requests for files; None lets a WebSocket begin."""
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or hosts[0] not in self._names:
            return connection.respond(HTTPStatus.FORBIDDEN, "ask 127.0.0.1\n")
        path = request.path.partition("?")[0]
        if path == _POSES:
            origins = request.headers.get_all("Origin")
            if any(origin not in [f"http://{name}" for name in self._names] for origin in origins):
                return connection.respond(HTTPStatus.FORBIDDEN, "another page may not look\n")
            return None
        file = self._files.get(path)
        if file is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "there is no such file\n")
        response = connection.respond(HTTPStatus.OK, "")
        response.body = file.read_bytes()
        told: dict[str, Any] = {
            "Content-Type": _TYPES[file.suffix],
            "Content-Length": str(len(response.body)),
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        }
        for name, value in told.items():
            if name in response.headers:
                del response.headers[name]
            response.headers[name] = value
        return response

    def _send(self, connection: "ServerConnection") -> None:
        from websockets.exceptions import ConnectionClosed

        sent = 0
        try:
            connection.send(self._body)
            while True:
                with self._news:
                    while self._count == sent and not self._is_closed:
                        self._news.wait(_LOOK_SECONDS)
                    if self._is_closed:
                        return
                    newest, sent = self._newest, self._count
                connection.send(newest)
        except ConnectionClosed:
            return


def _files(web: Path) -> dict[str, Path]:
    """Returns what is served, by its path; nothing else is read."""
    names = Path(llavataros_jax.rig.__file__).with_name("names.json")
    found = {"/": _PAGE, "/names.json": names}
    for file in (*web.glob("*.js"), *(web / "vendor").glob("*.js")):
        found[f"/{file.relative_to(web).as_posix()}"] = file
    return found
