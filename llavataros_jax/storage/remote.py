"""Files behind URLs: the only file that knows fsspec, and with it the clients of all clouds.

`etils.epath`, which Orbax and TFDS use, goes to fsspec too, but has no ranges of bytes, and takes
TensorFlow's file system as soon as that is installed. A put of one object is atomic, so nobody sees
half a file; of many files, the one that makes them valid is put last.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.packages import needs

# It logs what it raises as well, traceback and all, and a warning at each call without credentials.
logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
_EXTRAS = {"gs": "gcs", "gcs": "gcs", "s3": "s3", "s3a": "s3"}
_CLIENTS = {"gcs": "gcsfs", "s3": "s3fs"}
_ACCESS = {
    "gcs": "gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS",
    "s3": "aws configure, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
}


@dataclass(frozen=True)
class File:
    """What a listing says of a file: its bytes, and what changes when it is written anew."""

    size: int
    version: str


def read(url: str, start: int | None = None, stop: int | None = None) -> bytes:
    """Returns a file, or its bytes from `start` to before `stop`, in one request.

    Raises:
        FileNotFoundError: When it is not there.
        UserError: When it cannot be reached.
    """
    with _reaching(url) as (files, path):
        return files.cat_file(path, start=start, end=stop)


def write(url: str, data: bytes, *, is_new: bool = False) -> None:
    """Puts a file, which appears whole.

    Raises:
        FileExistsError: With `is_new`, when there is one.
        UserError: When it cannot be written.
    """
    with _reaching(url, writing=True) as (files, path):
        files.pipe_file(path, data, mode="create" if is_new else "overwrite")


def send(file: Path, url: str) -> None:
    """Puts a file of this machine, of any size, which appears whole.

    Raises:
        FileNotFoundError: When there is no such file here.
        UserError: When it cannot be written.
    """
    if not file.is_file():
        raise FileNotFoundError(file)
    with _reaching(url, writing=True) as (files, path):
        files.put_file(str(file), path)


def fetch(url: str, file: Path) -> None:
    """Copies a file to this machine, where it appears whole.

    Raises:
        FileNotFoundError: When it is not there.
        UserError: When it cannot be reached.
    """
    with atomic_path(file) as temporary, _reaching(url) as (files, path):
        files.get_file(path, str(temporary))


def files_of(url: str) -> dict[str, "File"]:
    """Returns all files at any depth by their names from the folder on; none if it is not there.

    Raises:
        UserError: When it cannot be reached.
    """
    with _reaching(url) as (files, path):
        files.invalidate_cache()  # others write there
        try:
            found = files.find(path, detail=True)
        except FileNotFoundError:  # some clients say so of an empty folder
            return {}
        own = path.rstrip("/") + "/"
        return {
            name.removeprefix(own): File(int(about["size"] or 0), _version(about))
            for name, about in found.items()
        }


def is_there(url: str) -> bool:
    """Says whether there is a file.

    Raises:
        UserError: When it cannot be reached.
    """
    with _reaching(url) as (files, path):
        files.invalidate_cache()
        return bool(files.isfile(path))


def remove(url: str) -> None:
    """Removes a file, or a folder with all that is in it, if it is there.

    Raises:
        UserError: When it cannot be removed.
    """
    with _reaching(url) as (files, path):
        files.invalidate_cache()
        try:
            files.rm(path, recursive=True)
        except FileNotFoundError:
            return


@contextmanager
def _reaching(url: str, *, writing: bool = False) -> Iterator[tuple[Any, str]]:
    """Gives the file system of a URL and the path there; turns its failures into sentences."""
    scheme = url.partition("://")[0]
    extra = _EXTRAS.get(scheme, "")
    absent = () if writing else (FileNotFoundError,)
    try:
        import fsspec.core  # slow to import, and most runs never need it

        yield fsspec.core.url_to_fs(url)
    except (*absent, FileExistsError, UserError, MemoryError):
        raise
    except ImportError as problem:
        if extra:
            raise UserError(needs(url, [_CLIENTS[extra]], extra=extra)) from problem
        raise UserError(f"{url} needs a package that is not installed: {problem}") from problem
    except Exception as problem:  # clients of clouds have errors of their own
        if isinstance(problem, ValueError) and "not known" in str(problem):
            raise UserError(
                f"{url} begins with {scheme}://, by which no storage is known; use gs://, s3://, "
                "another scheme of fsspec, or a folder"
            ) from problem
        raise UserError(_unreachable(url, extra, problem)) from problem


def _unreachable(url: str, extra: str, problem: Exception) -> str:
    said = " ".join(str(problem).split())[:200]
    reason = f"{type(problem).__name__}: {said}" if said else type(problem).__name__
    cure = f" ({_ACCESS[extra]})" if extra else ""
    return (
        f"{url} cannot be reached ({reason}); check its name, the network, and that this machine "
        f"may use it{cure}"
    )


def _version(about: dict[str, Any]) -> str:
    return hashlib.blake2b(repr(sorted(about.items())).encode(), digest_size=16).hexdigest()
