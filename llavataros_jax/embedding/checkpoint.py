"""GENEA's autoencoders out of PyTorch's files, with what lies beside them.

A `.bin` holds `pose_dim`, `n_frames` and `gen_dict`, the weights. Mean and standard deviation of
the positions and the names of the joints are not in it: GENEA's code has them as constants.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.embedding.layout import ARRAYS, DECODER_CHANNELS, LAYERS, Layout
from llavataros_jax.embedding.network import Params, nested, shapes
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.weights.torch_file import read_torch
from llavataros_jax.weights.wrapping import unwrapped

GENEA_FPS = 30.0
CENTIMETRES_PER_METRE = 100.0
_NETWORK = "a GENEA autoencoder"
_FIRST, _LAST = "pose_encoder.net.0.0.weight", "decoder.pre_net.3.weight"
_LISTED = 6
_COUNTER = "num_batches_tracked"


def read_checkpoint(
    path: Path | str,
    *,
    mean: Path | str | None = None,
    std: Path | str | None = None,
    joints: Path | str | None = None,
    identity_leaky: bool = True,
    doubled_offsets: bool = True,
) -> Embedding:
    """Reads a GENEA checkpoint and its statistics; nothing in them is unpickled.

    Args:
        path: The checkpoint.
        mean: `.npy` of the mean of each number of a frame; when not given, the one file
            `*_mean.npy` beside the checkpoint.
        std: The same of the standard deviations, `*_std.npy`.
        joints: Text of the joints' names, one a line, `*_target_joints.txt`.
        identity_leaky: See `Layout`.
        doubled_offsets: See `Embedding`.

    Raises:
        UserError: When a file is missing, damaged or another network's, or they do not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint {path} does not exist; check the path")
    layout, params = to_params(
        read_torch(path, foreign=True), source=str(path), identity_leaky=identity_leaky
    )
    files = {
        "mean": _beside(path, mean, "--mean", "*_mean.npy", "mean of its positions"),
        "std": _beside(path, std, "--std", "*_std.npy", "standard deviation of its positions"),
        "joints": _beside(path, joints, "--joints", "*_target_joints.txt", "names of its joints"),
    }
    names = read_joints(files["joints"])
    if 3 * len(names) != layout.dims:
        raise UserError(
            f"joints {files['joints']} names {len(names)} joints, but {path} has "
            f"{layout.dims // 3} ({layout.dims} numbers a frame); name those it was trained on"
        )
    return Embedding(
        layout=layout,
        params=params,
        mean=_statistic(files["mean"], layout, path),
        std=_statistic(files["std"], layout, path, positive=True),
        joints=names,
        fps=GENEA_FPS,
        stride_frames=layout.frames // 2,
        units_per_metre=CENTIMETRES_PER_METRE,
        doubled_offsets=doubled_offsets,
        drops_last_window=True,
        about={"source": path.name},
    )


def to_params(content: Any, *, source: str, identity_leaky: bool = True) -> tuple[Layout, Params]:
    """Turns a checkpoint's mapping of names to arrays into sizes and the network's parameters.

    Raises:
        UserError: When names or shapes differ, or a number is not finite.
    """
    names = [f"{place}.{name}" for _, place, kind in LAYERS for _, name in ARRAYS[kind]]
    tensors = unwrapped(content, names, source=source, network=_NETWORK)
    tensors = {name: array for name, array in tensors.items() if not name.endswith(_COUNTER)}
    if differing := [f"{name} is missing" for name in names if name not in tensors]:
        raise _refusal(source, differing)
    layout = _layout(tensors, source, identity_leaky)
    if isinstance(content, Mapping):
        for key, found in (("pose_dim", layout.dims), ("n_frames", layout.frames)):
            if content.get(key, found) != found:
                raise UserError(
                    f"{source} says {key} {content[key]}, but its arrays are for {found}; "
                    "download or copy it again"
                )
    wanted, arrays = shapes(layout), {}
    differing = [f"{name} is unknown" for name in tensors if name not in names]
    for path, place, kind in LAYERS:
        for ours, theirs in ARRAYS[kind]:
            array = np.asarray(tensors[f"{place}.{theirs}"])
            shape = wanted[f"{path}.{ours}"]
            is_kernel = ours == "kernel" and array.ndim == len(shape)
            turned = _channels_last(array, kind) if is_kernel else array
            if turned.shape != shape:
                differing.append(f"{place}.{theirs} has shape {array.shape}")
            elif not np.isfinite(array).all():
                raise UserError(
                    f"{source} has numbers that are not finite in {place}.{theirs}; copy it again"
                )
            arrays[f"{path}.{ours}"] = np.ascontiguousarray(turned, np.float32)
    if differing:
        raise _refusal(source, differing)
    return layout, nested(arrays)


