"""A frame of a live session, and when each stage was done with it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One frame of a body, of stream time `index / fps`.

    A frame depends on speech that is `Engine.delay_frames` later, and its times are about that.

    Attributes:
        index: Its number in the session, counted from 0 without holes.
        seconds: Its time in the stream.
        joints: px py pz in metres and qx qy qz qw of each joint, both in the world; y is up.
        heard_monotonic: When the last of what it depends on was given to the session, by the
            engine's clock.
        ready_monotonic: When its features were there.
        stepped_monotonic: When the network began with it.
        made_monotonic: When it could be taken.
    """

    index: int
    seconds: float
    joints: Float32[np.ndarray, "J 7"]
    heard_monotonic: float
    ready_monotonic: float
    stepped_monotonic: float
    made_monotonic: float
