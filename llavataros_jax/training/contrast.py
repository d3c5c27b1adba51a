"""Whether predicted motion belongs to its speech, as a frozen encoder of alignment sees it.

The encoder (`llavataros_jax.alignment`) was made for whole clips and their sound. A batch has
segments, of which it gets the same: points of a body and what is heard, 20 times a second. What
differs from clips: the ends of a segment are held; windows are no longer than a segment; speech is
standardised by the training clips' statistics, and its pitch about the segment's mean; and sizes
are those of the batch's real motion, so that a small motion is not enlarged until it is right.
"""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.alignment.augmentation import smoothed
from llavataros_jax.alignment.body import FRAMES_PER_SECOND, body_joints
from llavataros_jax.alignment.material import MARGIN_FRAMES
from llavataros_jax.alignment.model import SMOOTH_FRAMES, AlignmentModel
from llavataros_jax.alignment.network import PRECISION, motion_features, network
from llavataros_jax.alignment.settings import APART_FRAMES, STRIDE_FRAMES
from llavataros_jax.batch import Batch
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.sound.steps import PROSODY
from llavataros_jax.training.encoder_inputs import (
    STEPS_PER_FRAME,
    body_axes,
    motion_rows,
    segment_points,
    speech_rows,
    windows,
)

# Speech that is so much alike is the same, as that of a take and its mirror image.
SAME_SPEECH = 0.95
_VOICED = 0.5
_LEAST_SPEED, _LEAST_ARM_METRES = 1e-2, 1e-3
_LEAST_DEVIATION = 1e-2
_SIDES = ("left", "right")


