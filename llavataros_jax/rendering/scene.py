"""People in one space: where they stand, their bodies, the camera and the floor."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.motion import Motion
from llavataros_jax.rendering.body import Body, sculpt
from llavataros_jax.rendering.camera import YAW_DEGREES, Camera, frame_points

FRAMED_FRAMES = 4000
TURN_DEGREES = 32.0
GAP_METRES = 0.12


class Scene:
    """People placed in one space, with the bodies that are drawn."""

    def __init__(
        self, motions: Sequence[Motion], fps: float, num_frames: int, *, facing_alike: bool = False
    ):
        """Stands two people side by side, turned to each other or both the same way.

        More than two stand in a row, the first on the left, and all face the same way.
        """
        self.motions = list(motions)
        self.fps, self.num_frames = fps, num_frames
        self.bodies: list[Body] = [sculpt(motion) for motion in self.motions]
        self.turns = [np.eye(3) for _ in self.motions]
        self.shifts = [np.zeros(3) for _ in self.motions]
        if len(self.motions) == 2:
            self._stand_side_by_side(YAW_DEGREES if facing_alike else None)
        elif len(self.motions) > 2:
            self._stand_in_a_row()
        alone = len(self.motions) == 1
        self.forward = self.bodies[0].forward if alone else np.array([0.0, 0.0, 1.0])

    def centres(self, person: int, frames: np.ndarray) -> Float[np.ndarray, "T spheres 3"]:
        """Places the spheres of a person for frames of the film, between the motion's frames."""
        motion, body = self.motions[person], self.bodies[person]
        time = np.minimum(frames * (motion.fps / self.fps), motion.num_frames - 1)
        first = np.floor(time + 1e-9).astype(int)
        share = np.clip(time - first, 0, 1)[:, None, None]
        source = np.asarray(motion.frames)
        centres = body.centres(source[first])
        if share.max() > 1e-9:
            following = body.centres(source[np.minimum(first + 1, motion.num_frames - 1)])
            centres = centres + (following - centres) * share
        return centres @ self.turns[person].T + self.shifts[person]

    def sample(self) -> np.ndarray:
        """Chooses frames that stand for the film when the camera is placed."""
        stride = -(-self.num_frames // FRAMED_FRAMES)
        return np.unique(np.append(np.arange(0, self.num_frames, stride), self.num_frames - 1))

    def _stand_side_by_side(self, yaw_degrees: float | None) -> None:
        """Puts the first person on the left and turns both alike, or else to the middle."""
        for person, (body, side) in enumerate(zip(self.bodies, (-1, 1), strict=True)):
            wanted = np.radians(-side * TURN_DEGREES if yaw_degrees is None else -yaw_degrees)
            self.turns[person] = _turn(body, wanted)
            points = self.centres(person, self.sample()).reshape(-1, 3)
            middle = np.median(points, axis=0)
            inner = np.percentile(points[:, 0] * -side, 99.5)
            self.shifts[person] = np.array([side * (inner + GAP_METRES / 2), 0.0, -middle[2]])

    def _stand_in_a_row(self) -> None:
        """Turns all alike and gives each as much room as the motion takes."""
        end = 0.0
        for person, body in enumerate(self.bodies):
            self.turns[person] = _turn(body, -np.radians(YAW_DEGREES))
            points = self.centres(person, self.sample()).reshape(-1, 3)
            left, right = np.percentile(points[:, 0], (0.5, 99.5))
            self.shifts[person] = np.array([end - left, 0.0, -np.median(points[:, 2])])
            end += right - left + GAP_METRES

    def camera(self, left_top_right_bottom: tuple[float, float, float, float]) -> Camera:
        """Stands the camera so that everybody stays in a rectangle over the whole film."""
        frames, points, radii = self.sample(), [], []
        for person, body in enumerate(self.bodies):
            centres = self.centres(person, frames)
            points.append(centres.reshape(-1, 3))
            radii.append(np.tile(body.radii, len(centres)))
        return frame_points(
            np.concatenate(points),
            np.concatenate(radii),
            forward=self.forward,
            left_top_right_bottom=left_top_right_bottom,
            yaw_degrees=YAW_DEGREES if len(self.bodies) == 1 else 0.0,
        )

    def floor(self) -> float:
        """Finds the height that shadows fall on: the lowest sphere's underside."""
        frames = self.sample()
        lowest = [
            np.percentile((self.centres(p, frames)[..., 1] - body.radii).min(axis=1), 5)
            for p, body in enumerate(self.bodies)
        ]
        return float(min(lowest))


def _turn(body: Body, wanted_radians: float) -> Float[np.ndarray, "3 3"]:
    """Returns the turn about the vertical after which a body faces a direction; 0 is along z."""
    angle = wanted_radians - np.arctan2(body.forward[0], body.forward[2])
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
