"""Which recording a lane animates when: the longest first, each in the lane that is free first."""

from collections.abc import Sequence
from typing import NamedTuple


class Turn(NamedTuple):
    """What a lane does in one stretch.

    Attributes:
        clip: Number of the recording.
        first: Its first frame of this stretch.
    """

    clip: int
    first: int


def in_lanes(lengths: Sequence[int], lanes: int, *, stretch_frames: int) -> list[list[Turn]]:
    """Returns the turns of each lane, for recordings of `lengths` frames.

    A recording stays in its lane and starts with a stretch. With the longest first, lanes end at
    about the same time (Graham 1969: at most a third later than is possible).
    """
    turns: list[list[Turn]] = [[] for _ in range(lanes)]
    for clip in sorted(range(len(lengths)), key=lambda clip: -lengths[clip]):
        lane = min(turns, key=len)
        lane += [Turn(clip, first) for first in range(0, lengths[clip], stretch_frames)]
    return turns
