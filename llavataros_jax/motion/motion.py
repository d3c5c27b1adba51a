"""`Motion`, the one currency of every file format, renderer and metric."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.kinematics import forward, local_offsets_of, local_rotations_of
from llavataros_jax.motion.skeleton import Skeleton

# Files keep quaternions in float32 or in a few decimals; anything worse is not a rotation.
NORM_TOLERANCE = 1e-2


@dataclass(frozen=True, eq=False)
class Motion:
    """The movement of one body.

    Attributes:
        frames: (T, J, 7) px py pz in metres and qx qy qz qw, both in the world; y is up. Kept as
            read-only float64, with quaternions of unit length and continuous sign.
        fps: Frames per second.
        skeleton: Names, parents and rest pose of the joints.

    Raises:
        UserError: When shape or rate do not fit, or numbers are not finite or not rotations.
    """

    frames: Float[np.ndarray, "T J 7"]
    fps: float
    skeleton: Skeleton

    def __post_init__(self) -> None:
        frames = np.array(self.frames, dtype=np.float64)
        joints = self.skeleton.num_joints
        if frames.ndim != 3 or frames.shape[1:] != (joints, 7) or not len(frames):
            raise UserError(
                f"motion has shape {frames.shape}, but must be (frames, {joints}, 7): for each of "
                f"the skeleton's {joints} joints px py pz qx qy qz qw"
            )
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise UserError(f"motion needs a positive frame rate, not {self.fps} frames per second")
        finite = np.isfinite(frames).all(axis=2)
        if not finite.all():
            frame, joint = np.argwhere(~finite)[0]
            raise UserError(
                f"motion has {np.count_nonzero(~finite)} joint poses with NaN or infinity, first "
                f"at frame {frame}, joint {self.skeleton.names[joint]}; repair or cut these frames"
            )
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(frames[..., 3:], axis=-1)
        if np.abs(lengths - 1).max() > NORM_TOLERANCE:
            frame, joint = np.argwhere(np.abs(lengths - 1) > NORM_TOLERANCE)[0]
            raise UserError(
                f"motion has a quaternion of length {lengths[frame, joint]:.4g} at frame {frame}, "
                f"joint {self.skeleton.names[joint]}, where 1 is needed; the order must be "
                "px py pz qx qy qz qw"
            )
        # Unit quaternions are left as they are, so that cutting and decimating keep every bit.
        if np.abs(lengths - 1).max() > 1e-12:
            frames[..., 3:] /= lengths[..., None]
        frames[..., 3:] = rotations.continuous(frames[..., 3:])
        frames.flags.writeable = False
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "fps", float(self.fps))

    @property
    def positions(self) -> Float[np.ndarray, "T J 3"]:
        """World positions in metres."""
        return self.frames[..., :3]

    @property
    def quaternions(self) -> Float[np.ndarray, "T J 4"]:
        """World quaternions (x, y, z, w)."""
        return self.frames[..., 3:]

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.frames)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.fps

    def local_quaternions(self) -> Float[np.ndarray, "T J 4"]:
        """Returns each joint's quaternion in its parent's frame, sign-continuous."""
        local = local_rotations_of(self.quaternions, self.skeleton.parents)
        return np.asarray(rotations.continuous(local))

    def local_rotations(self) -> Float[np.ndarray, "T J 3 3"]:
        """Returns each joint's matrix in its parent's frame."""
        local = local_rotations_of(self.quaternions, self.skeleton.parents)
        return np.asarray(rotations.to_matrix(local))

    def local_offsets(self) -> Float[np.ndarray, "T J 3"]:
        """Returns each joint's place in its parent's frame; the root's row is its world place."""
        parents = self.skeleton.parents
        return np.asarray(local_offsets_of(self.positions, self.quaternions, parents))

    def cut(self, start_frame: int, stop_frame: int) -> "Motion":
        """Returns frames [start_frame, stop_frame)."""
        if not 0 <= start_frame < stop_frame <= self.num_frames:
            raise UserError(
                f"cannot cut frames [{start_frame}, {stop_frame}) out of {self.num_frames} frames"
            )
        return dataclasses.replace(self, frames=self.frames[start_frame:stop_frame])

    def with_rest(self, rest_rotations: Float[np.ndarray, "J 4"]) -> "Motion":
        """Turns every joint's own axes so that the same rest pose has `rest_rotations`.

        Positions do not change. A BVH file has no place for the axes of its rest pose; this gives
        them back after reading one, or takes them away (identities) before comparing with one.
        """
        skeleton = self.skeleton
        rest = np.asarray(rotations.normalise(np.asarray(rest_rotations, np.float64)))
        turn = rotations.multiply(rotations.conjugate(skeleton.rest_rotations), rest)
        back = np.asarray(rotations.conjugate(turn))
        parent_back = back[list(skeleton.parents)]
        parent_back[0] = (0.0, 0.0, 0.0, 1.0)
        turned = dataclasses.replace(
            skeleton,
            offsets=np.asarray(rotations.rotate(parent_back, skeleton.offsets)),
            rest_rotations=rest,
            end_sites={
                joint: [np.asarray(rotations.rotate(back[joint], tip)) for tip in tips]
                for joint, tips in skeleton.end_sites.items()
            },
        )
        quaternions = rotations.multiply(self.quaternions, turn)
        return Motion(np.concatenate((self.positions, quaternions), axis=-1), self.fps, turned)


def motion_from_local(
    local_rotations: Float[np.ndarray, "T J 3 3"] | Float[np.ndarray, "T J 4"],
    local_offsets: Float[np.ndarray, "*T J 3"],
    root: Float[np.ndarray, "T 3"],
    *,
    fps: float,
    skeleton: Skeleton,
) -> Motion:
    """Builds a `Motion` by forward kinematics from rotations and offsets in parents' frames."""
    frames = world_frames(local_rotations, local_offsets, root, skeleton.parents)
    return Motion(frames, fps, skeleton)


def world_frames(
    local_rotations: Float[np.ndarray, "T J 3 3"] | Float[np.ndarray, "T J 4"],
    local_offsets: Float[np.ndarray, "*T J 3"],
    root: Float[np.ndarray, "T 3"],
    parents: Sequence[int],
) -> Float[np.ndarray, "T J 7"]:
    """Returns the frames of a `Motion` from rotations and offsets in parents' frames."""
    local = local_rotations
    if local.shape[-1] == 3:
        local = np.asarray(rotations.from_matrix(local))
    return np.concatenate(forward(local, local_offsets, root, parents), axis=-1)
