"""The one rule of which word is spoken on a frame, for records, films and live speech."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32


def active_words(
    starts_seconds: Sequence[float],
    ends_seconds: Sequence[float],
    num_frames: int,
    fps: float,
    *,
    slack_seconds: float = 0.0,
    first_frame: int = 0,
) -> Int32[np.ndarray, " N"]:
    """Finds the word of each frame: `start <= frame / fps < end`; -1 in silence (spec 1.3).

    Where words overlap, the one that starts later wins.

    Args:
        starts_seconds: When each word begins; need not be in order.
        ends_seconds: When each word ends.
        num_frames: Frames N.
        fps: Frames per second.
        slack_seconds: Times that were added to or rounded may miss a frame's start by this much.
        first_frame: Number of the first of them.
    """
    times = np.arange(first_frame, first_frame + num_frames) / fps
    index = np.full(num_frames, -1, np.int32)
    for row in sorted(range(len(starts_seconds)), key=starts_seconds.__getitem__):
        span = starts_seconds[row] - slack_seconds, ends_seconds[row] - slack_seconds
        first, stop = np.searchsorted(times, span, side="left")
        index[first:stop] = row
    return index
