"""What a glTF file names outside its JSON: data URIs, and files beside it that may be read."""

import base64
import binascii
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from llavataros_jax.errors import UserError

_LARGEST_LINKED = 1 << 30


def linked_bytes(uri: Any, *, what: str, path: Path) -> bytes:
    """Returns what a URI of a glTF file holds.

    Args:
        uri: A data URI, or a name relative to the folder of `path`, as the file has it.
        what: Who names it, for the sentence.
        path: The glTF file.

    Raises:
        UserError: When it points elsewhere than into that folder, or to nothing.
    """
    if not isinstance(uri, str):
        raise UserError(f"{path}: the uri of {what} is no text; export it again")
    if uri[:5].lower() == "data:":
        return _data(uri, what, path)
    place = _inside(uri, path)
    if place is None:
        raise UserError(
            f"{path}: {what} is at {uri!r:.80}, but only files in its own folder are read and "
            "nothing is fetched; export it as one .glb"
        )
    if not os.path.isfile(place):  # which says no to names that are too long as well
        raise UserError(
            f"{path}: {what} is in {uri!r:.80}, which is not beside it; copy that too, or export "
            "the character as one .glb"
        )
    if place.stat().st_size > _LARGEST_LINKED:
        raise UserError(f"{path}: {what} in {uri!r:.80} has more than {_LARGEST_LINKED} bytes")
    return place.read_bytes()


def _inside(uri: str, path: Path) -> Path | None:
    """Returns the file that a relative URI names, or None when it is not under the folder."""
    try:
        parts = urlsplit(uri)
        name = unquote(parts.path, errors="strict")
    except (ValueError, UnicodeDecodeError):
        return None
    if parts.scheme or parts.netloc or "\\" in name or ":" in name or not name.isprintable():
        return None
    folder = path.parent.resolve()
    try:
        place = (folder / name).resolve()
    except (OSError, RuntimeError):  # a link to itself, or too long a name
        return None
    return place if place.is_relative_to(folder) and place != folder else None


def _data(uri: str, what: str, path: Path) -> bytes:
    head, comma, body = uri.partition(",")
    try:
        if not comma or not head.lower().endswith(";base64"):
            raise ValueError
        return base64.b64decode(unquote(body), validate=True)
    except (ValueError, binascii.Error):
        raise UserError(f"{path}: the data URI of {what} is not base64; export it again") from None
