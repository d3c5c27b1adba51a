"""Layers that meet records, converted to other statistics so that they compute the same.

Each is exact: what a linear layer makes of standardised numbers, or normalises, is linear too.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.codec import PoseCodec

Arrays = dict[str, np.ndarray]


def output_for(
    old: PoseCodec,
    new: PoseCodec,
    *,
    kernel: Float[np.ndarray, "D P"],
    bias: Float[np.ndarray, " P"],
) -> Arrays:
    """Converts the output layer so that `new` decodes its poses to what `old` did.

    A dimension that was constant keeps its old mean, whatever the layer said of it; what is
    constant now is the new codec's, and its column is zero.
    """
    before, after = (codec.std.astype(np.float64) for codec in (old, new))
    scale = np.where(old.constant, 0.0, before / after)
    shift = (old.mean.astype(np.float64) - new.mean) / after
    scale, shift = (np.where(new.constant, 0.0, values) for values in (scale, shift))
    return _single({"output.kernel": kernel * scale, "output.bias": bias * scale + shift})


def words_for(kept: Arrays, old: dict[str, list[float]], new: dict[str, list[float]]) -> Arrays:
    """Converts the pieces for words to other statistics, where there is a word bit beside them.

    Args:
        kept: Arrays of the source by name.
        old: Its `Manifest.statistics`.
        new: Those of the new records.
    """
    arrays: Arrays = {}
    for name in pieces_for(kept, "words"):
        bit = name.replace(".from_words.", ".from_silence.")
        if bit not in kept:
            continue
        mean, scale = (np.asarray(old[f"words_{part}"], np.float64) for part in ("mean", "std"))
        now, other = (np.asarray(new[f"words_{part}"], np.float64) for part in ("mean", "std"))
        arrays[name] = kept[name] * (other / scale)[:, None]
        arrays[bit] = kept[bit] + (now - mean) / scale @ kept[name]
    return _single(arrays)


def same_pose(old: PoseCodec, new: PoseCodec) -> bool:
    """Says whether the numbers of a pose are of the same joints."""
    return old.skeleton.same_structure(new.skeleton) and old.flexible_joints == new.flexible_joints


def same_statistics(old: PoseCodec, new: PoseCodec) -> bool:
    """Says whether poses are normalised alike."""
    return all(
        np.array_equal(getattr(old, name), getattr(new, name))
        for name in ("mean", "std", "constant")
    )


def pieces_for(names: Iterable[str], feature: str) -> list[str]:
    """Lists the kernels that read a feature; behind an attention, `join` reads no sound."""
    found = [name for name in names if name.endswith(f".from_{feature}.kernel")]
    return [name for name in found if len(found) == 1 or ".join." not in name]


def _single(arrays: Arrays) -> Arrays:
    return {name: array.astype(np.float32) for name, array in arrays.items()}
