"""Bodies that move by rule, and voices that are noise of a known loudness."""

import numpy as np

from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories

NAMES = (
    *("Hips", "Head", "LeftArm", "LeftForeArm", "LeftHand"),
    *("RightArm", "RightForeArm", "RightHand"),
)
PARENTS = (-1, 0, 0, 2, 3, 0, 5, 6)
SKELETON = Skeleton(NAMES, PARENTS, np.zeros((len(NAMES), 3)))
REST = np.array(
    [
        *([0, 1.0, 0], [0, 1.7, 0], [0.2, 1.5, 0], [0.2, 1.2, 0], [0.2, 0.9, 0]),
        *([-0.2, 1.5, 0], [-0.2, 1.2, 0], [-0.2, 0.9, 0]),
    ]
)
ARM_METRES = 0.6


def standing(frames: int, fps: float) -> Trajectories:
    """Returns a body that does not move."""
    return Trajectories(np.tile(REST, (frames, 1, 1)), fps, SKELETON)


def swinging(angle: np.ndarray, fps: float) -> Trajectories:
    """Returns a body whose stiff left arm hangs at these angles to the vertical, in radians."""
    positions = np.tile(REST, (len(angle), 1, 1))
    for joint, length in ((3, 0.3), (4, 0.6)):
        positions[:, joint, 0] = 0.2 + length * np.sin(angle)
        positions[:, joint, 1] = 1.5 - length * np.cos(angle)
    return Trajectories(positions, fps, SKELETON)


def noise(loudness: np.ndarray, per_second: float, seed: int = 0) -> np.ndarray:
    """Returns sound whose loudness follows these numbers, so many a second."""
    seconds = len(loudness) / per_second
    count = round(seconds * SAMPLE_RATE)
    at = np.interp(np.arange(count) / SAMPLE_RATE, np.arange(len(loudness)) / per_second, loudness)
    return (0.1 * at * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def talk(seed: int, seconds: float, fps: float = 30.0) -> tuple[Trajectories, np.ndarray]:
    """Returns a body whose arm swings as fast as its voice is loud, and the voice."""
    drawn = np.random.default_rng(seed)
    frames = round(seconds * fps)
    loudness = np.zeros(frames)
    for begin in np.cumsum(drawn.uniform(0.4, 1.4, int(seconds))):
        loudness += np.exp(-0.5 * ((np.arange(frames) / fps - begin) / 0.1) ** 2)
    angle = 0.5 + np.cumsum(loudness) / fps * 1.5
    return swinging(0.6 * np.sin(angle), fps), noise(loudness, fps, seed)
