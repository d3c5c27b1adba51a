"""A model of alignment in one safetensors file: its weights, and all else as one JSON text."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from llavataros_jax.alignment.model import Accuracy, AlignmentModel, CurvePoint
from llavataros_jax.alignment.network import Arrays, template
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.errors import UserError
from llavataros_jax.weights.described_file import (
    Kind,
    misdescribed,
    read_described,
    write_described,
)

KIND = Kind("alignment model", "llavataros_alignment", 1, "llavataros evaluate fit-alignment")


def write_alignment(path: Path | str, model: AlignmentModel) -> None:
    """Writes a model atomically; the same one gives the same bytes.

    Raises:
        UserError: When the name does not end in `.safetensors`.
    """
    about = {
        "settings": model.settings.to_dict(),
        "accuracy": dataclasses.asdict(model.accuracy),
        "excludes_chance": model.accuracy.excludes_chance,
        "hash": model.hash,
        "data": model.data,
        "clips": model.clips,
        "curve": [dataclasses.asdict(point) for point in model.curve],
    }
    write_described(Path(path), KIND, dict(_named(model.members)), about)


def open_alignment(path: Path | str) -> AlignmentModel:
    """Reads a model and checks all of it.

    Raises:
        UserError: When the file is missing, damaged, changed by hand or another kind of file.
    """
    path = Path(path)
    arrays, about = read_described(path, KIND)
    try:
        settings = Settings(**about["settings"])
        model = AlignmentModel(
            settings,
            _arranged(settings, arrays),
            _accuracy(about["accuracy"]),
            about["data"],
            about["clips"],
            tuple(
                CurvePoint(float(point["seconds"]), _accuracy(point["accuracy"]))
                for point in about["curve"]
            ),
        )
    except (TypeError, KeyError, ValueError, UserError) as problem:
        raise misdescribed(path, KIND, problem) from problem
    if model.hash != about["hash"]:
        raise UserError(
            f"alignment model {path} is damaged: its numbers have the hash {model.hash}, but "
            f"{about['hash']} was written; copy it again"
        )
    return model


def _named(members: tuple[Arrays, ...]) -> list[tuple[str, np.ndarray]]:
    leaves = jax.tree_util.tree_leaves_with_path(members)
    return [
        (jax.tree_util.keystr(path, simple=True, separator="."), np.asarray(leaf))
        for path, leaf in leaves
    ]


def _arranged(settings: Settings, arrays: dict[str, np.ndarray]) -> tuple[Arrays, ...]:
    """Puts arrays where networks of these settings have them."""
    if settings.members > len(arrays):
        raise ValueError(f"{settings.members} members cannot have {len(arrays)} arrays")
    shapes = (template(settings),) * settings.members
    leaves, structure = jax.tree_util.tree_flatten_with_path(shapes)
    found = []
    for path, leaf in leaves:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        array = arrays.pop(name, None)
        if array is None or array.shape != leaf.shape or not np.isfinite(array).all():
            has = "missing" if array is None else f"{array.dtype} {array.shape}"
            raise ValueError(f"array {name} is {has} where finite {leaf.shape} are needed")
        found.append(array)
    if arrays:
        raise ValueError(f"array {min(arrays)} is unknown")
    return jax.tree_util.tree_unflatten(structure, found)


def _accuracy(told: dict[str, Any]) -> Accuracy:
    interval = told["interval"]
    return Accuracy(**{**told, "interval": interval and (float(interval[0]), float(interval[1]))})
