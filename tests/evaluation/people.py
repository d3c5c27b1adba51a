"""Small motions whose measures can be worked out by hand."""

import numpy as np

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9

LEFT_HAND, RIGHT_HAND = 8, 5


def standing(positions=None, *, num_frames: int = 300, fps: float = 30.0) -> Motion:
    """Stands the nine joints at fixed places; `positions` {joint: (T, 3)} are added to theirs."""
    frames = np.zeros((num_frames, 9, 7))
    frames[..., :3] = np.arange(27).reshape(9, 3) / 20
    frames[..., 6] = 1.0
    for joint, places in (positions or {}).items():
        frames[:, joint, :3] += places
    return Motion(frames, fps, AVATAROS_9)


def strokes(times_seconds, *, num_frames: int, fps: float = 30.0, metres: float = 0.2):
    """Moves along x by a smooth step at each time, to and fro: speed peaks exactly there."""
    time = np.arange(num_frames) / fps
    steps = [np.tanh((time - at) / 0.1) for at in times_seconds]
    signs = (-1.0) ** np.arange(len(steps))
    places = np.zeros((num_frames, 3))
    places[:, 0] = metres / 2 * np.sum(np.multiply(signs[:, None], steps), axis=0)
    return places
