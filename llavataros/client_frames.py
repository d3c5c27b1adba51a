"""Frames as a server sends them in binary messages."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

_HEADER = struct.Struct("<BBHI")
_JOINTS, _HUMANOID = 1, 2


@dataclass(frozen=True, eq=False)
class Frames:
    """Consecutive frames from number `first` on; what was not asked for is None.

    `joints` are in the world: metres and xyzw. `rotations` of `ready["bones"]` are from the T-pose.
    """

    first: int
    seconds: float
    joints: Float32[np.ndarray, "n J 7"] | None
    rotations: Float32[np.ndarray, "n B 4"] | None
    hips: Float32[np.ndarray, "n 3"] | None

    @property
    def count(self) -> int:
        """How many they are."""
        values = self.hips if self.joints is None else self.joints
        return 0 if values is None else len(values)


def read_frames(data: bytes, ready: dict[str, Any]) -> Frames:
    """Reads a message; `ready` is what the server said of the session."""
    _, flags, count, first = _HEADER.unpack_from(data)
    joints, bones = len(ready["skeleton"]["names"]), len(ready["bones"])
    rows = np.frombuffer(data, "<f4", offset=_HEADER.size).reshape(count, -1)
    split = 7 * joints if flags & _JOINTS else 0
    of_joints, turned, hips = np.split(rows, [split, split + 4 * bones], axis=1)
    return Frames(
        first,
        first / ready["fps"],
        of_joints.reshape(count, joints, 7) if flags & _JOINTS else None,
        turned.reshape(count, bones, 4) if flags & _HUMANOID else None,
        hips if flags & _HUMANOID else None,
    )
