"""Weights in safetensors files: named arrays without code, read in one go."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError


def read_tensors(path: Path | str) -> dict[str, np.ndarray]:
    """Reads all arrays of a safetensors file.

    Raises:
        UserError: When it is missing, cut off, damaged or another kind of file.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"weights {path} do not exist; check the path")
    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError, TypeError) as problem:
        raise UserError(
            f"weights {path} of {path.stat().st_size} bytes are damaged or no safetensors file "
            f"({' '.join(str(problem).split())}); copy them again"
        ) from problem


def read_texts(path: Path | str) -> dict[str, str]:
    """Reads the texts about the arrays of a safetensors file that `read_tensors` can read."""
    with safe_open(path, "numpy") as file:
        return dict(file.metadata() or {})


def write_tensors(
    path: Path, arrays: Mapping[str, np.ndarray], *, about: Mapping[str, str]
) -> None:
    """Writes named arrays, and texts about them, to a file that appears whole or not at all."""
    with atomic_path(path) as temporary:
        # A view that is not contiguous would be written as what lies under it.
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        # Not `save_file`, which gives the file to its owner alone.
        temporary.write_bytes(save(whole, metadata=dict(about)))
