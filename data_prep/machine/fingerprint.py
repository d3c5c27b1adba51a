"""What tells files and values apart by their content, wherever they lie."""

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llavataros_jax.atomic import write_text
from llavataros_jax.errors import UserError

_DIGITS = 32
_LEAST_AGE_SECONDS = 2.0  # a younger file may change again without a later time of change


def file_hash(path: Path) -> str:
    """Hashes the bytes of a file.

    Raises:
        UserError: When it is missing or may not be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}); check the file") from problem


def model_hash(path: Path) -> str:
    """Hashes all bytes of a file that many clips ask for, such as a model's weights, once.

    What was found is remembered in this process and, by place, size and time of change, in the
    user's folder of caches (`XDG_CACHE_HOME`), so many gigabytes are not read at every start.

    Raises:
        UserError: When it is missing or may not be read.
    """
    try:
        stat = path.stat()
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}); check the file") from problem
    return _model_hash(path.absolute(), stat.st_size, stat.st_mtime_ns)


def models_hash(paths: Iterable[Path]) -> str:
    """Hashes several files, such as a model in parts, by their names and all their bytes."""
    return content_hash([[path.name, model_hash(path)] for path in sorted(paths)])


@functools.lru_cache(maxsize=256)
def _model_hash(path: Path, size: int, modified_ns: int) -> str:
    remembered = _memory() / content_hash([str(path), size, modified_ns])
    with contextlib.suppress(OSError, ValueError):
        found = remembered.read_text(encoding="ascii").strip()
        if len(found) == _DIGITS:
            return found
    digest = file_hash(path)
    if abs(time.time() - modified_ns / 1e9) > _LEAST_AGE_SECONDS:
        with contextlib.suppress(OSError):  # without a place to write, it is hashed again
            write_text(remembered, digest + "\n")
    return digest


def _memory() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "llavataros" / "hashes"


def content_hash(value: Any) -> str:
    """Hashes what JSON can hold; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
