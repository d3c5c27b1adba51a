"""Whether a checkpoint is whole, and whether it is what is wanted.

Orbax reads all arrays at the same time and leaves a traceback for each that fails, so damage is
looked for first: by the checksums of its files or, in checkpoints of older versions, which have
none, by reading one value after another.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import tensorstore

from llavataros_jax.training.checkpoint_checksums import CHECKSUMS, mismatch
from llavataros_jax.training.parameters import another_head, named_leaves

METRICS = "metrics"


def damage_of(step_folder: Path, parts: Iterable[str]) -> str | None:
    """Says what is wrong with the parts (such as `params`) of a step's folder, if anything is."""
    parts = list(parts)
    for part in parts:
        if not (step_folder / part).is_dir():
            return f"its part {part} is missing"
    if (step_folder / CHECKSUMS).exists():
        measured = [METRICS] if (step_folder / METRICS).is_dir() else []
        return mismatch(step_folder, [*parts, *measured])
    for part in parts:
        if reason := _unreadable(step_folder / part):
            return reason
    return _damage_of_json(step_folder / METRICS / "metrics")


def _unreadable(folder: Path) -> str | None:
    part = folder.name
    if not (folder / "_METADATA").is_file():
        return f"{part}/_METADATA is missing"
    if reason := _damage_of_json(folder / "_METADATA"):
        return reason
    try:
        values = stored_values(folder.parent, (part,))
    except (ValueError, OSError) as problem:
        return f"{part} cannot be read: {first_line(problem)}"
    return None if values else f"{part} holds no arrays"


def stored_values(step_folder: Path, parts: Iterable[str]) -> dict[str, bytes]:
    """Returns all values of a step's parts by name as they are stored, not decoded.

    Raises:
        ValueError, OSError: When they cannot be read.
    """
    values = {}
    for part in parts:
        base = {"driver": "file", "path": f"{step_folder / part}/"}
        store = tensorstore.KvStore.open({"driver": "ocdbt", "base": base}).result()
        for name in store.list().result():
            values[f"{part}/{name.decode()}"] = store.read(name).result().value
    return values


def _damage_of_json(path: Path) -> str | None:
    """Says whether a file of JSON is damaged; one that is not there is not."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return f"{path.parent.name}/{path.name} is damaged"
    return None


def misfit(stored: Mapping[str, Any], parts: Mapping[str, Any]) -> str | None:
    """Says which array of a checkpoint differs from what is wanted, if one does.

    Asked before, because Orbax leaves a traceback for each array that does not fit.

    Args:
        stored: Trees of what has a shape, by part of the checkpoint.
        parts: The same of what is wanted.
    """
    for part, wanted in parts.items():
        there = dict(named_leaves(stored[part]))
        if part != "training" and (reason := another_head(there, dict(named_leaves(wanted)))):
            return reason
        for name, leaf in named_leaves(wanted):
            if name not in there:
                return f"{part} has no {name}"
            is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            if not is_key and tuple(there[name].shape) != leaf.shape:
                return f"{name} has the shape {tuple(there[name].shape)}, not {leaf.shape}"
    return None


def first_line(problem: BaseException) -> str:
    """Returns the first words of what a library complains about."""
    return next(iter(str(problem).strip().splitlines()), "no reason given")[:200]
