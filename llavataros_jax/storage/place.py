"""Where something lies: a path on this machine, or a URL such as gs://bucket/folder.

A URL stays text, because pathlib would make gs:/bucket of it.
"""

import re
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.storage.remote import is_there, read

Place = Path | str
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def is_remote(place: Place) -> bool:
    """Says whether a place is a URL."""
    return isinstance(place, str) and _URL.match(place) is not None


def placed(place: Place, *names: str) -> Place:
    """Returns what lies in a place under the names of folders and a file."""
    if is_remote(place):
        return "/".join([str(place).rstrip("/"), *names])
    return Path(place, *names)


def is_file(place: Place) -> bool:
    """Says whether there is a file.

    Raises:
        UserError: When a bucket cannot be reached.
    """
    return is_there(str(place)) if is_remote(place) else Path(place).is_file()


def read_text(place: Place) -> str:
    """Reads a file of UTF-8.

    Raises:
        FileNotFoundError: When it is not there.
        UserError: When a bucket cannot be reached.
    """
    if is_remote(place):
        return read(str(place)).decode("utf-8")
    return Path(place).read_text(encoding="utf-8")


def local_folder(place: Place, *, option: str, purpose: str) -> Path:
    """Returns a folder of this machine.

    Args:
        place: Where it is.
        option: The option that names it, such as `data.records`.
        purpose: What needs it, as the beginning of a sentence.

    Raises:
        UserError: When it is a URL.
    """
    if is_remote(place):
        raise UserError(
            f"{purpose} a folder on this machine, but {option}={place} is a URL; name a folder and "
            "copy it there afterwards (docs/storage.md)"
        )
    return Path(place)
