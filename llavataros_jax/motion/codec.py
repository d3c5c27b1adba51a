"""`PoseCodec`: motion as the vector that a network predicts, and back.

A pose is [root (3, metres) ; 6D local rotations (6 J) ; offsets of the flexible joints (3 F)].
Bones keep the lengths measured in the recordings: only joints whose offset was seen to change
(in AvatarOS those that hang on bones left out) have theirs predicted. Raw quaternions are never
regressed (spec/llanimation.md sections 3 and 10.4).
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from llavataros_jax.errors import UserError
from llavataros_jax.motion.kinematics import forward
from llavataros_jax.motion.motion import Motion, world_frames
from llavataros_jax.motion.rotations import (
    AnyArray,
    along_last_axis,
    matrix_to_sixd,
    namespace,
    sixd_to_matrix,
)
from llavataros_jax.motion.selection import select
from llavataros_jax.motion.skeleton import Skeleton

DECODED_FRAMES = 4096


@dataclass(frozen=True, eq=False)
class PoseCodec:
    """How motion of one skeleton structure becomes a pose vector, with its statistics.

    Attributes:
        skeleton: Names, parents and rest pose.
        flexible_joints: Joints whose offset is part of the pose.
        rest_offsets: (speakers, J, 3) mean offset of every joint in metres for each speaker.
        mean: Mean of each pose dimension.
        std: Scale of each pose dimension.
        constant: Dimensions that never change; they decode to their mean.
    """

    skeleton: Skeleton
    flexible_joints: tuple[int, ...]
    rest_offsets: Float[np.ndarray, "S J 3"]
    mean: Float[np.ndarray, " P"]
    std: Float[np.ndarray, " P"]
    constant: Bool[np.ndarray, " P"]

    @property
    def pose_size(self) -> int:
        """Length P of a pose."""
        return 3 + 6 * self.skeleton.num_joints + 3 * len(self.flexible_joints)

    @staticmethod
    def measure(
        motions: Iterable[tuple[Motion, int]],
        num_speakers: int,
        *,
        flexible_joints: Sequence[str] = ("auto",),
        rigid_tolerance_metres: float = 1e-5,
    ) -> "PoseCodec":
        """Measures bones; statistics stay at mean 0 and scale 1 until `fit`.

        Args:
            motions: Pairs of motion and speaker id, read once, one at a time.
            num_speakers: Number of speaker ids; one without motion gets the mean of the others.
            flexible_joints: Names of joints whose offset to predict; `auto` takes those that stray
                further than the tolerance from their speaker's mean.
            rigid_tolerance_metres: See `flexible_joints`.

        Raises:
            UserError: When there is no motion, skeletons differ in structure, or a name is unknown.
        """
        skeleton, totals, counts = None, np.zeros(0), np.zeros(num_speakers)
        lowest, highest = np.zeros(0), np.zeros(0)
        for motion, speaker in motions:
            if skeleton is None:
                skeleton = motion.skeleton
                totals = np.zeros((num_speakers, skeleton.num_joints, 3))
                lowest, highest = np.full_like(totals, np.inf), np.full_like(totals, -np.inf)
            _require_structure(skeleton, motion.skeleton)
            offsets = motion.local_offsets()
            totals[speaker] += offsets.sum(axis=0)
            counts[speaker] += len(offsets)
            lowest[speaker] = np.minimum(lowest[speaker], offsets.min(axis=0))
            highest[speaker] = np.maximum(highest[speaker], offsets.max(axis=0))
        if skeleton is None:
            raise UserError("there is no motion to measure a skeleton from")
        has_motion = counts > 0
        means = totals / np.maximum(counts, 1)[:, None, None]
        means[~has_motion] = means[has_motion].mean(axis=0)
        means[:, 0] = skeleton.offsets[0]
        if tuple(flexible_joints) == ("auto",):
            strays = np.maximum(highest - means, means - lowest)[has_motion].max(axis=(0, 2))
            strays[0] = 0
            flexible = tuple(int(j) for j in np.flatnonzero(strays > rigid_tolerance_metres))
        else:
            flexible = tuple(sorted(_joint(skeleton, name) for name in flexible_joints))
        return _with_unit_statistics(skeleton, flexible, means)

    def fit(
        self,
        poses: Iterable[Float[np.ndarray, "_ P"]],
        *,
        scaler: Literal["standard", "minmax"] = "standard",
        scale_floor: float = 1e-4,
    ) -> "PoseCodec":
        """Returns a codec with mean and scale of `poses`, read once, one clip at a time.

        With the scaler `minmax` these are the middle and half the range, so that `poses` fall into
        [-1, 1]. A dimension that varies less than a hundredth of `scale_floor` is constant: it
        normalises to 0 and decodes to its mean, whatever the network says.

        Raises:
            UserError: When there are no frames.
        """
        count, mean, scatter = 0, np.zeros(self.pose_size), np.zeros(self.pose_size)
        lowest, highest = np.full(self.pose_size, np.inf), np.full(self.pose_size, -np.inf)
        for pose in poses:
            # Chan's update (1979) joins clips without losing digits as sums of squares would.
            clip = np.asarray(pose, dtype=np.float64)
            if not len(clip):
                continue
            lowest = np.minimum(lowest, clip.min(axis=0))
            highest = np.maximum(highest, clip.max(axis=0))
            clip_mean = clip.mean(axis=0)
            total = count + len(clip)
            shift = clip_mean - mean
            scatter += ((clip - clip_mean) ** 2).sum(axis=0)
            scatter += shift**2 * (count * len(clip) / total)
            mean += shift * (len(clip) / total)
            count = total
        if not count:
            raise UserError("there are no frames to measure pose statistics from")
        deviation = scale = np.sqrt(scatter / count)
        if scaler == "minmax":
            mean, scale = (highest + lowest) / 2, (highest - lowest) / 2
        return dataclasses.replace(
            self,
            mean=mean.astype(np.float32),
            std=np.maximum(scale, scale_floor).astype(np.float32),
            constant=deviation < scale_floor / 100,
        )

    def encode(self, motion: Motion) -> Float[np.ndarray, "T P"]:
        """Returns the un-normalised poses of a motion."""
        _require_structure(self.skeleton, motion.skeleton)
        frames = motion.num_frames
        sixd = np.asarray(matrix_to_sixd(motion.local_rotations())).reshape(frames, -1)
        offsets = motion.local_offsets()[:, list(self.flexible_joints)].reshape(frames, -1)
        return np.concatenate((motion.positions[:, 0], sixd, offsets), axis=1, dtype=np.float32)

    def normalise(self, pose: Float[AnyArray, "... P"]) -> Float[AnyArray, "... P"]:
        """Subtracts the mean and divides by the scale; constant dimensions become 0."""
        xp = namespace(pose)
        mean, std, constant = self._rows(pose)
        scaled = (pose - mean) / std
        return xp.where(constant, xp.zeros_like(scaled), scaled)

    def denormalise(self, pose: Float[AnyArray, "... P"]) -> Float[AnyArray, "... P"]:
        """Undoes `normalise`."""
        mean, std, constant = self._rows(pose)
        return namespace(pose).where(constant, mean, pose * std + mean)

    def joint_positions(
        self,
        pose: Float[AnyArray, "*batch P"],
        speaker: Int[AnyArray, "..."],
        *,
        root_at_origin: bool = False,
    ) -> Float[AnyArray, "*batch J 3"]:
        """Returns world positions in metres of un-normalised poses; pure and differentiable.

        `speaker` broadcasts against the leading axes of `pose`: for lanes of frames pass
        `speaker[:, None]`.
        """
        root, matrices, offsets = self._split(pose, speaker)
        root = 0 * root if root_at_origin else root
        return forward(matrices, offsets, root, self.skeleton.parents)[0]

    def decode(self, pose: Float[AnyArray, "T P"], fps: float, speaker: int = 0) -> Motion:
        """Returns the motion of un-normalised poses in one speaker's body.

        Raises:
            UserError: When the shape does not fit, numbers are not finite or the speaker unknown.
        """
        pose = np.asarray(pose, dtype=np.float64)
        if pose.ndim != 2 or pose.shape[1] != self.pose_size:
            raise UserError(
                f"poses have shape {pose.shape}, but this codec needs (frames, {self.pose_size})"
            )
        if not 0 <= speaker < len(self.rest_offsets):
            raise UserError(
                f"speaker {speaker} is unknown; there are {len(self.rest_offsets)}, counted from 0"
            )
        if not np.isfinite(pose).all():
            raise UserError("poses hold NaN or infinity; the model that made them has diverged")
        skeleton = dataclasses.replace(self.skeleton, offsets=self.rest_offsets[speaker])
        frames = np.empty((len(pose), skeleton.num_joints, 7))
        # In blocks, because matrices on the way take ten times the memory of the result.
        for start in range(0, len(pose), DECODED_FRAMES):
            block = slice(start, start + DECODED_FRAMES)
            root, matrices, offsets = self._split(pose[block], np.asarray(speaker))
            frames[block] = world_frames(matrices, offsets, root, skeleton.parents)
        return Motion(frames, fps, skeleton)

    def joints(
        self,
        pose: Float[AnyArray, "*batch P"],
        speaker: Int[np.ndarray, "*batch"] | int = 0,
        *,
        before: Float[np.ndarray, "*batch J 7"] | None = None,
    ) -> Float[np.ndarray, "*batch J 7"]:
        """Returns as float32 what `decode` gives, of poses that are frames of several motions.

        Args:
            pose: Un-normalised poses.
            speaker: Whose body each is in.
            before: What this gave for the pose before each, whose quaternions' signs go on.
        """
        pose = np.asarray(pose, np.float64)
        whose = np.broadcast_to(speaker, pose.shape[:-1]).reshape(-1)
        root, matrices, offsets = self._split(pose.reshape(-1, self.pose_size), whose)
        joints = world_frames(matrices, offsets, root, self.skeleton.parents)
        joints = joints.reshape(*pose.shape[:-1], *joints.shape[1:])
        if before is not None:
            turns = np.einsum("...i,...i->...", joints[..., 3:], before[..., 3:])
            joints[..., 3:] *= np.where(turns < 0, -1.0, 1.0)[..., None]
        return joints.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain lists that JSON keeps exactly."""
        return {
            "skeleton": self.skeleton.to_dict(),
            "flexible_joints": [self.skeleton.names[joint] for joint in self.flexible_joints],
            "rest_offsets": self.rest_offsets.tolist(),
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "constant": self.constant.tolist(),
        }

    @classmethod
    def from_dict(cls, tree: dict[str, Any]) -> "PoseCodec":
        """Rebuilds what `to_dict` wrote."""
        skeleton = Skeleton.from_dict(tree["skeleton"])
        return cls(
            skeleton=skeleton,
            flexible_joints=tuple(_joint(skeleton, name) for name in tree["flexible_joints"]),
            rest_offsets=np.array(tree["rest_offsets"], dtype=np.float64),
            mean=np.array(tree["mean"], dtype=np.float32),
            std=np.array(tree["std"], dtype=np.float32),
            constant=np.array(tree["constant"], dtype=bool),
        )

    def _rows(self, pose: AnyArray) -> list[Any]:
        """Returns mean, scale and which dimensions are constant, with the axes of `pose`."""
        xp = namespace(pose)
        return [
            along_last_axis(xp.asarray(values), pose.ndim)
            for values in (self.mean, self.std, self.constant)
        ]

    def _split(self, pose: Any, speaker: Any) -> tuple[Any, Any, Any]:
        """Returns root, local matrices and local offsets of poses."""
        xp = namespace(pose, speaker)
        joints, lead = self.skeleton.num_joints, pose.shape[:-1]
        root, sixd = pose[..., :3], pose[..., 3 : 3 + 6 * joints]
        matrices = sixd_to_matrix(xp.reshape(sixd, (*lead, joints, 6)))
        offsets = xp.asarray(self.rest_offsets, dtype=pose.dtype)[speaker]
        if self.flexible_joints:
            flexible = xp.reshape(pose[..., 3 + 6 * joints :], (*lead, -1, 3))
            rest = xp.broadcast_to(offsets, (*lead, joints, 3))
            # The flexible offsets are appended to the rest's and then picked in their place.
            order = np.arange(joints)
            order[list(self.flexible_joints)] = joints + np.arange(len(self.flexible_joints))
            offsets = select(xp.concat((rest, flexible), axis=-2), order, -2)
        return root, matrices, offsets


def _with_unit_statistics(
    skeleton: Skeleton, flexible: tuple[int, ...], rest_offsets: np.ndarray
) -> PoseCodec:
    size = 3 + 6 * skeleton.num_joints + 3 * len(flexible)
    zero, one = np.zeros(size, np.float32), np.ones(size, np.float32)
    return PoseCodec(skeleton, flexible, rest_offsets, zero, one, np.zeros(size, bool))


def _require_structure(wanted: Skeleton, given: Skeleton) -> None:
    if not wanted.same_structure(given):
        raise UserError(
            f"skeletons differ: {wanted.num_joints} joints from {wanted.names[0]} to "
            f"{wanted.names[-1]} were expected, but this motion has {given.num_joints} from "
            f"{given.names[0]} to {given.names[-1]}; use recordings of one skeleton"
        )


def _joint(skeleton: Skeleton, name: str) -> int:
    if name not in skeleton.names:
        raise UserError(
            f"motion.flexible_joints names {name!r}, which the skeleton does not have; its joints "
            f"are {', '.join(skeleton.names)}"
        )
    return skeleton.names.index(name)
