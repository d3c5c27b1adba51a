"""Principal components of the training motion: poses as few numbers of unit variance.

A sampled head needs them. Dimensions of a pose move together, so noise on each alone would be no
pose; and a flow of few steps keeps the spread of what it samples best where that of the data is one
in every direction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion.rotations import AnyArray, namespace


@dataclass(frozen=True, eq=False)
class PoseBasis:
    """Axes of normalised poses (axis letters: P pose, Z components).

    Attributes:
        mean: Mean pose.
        axes: A unit vector for each component, by falling variance.
        scale: Deviation of the training motion along each.
        rate_per_frame: Deviation of each component's change from frame to frame, in units of its
            own deviation.
    """

    mean: Float[np.ndarray, " P"]
    axes: Float[np.ndarray, "Z P"]
    scale: Float[np.ndarray, " Z"]
    rate_per_frame: Float[np.ndarray, " Z"]

    @property
    def size(self) -> int:
        """Number Z of components."""
        return len(self.scale)

    @classmethod
    def measure(
        cls, clips: Iterable[Float[np.ndarray, "_ P"]], *, kept_variance: float
    ) -> "PoseBasis":
        """Measures normalised poses, read once, one clip at a time.

        Args:
            clips: Frames of each clip.
            kept_variance: Share of the variance that the components hold at least.

        Raises:
            UserError: When nothing moves.
        """
        count, total, squares, changes, pairs = 0, 0.0, 0.0, 0.0, 0
        for clip in clips:
            poses = np.asarray(clip, np.float64)
            count, total = count + len(poses), total + poses.sum(axis=0)
            squares = squares + poses.T @ poses
            change = np.diff(poses, axis=0)
            pairs, changes = pairs + len(change), changes + change.T @ change
        mean = np.asarray(total) / max(count, 1)
        covariance = np.atleast_2d(squares / max(count, 1) - np.multiply.outer(mean, mean))
        variance, axes = np.linalg.eigh(covariance)
        variance, axes = variance[::-1].clip(0), axes.T[::-1]
        if variance[0] <= 0:
            raise UserError(
                "the training motion never moves, so there is nothing to sample; train with "
                "model.head=regression or give motion that moves"
            )
        held = np.cumsum(variance) / variance.sum()
        size = min(int(np.searchsorted(held, kept_variance)) + 1, int((variance > 1e-9).sum()))
        axes, scale = axes[:size], np.sqrt(variance[:size])
        # An axis and its opposite are the same; on every machine it is this one.
        axes = axes * np.sign(axes[np.arange(size), np.abs(axes).argmax(axis=1)])[:, None]
        rate = np.sqrt(np.einsum("zp,pq,zq->z", axes, changes / max(pairs, 1), axes)) / scale
        return cls(*(np.asarray(x, np.float32) for x in (mean, axes, scale, rate)))

    def components(self, poses: Float[AnyArray, "... P"]) -> Float[AnyArray, "... Z"]:
        """Returns the components of normalised poses."""
        xp = namespace(poses)
        moved = poses - xp.reshape(xp.asarray(self.mean), (1,) * (poses.ndim - 1) + (-1,))
        return _product("...p,zp->...z", moved, self.axes / self.scale[:, None])

    def poses(self, components: Float[AnyArray, "... Z"]) -> Float[AnyArray, "... P"]:
        """Returns the normalised poses of components."""
        xp = namespace(components)
        moved = _product("...z,zp->...p", components, self.axes * self.scale[:, None])
        return moved + xp.reshape(xp.asarray(self.mean), (1,) * (components.ndim - 1) + (-1,))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain lists that JSON keeps exactly."""
        return {name: getattr(self, name).tolist() for name in _FIELDS}

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> "PoseBasis":
        """Rebuilds what `to_dict` wrote."""
        return cls(**{name: np.array(tree[name], np.float32) for name in _FIELDS})


_FIELDS = ("mean", "axes", "scale", "rate_per_frame")


def _product(equation: str, values: Any, matrix: np.ndarray) -> Any:
    xp = namespace(values)
    # Poses are not features: rounded to TF32 or bfloat16 they would jitter by millimetres.
    options = {} if xp is np else {"precision": "highest"}
    return xp.einsum(equation, values, xp.asarray(matrix), **options)
