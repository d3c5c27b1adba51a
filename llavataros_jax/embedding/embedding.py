"""An autoencoder with all that must be known to use it: joints, rate, unit and statistics."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.embedding.layout import Layout
from llavataros_jax.embedding.network import Params, flat, shapes
from llavataros_jax.errors import UserError


@dataclass(frozen=True, eq=False)
class Embedding:
    """A trained autoencoder; its features are those of standardised windows of positions.

    Attributes:
        layout: Its sizes.
        params: Parameters and running statistics, nested dictionaries of arrays.
        mean: Mean of every number of a frame, in the embedding's unit.
        std: Standard deviations.
        joints: Names of the joints in the order of a frame.
        fps: Rate of the motion it was trained on, frames per second.
        stride_frames: Frames between the starts of windows.
        units_per_metre: Its unit of length: 100 for centimetres.
        doubled_offsets: Whether positions are those that PyMO computes, which adds a BVH file's
            position channels to the OFFSETs, so that bones are twice as long.
        drops_last_window: Whether the last whole window of a clip is left out, as GENEA's code
            does: it begins windows at `range(0, frames - window, stride)`.
        about: Where it is from, plain values of JSON.

    Raises:
        UserError: When these do not fit each other, or a number is not finite.
    """

    layout: Layout
    params: Params
    mean: Float[np.ndarray, " D"]
    std: Float[np.ndarray, " D"]
    joints: tuple[str, ...]
    fps: float
    stride_frames: int
    units_per_metre: float = 1.0
    doubled_offsets: bool = False
    drops_last_window: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dims = self.layout.dims
        if len(self.joints) * 3 != dims or len(set(self.joints)) != len(self.joints):
            raise UserError(
                f"an embedding of {dims} numbers a frame needs the names of {dims // 3} different "
                f"joints, but {len(self.joints)} are given, {len(set(self.joints))} of them "
                "different"
            )
        for name in ("mean", "std"):
            array = np.array(getattr(self, name), np.float64)
            if array.shape != (dims,) or not np.isfinite(array).all():
                raise UserError(
                    f"the {name} of an embedding of {dims // 3} joints must be {dims} finite "
                    f"numbers, but has shape {array.shape} and "
                    f"{np.count_nonzero(~np.isfinite(array))} that are not finite"
                )
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not (self.std > 0).all():
            raise UserError(
                f"{np.count_nonzero(self.std <= 0)} of {dims} standard deviations of an embedding "
                f"are not positive, the first of joint {self.joints[np.argmax(self.std <= 0) // 3]}"
            )
        for name in ("fps", "stride_frames", "units_per_metre"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise UserError(f"the {name} of an embedding must be positive, not {value}")
        _check_params(self.params, self.layout)

    def replace(self, **values: Any) -> "Embedding":
        """Returns the embedding with some attributes changed."""
        return dataclasses.replace(self, **values)


def _check_params(params: Params, layout: Layout) -> None:
    arrays, wanted = flat(params), shapes(layout)
    for path, shape in wanted.items():
        if path not in arrays:
            raise UserError(f"the embedding has no array {path}; it is incomplete")
        array = np.asarray(arrays[path])
        if array.shape != shape or array.dtype != np.float32:
            raise UserError(
                f"the embedding's array {path} is {array.dtype} of shape {array.shape}, but must "
                f"be float32 of {shape} for windows of {layout.frames} frames of "
                f"{layout.dims // 3} joints"
            )
        if not np.isfinite(array).all():
            raise UserError(f"the embedding's array {path} holds numbers that are not finite")
        if path.endswith(".var") and (array < 0).any():
            raise UserError(f"the embedding's array {path} holds variances below 0")
    if strange := [path for path in arrays if path not in wanted]:
        raise UserError(f"the embedding has an array {strange[0]} that no layer needs")
