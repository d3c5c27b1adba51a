"""Files that appear whole or not at all."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LONGEST_STEM = 40  # characters, so that the temporary name of a long one is no name too long


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` and renames it to `path` when the block succeeds.

    The temporary name keeps the suffix of `path`, because writers such as `np.save` and ffmpeg
    choose a format by it. A part of it is drawn at random, because the numbers of processes repeat
    in containers that share a folder. When the block raises, the temporary file is removed and an
    older `path` is left as it was.
    """
    temporary = _beside(Path(path))
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path`, new or empty, that becomes it on success.

    When the block raises, the temporary folder is removed with all that is in it.
    """
    temporary = _beside(Path(path))
    temporary.mkdir()
    try:
        yield temporary
        # Not every system renames onto a folder, even an empty one.
        if Path(path).is_dir():
            Path(path).rmdir()
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path) -> Path:
    """Returns a name in the folder of `path`, which is made, that nobody else has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = f"{os.getpid()}-{secrets.token_hex(6)}"
    return path.with_name(f".{path.stem[:_LONGEST_STEM]}.{ours}.partial{path.suffix}")


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` atomically as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` atomically as indented UTF-8 JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
