"""What tells files and values apart by their content, wherever they lie."""

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from llavataros_jax.errors import UserError


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
    """Hashes a file that many clips ask for, such as a model's weights, once in each process."""
    stat = path.stat()
    return _model_hash(path, stat.st_size, stat.st_mtime_ns)


@functools.cache
def _model_hash(path: Path, size: int, modified: int) -> str:
    return file_hash(path)


def content_hash(value: Any) -> str:
    """Hashes what JSON can hold; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
