"""From the published checkpoint to the network's parameters, checked key by key."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax import traverse_util

from llavataros_jax.errors import UserError
from llavataros_jax.pase.layout import (
    CHANNELS,
    COUNTER,
    PUBLISHED_BLOB_ID,
    PUBLISHED_NAME,
    SKIPS,
    checkpoint_shapes,
)
from llavataros_jax.pase.network import Params
from llavataros_jax.pase.sinc import sinc_filters
from llavataros_jax.weights.npz import read_npz
from llavataros_jax.weights.torch_file import read_torch
from llavataros_jax.weights.wrapping import unwrapped

_LISTED = 8  # differing keys that a message names before it only counts


def load_params(path: Path | str) -> Params:
    """Reads the network's parameters from a PyTorch file, or from an `.npz` of the same names.

    Warns when a PyTorch file is not the published one, which is known by its git blob id.

    Raises:
        UserError: When the file is missing, damaged or another model's; differing keys are named.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"PASE+ checkpoint {path} does not exist; give the path of {PUBLISHED_NAME} or of an "
            ".npz of the same names"
        )
    if path.suffix == ".npz":
        return to_params(read_npz(path, kind="PASE+ checkpoint"), source=str(path))
    params = to_params(read_torch(path, foreign=True), source=str(path))
    found = git_blob_id(path)
    if found != PUBLISHED_BLOB_ID:
        warnings.warn(
            f"{path} is not the published {PUBLISHED_NAME}: its git blob id is {found} and not "
            f"{PUBLISHED_BLOB_ID}; its names and shapes are right, so it is used",
            stacklevel=2,
        )
    return params


def to_params(content: Any, *, source: str) -> Params:
    """Turns a checkpoint's mapping of names to arrays into the network's parameters.

    Keys such as `state_dict` and prefixes such as `module.` or `frontend.` around it are taken off
    (see `weights.wrapping`), and counters are ignored (section 7).

    Raises:
        UserError: When the other 69 names and shapes are not exactly there, or a number is not
            finite.
    """
    shapes = {name: shape for name, shape in checkpoint_shapes().items() if COUNTER not in name}
    tensors = unwrapped(content, shapes, source=source, network="a PASE+ front end")
    tensors = {name: array for name, array in tensors.items() if not name.endswith(COUNTER)}
    differing = [f"{name} is missing" for name in shapes if name not in tensors]
    differing += [f"{name} is unknown" for name in tensors if name not in shapes]
    differing += [
        f"{name} is {np.shape(tensors[name])} instead of {shape}"
        for name, shape in shapes.items()
        if name in tensors and np.shape(tensors[name]) != shape
    ]
    if differing:
        listed = "; ".join(differing[:_LISTED])
        more = f"; and {len(differing) - _LISTED} more" if len(differing) > _LISTED else ""
        raise UserError(
            f"{source} is not a PASE+ front end: {len(differing)} of its keys differ ({listed}"
            f"{more}); give {PUBLISHED_NAME}"
        )
    arrays = {name: np.asarray(tensors[name], np.float32) for name in shapes}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise UserError(f"{source} has numbers that are not finite in {name}; copy it again")
    return _arranged(arrays)


def git_blob_id(path: Path | str) -> str:
    """Returns what `git hash-object` says of a file."""
    content = Path(path).read_bytes()
    # Git's own choice of a hash, which only names the file here.
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _arranged(arrays: Mapping[str, np.ndarray]) -> Params:
    """Moves arrays to where the network's modules have them, channels last."""
    flat: dict[tuple, np.ndarray] = {
        ("recurrence", "gates", "kernel"): arrays["rnn.layers.0.linear.weight"].T,
        ("recurrence", "gates", "bias"): arrays["rnn.layers.0.linear.bias"],
        ("embedding", "kernel"): arrays["W.weight"][..., 0].T,
        ("embedding", "bias"): arrays["W.bias"],
        ("norm", "mean"): arrays["norm_out.running_mean"],
        ("norm", "var"): arrays["norm_out.running_var"],
    }
    for number in range(SKIPS):
        flat["skips", number, "kernel"] = arrays[f"denseskips.{number}.weight"][..., 0].T
    for number in range(len(CHANNELS)):
        here, there = ("blocks", number), f"blocks.{number}"
        if number == 0:
            filters = sinc_filters(
                arrays[f"{there}.conv.low_hz_"], arrays[f"{there}.conv.band_hz_"]
            )
            flat[*here, "conv", "kernel"] = filters.T[:, None]
        else:
            flat[*here, "conv", "kernel"] = arrays[f"{there}.conv.weight"].transpose(2, 1, 0)
            flat[*here, "conv", "bias"] = arrays[f"{there}.conv.bias"]
        flat[*here, "norm", "scale"] = arrays[f"{there}.norm.weight"]
        flat[*here, "norm", "bias"] = arrays[f"{there}.norm.bias"]
        flat[*here, "norm", "mean"] = arrays[f"{there}.norm.running_mean"]
        flat[*here, "norm", "var"] = arrays[f"{there}.norm.running_var"]
        flat[*here, "slope"] = arrays[f"{there}.act.weight"]
    return traverse_util.unflatten_dict(
        {path: np.ascontiguousarray(array) for path, array in flat.items()}
    )
