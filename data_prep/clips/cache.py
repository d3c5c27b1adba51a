"""Results of stages, kept by the content of what they were made from.

A stage's result lies in `{folder}/{stage}/{key}.npz`, where the key is that of `stages.Stage`: it
hashes the stage's version, the bytes of its input files and the options that it reads. So a killed
run goes on where it was, and a changed option redoes only the stages that read it. The folder may
be deleted.
"""

import contextlib
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.clips.stages import Stage
from llavataros_jax.atomic import atomic_path

Arrays = dict[str, np.ndarray]

_STALE_SECONDS = 3600.0


class NotKeptError(Exception):
    """Says that a stage would have to be computed."""


class StageCache:
    """Keeps the arrays that stages make; with no folder it only calls them.

    With `only_kept`, a stage that is not kept raises `NotKeptError` instead.

    Attributes:
        keys: Key of each stage that was asked for, by the stage's name.
        made: Names of the stages that had to be computed.
    """

    def __init__(self, folder: Path | None = None, *, only_kept: bool = False) -> None:
        self._folder = folder
        self._only_kept = only_kept
        self.keys: dict[str, str] = {}
        self.made: list[str] = []

    def arrays(self, stage: Stage, make: Callable[[], Arrays]) -> Arrays:
        """Returns what `make` returned for this stage, now or in an earlier run.

        Args:
            stage: The stage and what it depends on.
            make: Computes the arrays; texts are arrays of Unicode.
        """
        key = stage.key
        self.keys[stage.name] = key
        found = load_stage(self._folder, stage.name, key) if self._folder else None
        if found is not None:
            return found
        if self._only_kept:
            raise NotKeptError(stage.name)
        arrays = make()
        self.made.append(stage.name)
        if self._folder:
            with atomic_path(_path(self._folder, stage.name, key)) as temporary:
                np.savez(temporary, allow_pickle=False, **arrays)  # pyright: ignore[reportArgumentType]
        return arrays


def load_stage(folder: Path, stage: str, key: str) -> Arrays | None:
    """Returns a stage's arrays, or None when they are not kept or the file is damaged."""
    try:
        with np.load(_path(folder, stage, key), allow_pickle=False) as arrays:
            return dict(arrays)
    except (FileNotFoundError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def remove_half_written(folder: Path) -> None:
    """Removes what killed runs left behind, if no running one can still be writing it."""
    for path in folder.glob("*/.*.partial.npz"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()


@dataclass(frozen=True)
class Pruned:
    """What was removed from a folder of results and what stayed.

    Attributes:
        removed: How many results of each stage were removed.
        megabytes: Their size.
        kept: How many results are still there.
    """

    removed: dict[str, int]
    megabytes: float
    kept: int


def remove_unused(folder: Path, used: Collection[tuple[str, str]]) -> Pruned:
    """Removes all results but those that are used; nobody else may be at work in the folder.

    Args:
        folder: Folder of results.
        used: Stage and key of each result that stays.
    """
    removed: Counter[str] = Counter()
    size = kept = 0
    for path in folder.glob("*/*.npz"):
        if (path.parent.name, path.stem) in used:
            kept += 1
            continue
        size += path.stat().st_size
        path.unlink()
        if not path.name.startswith("."):  # else it was half-written
            removed[path.parent.name] += 1
    return Pruned(dict(removed), size / 1e6, kept)


def _path(folder: Path, stage: str, key: str) -> Path:
    return folder / stage / f"{key}.npz"
