"""Checksums of a checkpoint's files, as `b2sum --check checksums.txt` reads them too.

The storage below Orbax checks the index of its arrays but not their bytes: a flipped one comes back
as another number. The list is written before a checkpoint is committed, so it is there with it.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

CHECKSUMS = "checksums.txt"
# When Orbax commits, it adds the time to this one, of which nothing is read but the time.
_NOT_LISTED = (CHECKSUMS, "_CHECKPOINT_METADATA")
_DIGEST_BYTES = 16
_LINE = re.compile(r"([0-9a-f]{32})  (\S.*)")


def write_checksums(step_folder: Path) -> None:
    """Lists all files of a step's folder, which nobody changes any more, in it."""
    files = sorted(_files(step_folder).items())
    lines = [f"{_digest(path)}  {name}\n" for name, path in files if name not in _NOT_LISTED]
    with (step_folder / CHECKSUMS).open("w", encoding="utf-8") as file:
        file.writelines([_header(len(lines)), *lines])
        file.flush()
        os.fsync(file.fileno())


def mismatch(step_folder: Path, parts: Iterable[str]) -> str | None:
    """Says which file of a step's folder is not as it was written, if one is not.

    Args:
        step_folder: A folder that holds a list of checksums.
        parts: Folders in it of which all files are read; those beside them are read always.
    """
    try:
        text = (step_folder / CHECKSUMS).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return f"{CHECKSUMS} is damaged"
    found = [_LINE.fullmatch(line) for line in text.split("\n")[1:-1]]
    if not text.endswith("\n") or not text.startswith(_header(len(found))) or not all(found):
        return f"{CHECKSUMS} is damaged"
    written = {match[2]: match[1] for match in found if match}
    wanted = {*parts}
    if absent := wanted - {name.split("/")[0] for name in written}:
        return f"{CHECKSUMS} lists no file of its part {min(absent)}"
    # Only files that are there are read, wherever a line may point to.
    here = _files(step_folder)
    for name, digest in written.items():
        if "/" in name and name.split("/")[0] not in wanted:
            continue
        if name not in here:
            return f"{name} is missing"
        try:
            if _digest(here[name]) != digest:
                return f"{name} is not as it was written"
        except OSError as problem:
            return f"{name} cannot be read: {problem.strerror}"
    return None


def _header(count: int) -> str:
    """Returns the first line, a comment to `b2sum`, by which a list that was cut short is told."""
    return f"# {count} files\n"


def _files(folder: Path) -> dict[str, Path]:
    """Returns all files at any depth by their names from the folder on."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=_DIGEST_BYTES)
        ).hexdigest()
