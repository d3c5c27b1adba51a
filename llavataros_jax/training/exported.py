"""A run made light: config, manifest and half-precision weights, enough to animate with.

The folder holds no optimiser, no memory of lanes and no list of clips; it is small, contains no
code, and opens wherever a run directory does, but training cannot go on from it.
"""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from llavataros_jax.atomic import atomic_folder, write_text
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import Params
from llavataros_jax.training.parameters import another_head, named_leaves
from llavataros_jax.weights.safetensors_file import read_tensors, write_tensors

WEIGHTS = "weights.safetensors"
_LARGEST_HALF = float(np.finfo(np.float16).max)


def is_exported(run: Path | str) -> bool:
    """Says whether a folder is a run that was exported."""
    return (Path(run) / WEIGHTS).is_file()


def write_exported(
    folder: Path, config: Config, manifest: Manifest, params: Params, *, checkpoint: str
) -> None:
    """Writes a run with its weights rounded to half precision.

    Args:
        folder: What to write; new, or empty.
        config: The run's config.
        manifest: The run's manifest; which clips it was trained on is left out.
        params: The parameters.
        checkpoint: Where they are from, such as `best/1200`.

    Raises:
        UserError: When a parameter is not finite in half precision, or something is in the way.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder} exists and is not empty, so nothing is exported to it; choose another folder"
        )
    arrays = {}
    for name, leaf in named_leaves(params):
        array = np.asarray(leaf, np.float32)
        if not np.isfinite(array).all() or np.abs(array).max(initial=0) > _LARGEST_HALF:
            raise UserError(
                f"parameter {name} of {checkpoint} has values up to "
                f"{np.abs(array).max():g}, which half precision cannot hold; train again"
            )
        arrays[name] = array.astype(np.float16)
    with atomic_folder(folder) as temporary:
        write_text(temporary / "config.yaml", config_to_yaml(config))
        dataclasses.replace(manifest, clips=(), failures=()).save(temporary)
        write_tensors(temporary / WEIGHTS, arrays, about={"checkpoint": checkpoint})


def load_exported(run: Path | str, abstract: Params) -> tuple[Params, str]:
    """Loads the parameters of an exported run as float32.

    Args:
        run: The folder.
        abstract: Names and shapes of the parameters.

    Returns:
        Parameters as NumPy arrays, and the file that they are from.

    Raises:
        UserError: When the file is damaged or does not fit the run's own config.
    """
    path = Path(run) / WEIGHTS
    arrays, wanted = read_tensors(path), dict(named_leaves(abstract))
    if reason := another_head(arrays, wanted):
        raise UserError(
            f"{path} does not fit the config beside it: {reason}; copy the folder again"
        )
    for name, leaf in wanted.items():
        found = arrays[name].shape if name in arrays else None
        if found != tuple(leaf.shape):
            raise UserError(
                f"{path} does not fit the config beside it: {name} has the shape {found}, not "
                f"{tuple(leaf.shape)}; copy the whole folder again"
            )
        if not np.isfinite(arrays[name]).all():
            raise UserError(
                f"{path} holds numbers that are not finite in {name}; copy the folder again"
            )
    leaves = [arrays[name].astype(np.float32) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(abstract), leaves), WEIGHTS
