"""The body that a server moves, as its messages tell of it, and its frames as they are sent."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from llavataros.live.live_frame import LiveFrame
from llavataros.serve.replies import Frames, HumanoidPoses
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.normalised import Humanoid

# Kind, flags, count, first frame.
HEADER = struct.Struct("<BBHI")
FRAMES = 2
FLAGS = {"joints": 1, "humanoid": 2}
# Far beyond float32 in metres and quaternions, and half as long as JSON of it.
_DECIMALS = 7


@dataclass(frozen=True, eq=False)
class Body:
    """The body that a server moves.

    Attributes:
        skeleton: Its joints.
        fps: Frames a second.
        speakers: Whose habits it knows.
        gestures: Which gestures can be asked for.
    """

    skeleton: Skeleton
    fps: float
    speakers: tuple[str, ...] = ()
    gestures: tuple[str, ...] = ()
    _problem: list[str] = field(default_factory=list)

    @cached_property
    def humanoid(self) -> Humanoid | None:
        """The body as a VRM humanoid, if it has the bones."""
        try:
            return Humanoid(self.skeleton)
        except UserError as refusal:
            self._problem.append(str(refusal))
            return None

    @property
    def why_no_humanoid(self) -> str:
        """What is missing of a humanoid."""
        return "" if self.humanoid else self._problem[0]

    def text(self, frames: Sequence[LiveFrame], poses: Sequence[str]) -> str:
        """Returns frames as a JSON message."""
        joints = np.stack([frame.joints for frame in frames])
        humanoid = None
        if "humanoid" in poses:
            rotations, hips = self._humanoid_poses(joints)
            humanoid = HumanoidPoses(rotations=_numbers(rotations), hips=_numbers(hips))
        message = Frames(
            first=frames[0].index,
            seconds=frames[0].seconds,
            joints=_numbers(joints) if "joints" in poses else None,
            humanoid=humanoid,
        )
        return message.model_dump_json(exclude_none=True)

    def binary(self, frames: Sequence[LiveFrame], poses: Sequence[str]) -> bytes:
        """Returns frames as a binary message."""
        joints, parts = np.stack([frame.joints for frame in frames]), []
        if "joints" in poses:
            parts.append(joints.reshape(len(frames), -1))
        if "humanoid" in poses:
            rotations, hips = self._humanoid_poses(joints)
            parts += [rotations.reshape(len(frames), -1), hips]
        flags = sum(FLAGS[kind] for kind in set(poses))
        header = HEADER.pack(FRAMES, flags, len(frames), frames[0].index)
        return header + np.concatenate(parts, axis=1).astype("<f4").tobytes()

    def _humanoid_poses(
        self, joints: Float[np.ndarray, "T J 7"]
    ) -> tuple[Float[np.ndarray, "T B 4"], Float[np.ndarray, "T 3"]]:
        assert self.humanoid is not None, "refused when the session begins"
        return self.humanoid(joints)


def _numbers(values: Float[np.ndarray, "T ..."]) -> list[list[float]]:
    rounded = np.round(values.astype(np.float64), _DECIMALS)
    return rounded.reshape(len(values), -1).tolist()
