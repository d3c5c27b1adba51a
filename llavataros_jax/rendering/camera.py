"""A perspective camera that stands still and sees the whole of a motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError

YAW_DEGREES = 10.0
PITCH_DEGREES = 5.0
FOCAL_HEIGHTS = 2.6
NEAREST_METRES = 0.2


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        position: Where it stands, metres.
        axes: Rows are its right, down and viewing direction in the world.
        focal_pixels: Focal length.
        centre_pixels: Where the viewing direction meets the picture, x and y.
    """

    position: Float[np.ndarray, " 3"]
    axes: Float[np.ndarray, "3 3"]
    focal_pixels: float
    centre_pixels: Float[np.ndarray, " 2"]

    def project(
        self, points: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float[np.ndarray, "*n 2"], Float[np.ndarray, "*n"]]:
        """Projects points of the world to pixels and gives their depth in metres."""
        seen = (points - self.position) @ self.axes.T
        depth = np.maximum(seen[..., 2], NEAREST_METRES)
        return self.centre_pixels + seen[..., :2] * (self.focal_pixels / depth[..., None]), depth


def frame_points(
    points: Float[np.ndarray, "n 3"],
    radii: Float[np.ndarray, " n"],
    *,
    forward: Float[np.ndarray, " 3"],
    left_top_right_bottom: tuple[float, float, float, float],
    yaw_degrees: float = YAW_DEGREES,
    pitch_degrees: float = PITCH_DEGREES,
) -> Camera:
    """Stands a camera in front of points so that they fill a rectangle of the picture.

    The direction is given, so the nearest place at which every ball fits has a closed form: each
    border of the rectangle asks for a distance that falls linearly with the sideways position.

    Raises:
        UserError: The rectangle is empty.
    """
    left, top, right, bottom = left_top_right_bottom
    width, height = right - left, bottom - top
    if width < 16 or height < 16:
        raise UserError(f"a film needs more room than {width:.0f}x{height:.0f} pixels for a figure")
    axes = _axes(forward, yaw_degrees, pitch_degrees)
    focal = FOCAL_HEIGHTS * height
    half = np.array([width, height]) / 2 / focal
    seen = points @ axes.T
    target = (seen.min(axis=0) + seen.max(axis=0)) / 2
    # A ball touches the left or right border when (offset + reach) / (depth + distance) = half.
    reach = radii[:, None] * np.sqrt(1 + half**2)
    offset = seen[:, :2] - target[:2]
    after = ((offset + reach) / half - seen[:, 2:]).max(axis=0)
    before = ((reach - offset) / half - seen[:, 2:]).max(axis=0)
    target[:2] += (after - before) / 2 * half
    distance = float(((after + before) / 2).max())
    distance = max(distance, NEAREST_METRES - float(seen[:, 2].min()))
    position = np.array([target[0], target[1], -distance]) @ axes
    return Camera(position, axes, focal, np.array([(left + right) / 2, (top + bottom) / 2]))


def _axes(forward: np.ndarray, yaw_degrees: float, pitch_degrees: float) -> np.ndarray:
    """Builds right, down and view of a camera that looks at a person facing `forward`."""
    yaw, pitch = np.radians([yaw_degrees, pitch_degrees])
    x, _, z = forward / np.linalg.norm(forward)
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    view = np.array([-x * np.cos(pitch), -np.sin(pitch), -z * np.cos(pitch)])
    right = np.cross(view, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(view, right), view])
