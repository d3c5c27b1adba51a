"""An embedding in one safetensors file: its arrays, and all else as one JSON text beside them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.embedding.layout import Layout
from llavataros_jax.embedding.network import flat, nested
from llavataros_jax.errors import UserError
from llavataros_jax.weights.described_file import (
    Kind,
    misdescribed,
    read_described,
    write_described,
)

KIND = Kind("embedding", "llavataros_embedding", 1, "llavataros evaluate fit-embedding")
_NETWORK = "network."
_KINDS: dict[str, type | tuple[type, ...]] = {
    "frames": int,
    "identity_leaky": bool,
    "joints": list,
    "fps": (int, float),
    "stride_frames": int,
    "units_per_metre": (int, float),
    "doubled_offsets": bool,
    "drops_last_window": bool,
    "about": dict,
    "digest": str,
}


def digest(embedding: Embedding) -> str:
    """Returns 16 hexadecimal digits of everything that features depend on: its identity."""
    told = hashlib.sha256(json.dumps(_settings(embedding), sort_keys=True).encode())
    for name, array in _arrays(embedding).items():
        told.update(name.encode() + array.tobytes())
    return told.hexdigest()[:16]


def write_embedding(path: Path | str, embedding: Embedding) -> None:
    """Writes an embedding atomically; the same one gives the same bytes.

    Raises:
        UserError: When the name does not end in `.safetensors`.
    """
    about = {**_settings(embedding), "about": dict(embedding.about), "digest": digest(embedding)}
    write_described(Path(path), KIND, _arrays(embedding), about)


def read_embedding(path: Path | str) -> Embedding:
    """Reads an embedding and checks all of it.

    Raises:
        UserError: When the file is missing, damaged, changed by hand or another kind of file.
    """
    path = Path(path)
    arrays, settings = read_described(path, KIND)
    try:
        _check(settings)
    except (ValueError, KeyError, TypeError) as problem:
        raise misdescribed(path, KIND, problem) from problem
    try:
        missing = [name for name in ("mean", "std") if name not in arrays]
        if missing:
            raise UserError(f"the embedding has no array {missing[0]}; it is incomplete")
        mean, std = arrays.pop("mean"), arrays.pop("std")
        if (
            mean.ndim != 1
            or mean.shape != std.shape
            or {mean.dtype.name, std.dtype.name} != {"float64"}
        ):
            raise UserError(
                f"the embedding's mean is {mean.dtype} of shape {mean.shape}, its std {std.dtype} "
                f"of {std.shape}; both must be float64 of one length"
            )
        network = {name.removeprefix(_NETWORK): array for name, array in arrays.items()}
        embedding = Embedding(
            layout=Layout(settings["frames"], len(mean), settings["identity_leaky"]),
            params=nested(network),
            mean=mean,
            std=std,
            joints=tuple(settings["joints"]),
            fps=float(settings["fps"]),
            stride_frames=settings["stride_frames"],
            units_per_metre=float(settings["units_per_metre"]),
            doubled_offsets=settings["doubled_offsets"],
            drops_last_window=settings["drops_last_window"],
            about=settings["about"],
        )
    except UserError as refusal:
        raise UserError(f"embedding {path}: {refusal}") from refusal
    if digest(embedding) != settings["digest"]:
        raise UserError(
            f"embedding {path} is damaged: its numbers have the digest {digest(embedding)}, but "
            f"{settings['digest']} was written; copy it again"
        )
    return embedding


def _check(settings: dict[str, Any]) -> None:
    for name, kind in _KINDS.items():
        value = settings[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{name} is {value!r}")
    if not all(isinstance(name, str) for name in settings["joints"]):
        raise ValueError("a joint's name is no text")


def _settings(embedding: Embedding) -> dict[str, Any]:
    return {
        "format_version": KIND.version,
        "frames": embedding.layout.frames,
        "identity_leaky": embedding.layout.identity_leaky,
        "joints": list(embedding.joints),
        "fps": float(embedding.fps),
        "stride_frames": embedding.stride_frames,
        "units_per_metre": float(embedding.units_per_metre),
        "doubled_offsets": embedding.doubled_offsets,
        "drops_last_window": embedding.drops_last_window,
    }


def _arrays(embedding: Embedding) -> dict[str, np.ndarray]:
    network = {f"{_NETWORK}{path}": array for path, array in flat(embedding.params).items()}
    arrays = {"mean": embedding.mean, "std": embedding.std, **network}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}
