"""Files that appear whole or not at all."""

import json
import os
import secrets
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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = f"{os.getpid()}-{secrets.token_hex(6)}"
    temporary = path.with_name(f".{path.stem[:_LONGEST_STEM]}.{ours}.partial{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` atomically as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` atomically as indented UTF-8 JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
