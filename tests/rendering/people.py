"""Small motions to draw."""

import numpy as np

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9

STANDING = np.array(
    [
        (0.0, 0.89, 0.0),
        (0.0, 1.18, -0.03),
        (0.0, 1.30, -0.02),
        (-0.13, 1.40, 0.0),
        (-0.26, 1.15, 0.0),
        (-0.30, 0.95, 0.10),
        (0.13, 1.40, 0.0),
        (0.26, 1.15, 0.0),
        (0.30, 0.95, 0.10),
    ]
)


def standing(num_frames: int, fps: float = 30.0) -> Motion:
    """Stands a person of nine joints in front of us, facing +z; the left hand swings."""
    frames = np.zeros((num_frames, 9, 7))
    frames[..., :3] = STANDING
    phase = np.arange(num_frames) / 5
    frames[:, 8, 0] += 0.1 - 0.1 * np.cos(phase)
    frames[:, 8, 1] += 0.1 * np.sin(phase)
    frames[..., 6] = 1.0
    return Motion(frames, fps, AVATAROS_9)
