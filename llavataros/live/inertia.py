"""Inertialisation: a jump from one motion to another becomes a movement that fades.

After the jump the new motion plays, with an offset that begins as the difference of the two, in
place and velocity, and ends at rest: a polynomial of the fifth degree with no acceleration at
either end (Bollo, "Inertialization: High-performance animation transitions in Gears of War", GDC
2018). Nothing of the old motion is needed but its last two poses.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

PLACE_SECONDS = 0.9
# What is left of a movement ends sooner, or hands that were on their way out would go on for long.
VELOCITY_SECONDS = 0.45


@dataclass(frozen=True, eq=False)
class Inertia:
    """The offset of poses after a jump.

    Attributes:
        first_frame: The first frame after the jump.
        place: Difference of the last pose before it and the first after it.
        velocity_per_second: How fast poses moved before it.
        fps: Frames per second.
    """

    first_frame: int
    place: Float[np.ndarray, " P"]
    velocity_per_second: Float[np.ndarray, " P"]
    fps: float

    @property
    def end_frame(self) -> int:
        """The frame from which on there is no offset."""
        return self.first_frame + math.ceil(PLACE_SECONDS * self.fps) - 1

    def over(
        self, poses: Float[np.ndarray, "n P"], frames: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n P"]:
        """Returns poses of these frames with the offset."""
        # The jump is thought to lie at the last frame before it, at which the offset is whole.
        seconds = (frames - self.first_frame + 1) / self.fps
        place = np.clip(seconds / PLACE_SECONDS, 0, 1)[:, None]
        moving = np.clip(seconds / VELOCITY_SECONDS, 0, 1)[:, None]
        left = 1 - place**3 * (10 - place * (15 - 6 * place))
        way = moving * (1 - moving**2 * (6 - moving * (8 - 3 * moving)))
        return poses + self.place * left + self.velocity_per_second * VELOCITY_SECONDS * way
