"""Files that `llavataros animate` wrote, which are never recordings to learn from."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_HEAD_BYTES = 200
_WRITTEN_BY = re.compile(rb'"written_by"\s*:\s*"llavataros')
# Before records named their files, they began in this way and had these beside them.
_OLDER = re.compile(rb'^\s*\{\s*"arguments"\s*:\s*\{')
_OLDER_KEYS = {"arguments", "checkpoint", "parameters_blake2b"}
_OLDER_SUFFIXES = (".npy", ".bvh", ".mov", ".mp4")


def animated_files(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Finds, among the files of one folder, what animations wrote: names, each with the reason.

    Each animation has a record, `NAME.json`, that lists the files beside it.
    """
    found: dict[str, str] = {}
    for name in names:
        if name.lower().endswith(".json") and (written := _listed_files(folder / name)) is not None:
            reason = f"written by llavataros animate ({name} lists it)"
            found |= dict.fromkeys([name, *written], reason)
    return {name: reason for name, reason in found.items() if name in names}


def _listed_files(path: Path) -> list[str] | None:
    """Returns the files that the record of an animation lists; None when it is no record."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        is_record, is_older = _WRITTEN_BY.search(head), _OLDER.match(head)
        if not (is_record or is_older):
            return None
        tree: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(tree, dict):
        return None
    if is_record:
        files = tree.get("files")
        names = files if isinstance(files, list | dict) else []
        return [name for name in names if isinstance(name, str)]
    return [path.stem + s for s in _OLDER_SUFFIXES] if tree.keys() >= _OLDER_KEYS else None
