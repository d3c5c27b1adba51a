"""The viewer's files, with their types and a policy that lets a page reach nobody else."""

import posixpath
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from llavataros.view.page import NAMES

# Not of the system's table, which differs between machines.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".glb": "model/gltf-binary",
    ".vrm": "model/gltf-binary",
    ".vrma": "model/gltf-binary",
    ".txt": "text/plain; charset=utf-8",
}
_HIDDEN = ("node_modules", "package.json", "package-lock.json")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Viewer(StaticFiles):
    """Files of one folder, of known types alone."""

    def __init__(self, folder: Path):
        """Serves `folder`, whose `index.html` is the page."""
        super().__init__(directory=folder, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Returns a file.

        Raises:
            HTTPException: When there is none of a known type.
        """
        parts = posixpath.normpath(path).split("/")
        suffix = posixpath.splitext(path)[1].lower()
        known = suffix in TYPES or (not suffix and parts == ["."])
        hidden = any(part in _HIDDEN or (part.startswith(".") and part != ".") for part in parts)
        if hidden or not known:
            raise HTTPException(404)
        if parts == [NAMES.name]:  # of Python's rooms too, so that it lies beside them
            response: Response = FileResponse(NAMES)
        else:
            response = await super().get_response(path, scope)
        response.headers["Content-Type"] = TYPES[suffix or ".html"]
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-cache"
        return response
