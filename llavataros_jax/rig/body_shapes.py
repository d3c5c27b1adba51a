"""Shapes by their distance functions, each of which moves with joints: what a body is made of.

Distances after I. Quilez, "Distance functions" (iquilezles.org): cones that are rounded at both
ends, ellipsoids (a bound of the distance), and stacks of ellipses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "N 3"]
Distances = Float[np.ndarray, " N"]


@dataclass(frozen=True, eq=False)
class Shape:
    """A piece of a body.

    Attributes:
        distance: Of points from its surface in metres, negative inside.
        joints: Those that it moves with.
        shares: By how much with each, at points; all of one joint if not given.
        limb: Shapes of one limb meet as they are, those of different ones flow into each other.
    """

    distance: Callable[[Points], Distances]
    joints: tuple[int, ...]
    shares: Callable[[Points], Float[np.ndarray, "N J"]] | None = None
    limb: str = ""

    def weights(self, points: Points, num_joints: int) -> Float[np.ndarray, "N J"]:
        """Returns how much of each joint's movement points take part in."""
        weights = np.zeros((len(points), num_joints))
        parts = np.ones((len(points), 1)) if self.shares is None else self.shares(points)
        for column, joint in enumerate(self.joints):
            weights[:, joint] += parts[:, column]
        return weights


def cone(
    start: Sequence[float] | np.ndarray,
    end: Sequence[float] | np.ndarray,
    start_radius: float,
    end_radius: float,
) -> Callable[[Points], Distances]:
    """Returns the distance from a stick with round ends."""
    origin, along = np.asarray(start, float), np.asarray(end, float) - start
    squared = max(float(along @ along), 1e-12)

    def distance(points: Points) -> Distances:
        share = np.clip((points - origin) @ along / squared, 0.0, 1.0)
        away = np.linalg.norm(points - origin - share[:, None] * along, axis=1)
        return away - (start_radius + (end_radius - start_radius) * share)

    return distance


def ellipsoid(
    centre: Sequence[float] | np.ndarray, radii: Sequence[float] | np.ndarray
) -> Callable[[Points], Distances]:
    """Returns the distance from an ellipsoid along the axes, exact at its surface."""
    middle, sizes = np.asarray(centre, float), np.asarray(radii, float)

    def distance(points: Points) -> Distances:
        unit = np.linalg.norm((points - middle) / sizes, axis=1)
        slope = np.linalg.norm((points - middle) / sizes**2, axis=1)
        return unit * (unit - 1) / np.maximum(slope, 1e-9)

    return distance


def stack(
    heights: Float[np.ndarray, " K"],
    centres: Float[np.ndarray, "K 2"],
    radii: Float[np.ndarray, "K 2"],
    edge_metres: float,
) -> Callable[[Points], Distances]:
    """Returns the distance from ellipses that lie above each other, with rounded ends.

    Args:
        heights: Of each, rising.
        centres: Their x and z.
        radii: To the side and to the front.
        edge_metres: How wide the edge of the ends is rounded.
    """
    from scipy.interpolate import PchipInterpolator

    shape = PchipInterpolator(heights, np.concatenate((centres, radii), axis=1))

    def distance(points: Points) -> Distances:
        x, z, wide, deep = shape(np.clip(points[:, 1], heights[0], heights[-1])).T
        flat = np.stack(((points[:, 0] - x) / wide, (points[:, 2] - z) / deep))
        unit = np.linalg.norm(flat, axis=0)
        slope = np.linalg.norm(flat / np.stack((wide, deep)), axis=0)
        around = unit * (unit - 1) / np.maximum(slope, 1e-9)
        ends = np.maximum(heights[0] - points[:, 1], points[:, 1] - heights[-1])
        return -smooth_union([-around, -ends], edge_metres)

    return distance


def smooth_union(distances: Sequence[Distances], width_metres: float) -> Distances:
    """Returns the distance from shapes that flow into each other over a width."""
    result = distances[0]
    for other in distances[1:]:
        near = np.maximum(width_metres - np.abs(result - other), 0.0) / width_metres
        result = np.minimum(result, other) - near**2 * width_metres / 4
    return result