@dataclass(frozen=True, eq=False)
class SpeechContrast:
    """The encoder, and how segments are made into its windows.

    Attributes:
        model: The encoder.
        codec: Of the poses.
        fps: Frames per second of the poses.
        frames: Frames of a segment of which both pose and speech are known.
        prosody_mean: Of the energy, pitch, voicing and onset of the training clips.
        prosody_std: Their deviations.
        lookahead_frames: Frames by which the batch's speech is ahead of its poses.

    Raises:
        UserError: When the skeleton has no two whole arms.
    """

    model: AlignmentModel
    codec: PoseCodec
    fps: float
    frames: int
    prosody_mean: Float[np.ndarray, " 4"]
    prosody_std: Float[np.ndarray, " 4"]
    lookahead_frames: int = 0

    def __post_init__(self) -> None:
        body_joints(self.codec.skeleton)

    @property
    def window_frames(self) -> int:
        """Frames of a window, 20 a second: the encoder's, if a segment is as long."""
        longest = segment_points(self.frames, self.fps)
        return min(self.model.settings.window_frames, longest - longest % 2)

    @property
    def has_no_rival_within(self) -> bool:
        """Says whether segments are too short for two windows 2 seconds apart."""
        return int(self._starts[-1]) < APART_FRAMES

    def weight(self, batch: Batch) -> Float[Array, ""]:
        """Counts the windows that have speech and a rival: speech that is not their own."""
        return self._heard(batch)[2].sum().astype(jnp.float32)

    def sum(
        self,
        joints: Float[Array, "B T J 3"],
        true_joints: Float[Array, "B T J 3"],
        batch: Batch,
    ) -> Float[Array, ""]:
        """Sums the cross-entropy of windows and speech finding each other (InfoNCE, both ways).

        As `alignment.contrast`, but for what `weight` leaves out, and with the sharpness that the
        encoder learned. Only lanes whose segment is complete have windows.

        Args:
            joints: Predicted positions, in metres.
            true_joints: Those of the target, by which only sizes are measured.
            batch: The speech.
        """
        heard, rivals, counted = self._heard(batch)
        whole = jnp.asarray(batch.frame_mask).all(axis=1)
        speaker = jnp.asarray(batch.main.speaker)
        size = self._hand_speed(self.points(true_joints, whole, speaker), whole)
        points = self.points(joints, whole, speaker) / size
        moved = self._embedded(
            windows(points, self._starts, self.window_frames, margin=MARGIN_FRAMES), "motion"
        )
        logits = self._sharpness * jnp.matmul(moved, heard.T, precision=PRECISION)
        own = jnp.diagonal(logits)
        # Not -inf, of which gradients are NaN where a row has no rival.
        logits = jnp.where(rivals | jnp.eye(len(own), dtype=bool), logits, -1e9)
        found = jax.nn.logsumexp(logits, axis=1) + jax.nn.logsumexp(logits, axis=0) - 2 * own
        return jnp.where(counted, found / 2, 0.0).sum()

    def _heard(
        self, batch: Batch
    ) -> tuple[Float[Array, "N E"], Bool[Array, "N N"], Bool[Array, " N"]]:
        """Returns the speech of all windows, which are rivals of which, and which count."""
        whole = jnp.asarray(batch.frame_mask).all(axis=1)
        channels = self.channels(jnp.asarray(batch.main.audio, jnp.float32), whole)
        starts = self._starts
        heard = self._embedded(windows(channels, starts, self.window_frames), "speech")
        place, lane = np.tile(starts, len(whole)), np.repeat(np.arange(len(whole)), len(starts))
        is_apart = np.abs(place[:, None] - place) >= APART_FRAMES
        is_other = lane[:, None] != lane
        alike = jnp.matmul(heard, heard.T, precision=PRECISION)
        speaks = whole[lane] & (jnp.diagonal(alike) > 0.5)
        rivals = jnp.asarray(is_apart | is_other) & (alike < SAME_SPEECH)
        rivals = rivals & speaks[:, None] & speaks[None]
        return heard, rivals, rivals.any(axis=1)

    def channels(
        self, audio: Float[Array, "B T A"], whole: Bool[Array, " B"]
    ) -> Float[Array, "B n 4"]:
        """Returns what `alignment.speech` hears: energy, onset, voicing and pitch."""
        steps = audio[:, : self.frames, -len(PROSODY) * STEPS_PER_FRAME :]
        steps = jnp.where(whole[:, None, None], steps, 0.0)
        prosody = steps.reshape(*steps.shape[:2], len(PROSODY), STEPS_PER_FRAME).mean(axis=3)
        rows = jnp.asarray(speech_rows(self.frames, self.fps))
        heard = jnp.einsum("nt,btc->bnc", rows, prosody, precision=PRECISION)
        voiced = (heard[..., 2] > _VOICED) & whole[:, None]
        pitch = jnp.where(voiced, heard[..., 1], 0.0)
        count = jnp.maximum(voiced.sum(axis=1, keepdims=True), 1).astype(jnp.float32)
        pitch = jnp.where(voiced, pitch - pitch.sum(axis=1, keepdims=True) / count, 0.0)
        total = jnp.maximum(voiced.sum(), 1).astype(jnp.float32)
        deviation = jnp.sqrt(jnp.square(pitch).sum() / total)
        standard = (heard - self.prosody_mean[None, None]) / self.prosody_std[None, None]
        energy, _, voicing, onset = (standard[..., channel] for channel in range(len(PROSODY)))
        pitch = pitch / jnp.maximum(deviation, _LEAST_DEVIATION)
        return jnp.stack([energy, onset, voicing, pitch], axis=-1)

    def points(
        self,
        joints: Float[Array, "B T J 3"],
        whole: Bool[Array, " B"],
        speaker: Int[Array, " B"],
    ) -> Float[Array, "B n 6 3"]:
        """Returns what `alignment.body.body_points` sees; other lanes than whole ones stand."""
        arms, head = body_joints(self.codec.skeleton)
        stand, arm_metres = self._standing
        joints = jnp.where(whole[:, None, None, None], joints, stand[None, None])
        rows = jnp.asarray(motion_rows(self.frames, self.fps))
        seen = joints[:, self.lookahead_frames :]
        seen = jnp.einsum("nt,btjc->bnjc", rows, seen, precision=PRECISION)
        left, right = (seen[:, :, arms["upperarm", side]] for side in _SIDES)
        middle = (left + right) / 2
        axes = body_axes(left - right)
        facing = body_axes((left - right).mean(axis=1, keepdims=True))
        arm = jnp.asarray(arm_metres)[speaker][:, None, None]

        def from_shoulders(joint: int) -> Float[Array, "B n 3"]:
            return (axes * (seen[:, :, joint] - middle)[:, :, None]).sum(axis=-1) / arm

        points = [from_shoulders(arms[role, s]) for role in ("hand", "forearm") for s in _SIDES]
        points.append(from_shoulders(head) if head >= 0 else jnp.zeros_like(middle))
        strayed = middle - middle.mean(axis=1, keepdims=True)
        points.append((facing * strayed[:, :, None]).sum(axis=-1) / arm)
        return jnp.stack(points, axis=2)

    def _hand_speed(
        self, points: Float[Array, "B n 6 3"], whole: Bool[Array, " B"]
    ) -> Float[Array, ""]:
        """Returns the root mean square speed of the hands, as `alignment.material.steadied`."""
        squares = jnp.square(jnp.diff(points[:, :, :2], axis=1) * FRAMES_PER_SECOND).sum(axis=-1)
        squares = jnp.where(whole, squares.mean(axis=(1, 2)), 0.0)
        mean = squares.sum() / jnp.maximum(whole.sum(), 1).astype(jnp.float32)
        return jax.lax.stop_gradient(jnp.maximum(jnp.sqrt(mean), _LEAST_SPEED))

    def _embedded(self, windows: Float[Array, "N n ..."], side: str) -> Float[Array, "N E"]:
        """Returns the members' embeddings side by side, so that a product is their mean one."""
        if side == "motion":
            windows = smoothed(windows, jnp.full(len(windows), SMOOTH_FRAMES))
            windows = motion_features(windows)[:, MARGIN_FRAMES:-MARGIN_FRAMES]
        settings, members = self.model.settings, self.model.members
        encoders = [getattr(network(settings, arrays), side) for arrays in members]
        found = jnp.concatenate([encode(windows) for encode in encoders], axis=1)
        return found / np.float32(np.sqrt(len(members)))

    @functools.cached_property
    def _sharpness(self) -> float:
        return float(np.mean([np.exp(np.asarray(m["sharpness"])) for m in self.model.members]))

    @functools.cached_property
    def _standing(self) -> tuple[Float[np.ndarray, "J 3"], Float[np.ndarray, " S"]]:
        """Returns where joints are in the mean pose, and how long each speaker's arms are."""
        speakers = len(self.codec.rest_offsets)
        poses = np.repeat(np.asarray(self.codec.mean, np.float64)[None], speakers, axis=0)
        joints = np.asarray(self.codec.joint_positions(poses, np.arange(speakers)))
        arms, _ = body_joints(self.codec.skeleton)
        bones = [
            np.linalg.norm(joints[:, arms[a, s]] - joints[:, arms[b, s]], axis=1)
            for a, b in (("hand", "forearm"), ("forearm", "upperarm"))
            for s in _SIDES
        ]
        arm_metres = np.maximum(np.sum(bones, axis=0) / 2, _LEAST_ARM_METRES)
        return joints[0].astype(np.float32), arm_metres.astype(np.float32)

    @functools.cached_property
    def _starts(self) -> Int[np.ndarray, " W"]:
        last = segment_points(self.frames, self.fps) - self.window_frames
        return np.arange(0, last + 1, STRIDE_FRAMES)