def read_joints(path: Path | str) -> tuple[str, ...]:
    """Reads the names of joints, one a line.

    Raises:
        UserError: When the file is no text, or empty, or names a joint twice.
    """
    path = Path(path)
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(
            f"joints {path} cannot be read as text ({type(problem).__name__}); write the name of "
            "one joint in each line"
        ) from problem
    names = [name for name in names if name]
    if not names or len(set(names)) < len(names):
        doubled = next((name for name in names if names.count(name) > 1), None)
        problem = f"names {doubled!r} twice" if doubled else "is empty"
        raise UserError(f"joints {path} {problem}; write the name of one joint in each line")
    return tuple(names)


def _refusal(source: str, differing: list[str]) -> UserError:
    return UserError(
        f"{source} is not {_NETWORK}: {listed(differing, _LISTED)}; give a checkpoint as "
        "train_AE.py of the GENEA numerical evaluations writes it"
    )


def _layout(tensors: Mapping[str, np.ndarray], source: str, identity_leaky: bool) -> Layout:
    first, last = tensors[_FIRST], tensors[_LAST]
    if first.ndim != 3 or last.ndim != 2 or last.shape[0] % DECODER_CHANNELS:
        raise _refusal(
            source, [f"{_FIRST} has shape {first.shape}", f"{_LAST} has shape {last.shape}"]
        )
    try:
        return Layout(last.shape[0] // DECODER_CHANNELS, first.shape[1], identity_leaky)
    except UserError as refusal:
        raise UserError(f"{source}: {refusal}") from refusal


def _channels_last(array: np.ndarray, kind: str) -> np.ndarray:
    if kind == "conv":
        return array.transpose(2, 1, 0)
    if kind == "transposed":
        return array.transpose(2, 0, 1)[::-1]
    return array.T


def _beside(
    checkpoint: Path, given: Path | str | None, option: str, pattern: str, what: str
) -> Path:
    if given is not None:
        if not Path(given).is_file():
            raise UserError(f"{option} {given} does not exist; check the path")
        return Path(given)
    found = sorted(checkpoint.parent.glob(pattern))
    if len(found) != 1:
        problem = (
            f"no file {pattern} lies beside it"
            if not found
            else f"{len(found)} files {pattern} lie beside it "
            f"({listed([path.name for path in found], 3)})"
        )
        raise UserError(
            f"checkpoint {checkpoint} does not hold the {what}, and {problem}; name it by {option}"
        )
    return found[0]


def _statistic(
    path: Path, layout: Layout, checkpoint: Path, *, positive: bool = False
) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise ValueError("it holds no numbers")
    except Exception as problem:  # damaged bytes raise anything
        raise UserError(
            f"{path} cannot be read as an .npy array ({' '.join(str(problem).split())}); write it "
            "with numpy.save"
        ) from problem
    array = np.asarray(array, np.float64).reshape(-1)
    if len(array) != layout.dims:
        raise UserError(
            f"{path} holds {len(array)} numbers, but {checkpoint} has {layout.dims} a frame; give "
            "the statistics it was trained with"
        )
    bad = ~np.isfinite(array) | (positive & (array <= 0))
    if bad.any():
        raise UserError(
            f"{path} holds {np.count_nonzero(bad)} numbers that are not "
            f"{'positive' if positive else 'finite'}; copy it again"
        )
    return array
