"""Motion and speech that know less, or something else: what a measure must say of them is known.

Where rotations are known, anchors act on them in the parents' frames about their mean, and
kinematics follows, so bones keep their lengths and measures of rotations see the change. Of
positions alone each joint's path is changed about its mean, and lengths of bones change with it.
"""

import functools
import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.evaluation.amplitude import hand_paths, squared_amplitude
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.statistics import hand_joints
from llavataros_jax.motion import rotations
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.motion import Motion, world_frames
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.still_pose import still_pose
from llavataros_jax.motion.trajectories import Trajectories, of_motion

SHIFTS = 100
# Of a clip's speech as a whole, where a measure may have to listen to each anew.
SPEECH_SHIFTS = 5
_LEAST_SHIFT_SECONDS = 2.0
# The GENEA leaderboard adds this to rotation vectors (make_synthetic_baseline.py).
NOISE_RADIANS, NOISE_METRES = 0.02, 0.02
_ARM = ("upperarm", "forearm", "hand", "finger")
_STILL_METRES = 1e-6
_GAIN_STEPS, _GAIN_TOLERANCE, _GAIN_FRAMES = 4, 3e-3, 200


def shifted_times(
    times_seconds: Float[np.ndarray, " n"],
    total_seconds: float,
    *,
    seed: int,
    count: int = SHIFTS,
) -> list[Float[np.ndarray, " n"]]:
    """Returns times of speech, pushed along the clip by random amounts, round its end.

    Rhythm and number stay, only the place is wrong, so a measure of timing must fall. A shift is
    at least 2 s or a quarter of the clip either way, whichever is less.
    """
    times = np.asarray(times_seconds, np.float64)
    shifts = _shifts_seconds(total_seconds, seed, count)
    return [np.sort((times + shift) % total_seconds) for shift in shifts]


@functools.lru_cache(maxsize=4)
def shifted_speech(spoken: Spoken, clip: str, count: int = SPEECH_SHIFTS) -> tuple[Spoken, ...]:
    """Returns a clip's speech pushed along it as `shifted_times` does, always alike for one name.

    What was found out about one of them is kept with it while it is asked for again.
    """
    return tuple(map(spoken.rolled, _shifts_seconds(spoken.seconds, _seed(clip), count)))


def mean_pose(positions: Float[np.ndarray, "T J 3"]) -> Float[np.ndarray, "1 J 3"]:
    """Returns the mean of a motion's positions, which need not be a pose that a body can take."""
    return positions.mean(axis=0, keepdims=True)


def held_mean(motion: Trajectories) -> Trajectories:
    """Holds a motion's mean: that of its rotations where they are known, of its places if not."""
    spread = _spread(motion)
    if spread is None:
        return motion.moved(np.repeat(mean_pose(motion.positions), motion.num_frames, axis=0))
    frame = _world(motion, spread.means[None], spread.mean_offsets[None])
    return _holding(motion, frame[0])


def held_still(motion: Trajectories) -> Trajectories:
    """Holds the frame of a motion that is nearest to its mean."""
    frames = motion.motion.frames if motion.motion else motion.positions
    return _holding(motion, still_pose([frames], frames.mean(axis=0)))


def amplified(motion: Trajectories, gain: float) -> Trajectories:
    """Multiplies how far a motion goes from its mean; less than 1 attenuates.

    Rotations go their `gain`-fold way from their mean (`scipy.spatial.transform.Rotation.mean`)
    along its shortest arc; the root's path and what else moves in a parent's frame goes linearly.
    """
    spread = _spread(motion)
    if spread is None:
        mean = mean_pose(motion.positions)
        return motion.moved(mean + gain * (motion.positions - mean))
    frames = _amplified_frames(motion, spread, gain)
    return of_motion(Motion(frames, motion.fps, motion.skeleton))


def amplitude_metres(motion: Trajectories) -> float:
    """Returns how far hands go from their mean places beside the chest: the root mean square.

    Of a body whose names tell no hands, it is that of all joints in the world.
    """
    return _amplitude_metres(motion.positions, motion.skeleton)


def brought_to(motion: Trajectories, metres: float) -> Trajectories | None:
    """Amplifies a motion so that its amplitude becomes that of another one.

    Rotations do not move joints in proportion, so for them the gain is corrected over a part of
    the frames, by Newton's method with the slope of the last two tries.

    Returns:
        None when nothing moves, which no gain changes.
    """
    own = amplitude_metres(motion)
    if own < _STILL_METRES:
        return None
    gain, spread = metres / own, _spread(motion)
    if spread is None:
        return amplified(motion, gain)
    some = slice(None, None, max(1, motion.num_frames // _GAIN_FRAMES))
    before = (1.0, _amplitude_metres(motion.positions[some], motion.skeleton))
    for _ in range(_GAIN_STEPS):
        places = _amplified_frames(motion, spread, gain, some)[..., :3]
        reached = _amplitude_metres(places, motion.skeleton)
        slope = (reached - before[1]) / (gain - before[0]) if gain != before[0] else 0.0
        before = (gain, reached)
        # Far from the mean joints come round, and a greater gain moves them no further.
        if abs(reached - metres) <= _GAIN_TOLERANCE * metres or slope <= 0:
            break
        gain = float(np.clip(gain + (metres - reached) / slope, gain / 2, gain * 2))
    return amplified(motion, gain)


def noisy(motion: Trajectories, clip: str) -> Trajectories:
    """Adds white Gaussian noise: 0.02 rad about each axis of each rotation, else 0.02 m."""
    random = np.random.default_rng(_seed(clip))
    noise = random.standard_normal(motion.positions.shape)
    spread = _spread(motion)
    if spread is None:
        return motion.moved(motion.positions + NOISE_METRES * noise)
    turned = rotations.multiply(spread.rotations, _turns(NOISE_RADIANS * noise))
    return _of_local(motion, np.asarray(turned), spread.offsets)


def arm_held(motion: Trajectories, side: str = "right") -> Trajectories | None:
    """Stops an arm: shoulder, elbow and wrist keep their mean rotations while the body moves on.

    Of positions alone elbow and hand keep the place beside the shoulder that they have in the
    frame nearest to its mean, and do not turn with the body.

    Returns:
        None when no joint is called an arm's.
    """
    arm = _arm(motion.skeleton, side)
    if not arm:
        return None
    spread = _spread(motion)
    if spread is not None:
        local, offsets = spread.rotations.copy(), spread.offsets.copy()
        local[:, arm] = spread.means[arm]
        offsets[:, arm[1:]] = spread.mean_offsets[arm[1:]]
        return _of_local(motion, local, offsets)
    shoulder = motion.positions[:, arm[:1]]
    beside = motion.positions[:, arm] - shoulder
    positions = motion.positions.copy()
    positions[:, arm] = shoulder + still_pose([beside], beside.mean(axis=0))
    return motion.moved(positions)


@dataclass(frozen=True, eq=False)
class _Spread:
    """Rotations (T, J, 4) and offsets (T, J, 3) in parents' frames, and how they spread.

    `vectors` (T, J, 3) are the rotation vectors that lead from the means (J, 4) to the rotations.
    """

    rotations: np.ndarray
    means: np.ndarray
    vectors: np.ndarray
    offsets: np.ndarray
    mean_offsets: np.ndarray


@remembered
def _spread(motion: Trajectories) -> _Spread | None:
    if motion.motion is None:
        return None
    local = motion.motion.local_quaternions()
    means = np.stack(
        [Rotation.from_quat(local[:, joint]).mean().as_quat() for joint in range(local.shape[1])]
    )
    away = np.asarray(rotations.multiply(np.asarray(rotations.conjugate(means)), local))
    vectors = Rotation.from_quat(away.reshape(-1, 4)).as_rotvec().reshape(*away.shape[:2], 3)
    offsets = motion.motion.local_offsets()
    return _Spread(local, means, vectors, offsets, offsets.mean(axis=0))


def _amplitude_metres(positions: np.ndarray, skeleton: Skeleton) -> float:
    paths = positions
    if hand_joints(skeleton):
        paths = hand_paths(Trajectories(positions, 1.0, skeleton))
    return float(np.sqrt(squared_amplitude(paths) / (paths.shape[0] * paths.shape[1])))


def _turns(vectors: np.ndarray) -> np.ndarray:
    flat = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat()
    return flat.reshape(*vectors.shape[:2], 4)


def _amplified_frames(
    motion: Trajectories, spread: _Spread, gain: float, some: slice = slice(None)
) -> np.ndarray:
    turned = rotations.multiply(spread.means, _turns(gain * spread.vectors[some]))
    offsets = spread.mean_offsets + gain * (spread.offsets[some] - spread.mean_offsets)
    return _world(motion, np.asarray(turned), offsets)


def _world(motion: Trajectories, local: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return world_frames(local, offsets, offsets[:, 0], motion.skeleton.parents)


def _of_local(motion: Trajectories, local: np.ndarray, offsets: np.ndarray) -> Trajectories:
    return of_motion(Motion(_world(motion, local, offsets), motion.fps, motion.skeleton))


def _holding(motion: Trajectories, frame: np.ndarray) -> Trajectories:
    """Returns one frame, of places or of places and rotations, as long as a motion."""
    frames = np.repeat(frame[None], motion.num_frames, axis=0)
    if motion.motion is None:
        return motion.moved(frames)
    return of_motion(Motion(frames, motion.fps, motion.skeleton))


def _arm(skeleton: Skeleton, side: str) -> list[int]:
    """Finds the joints of an arm, the one nearest to the shoulder first."""
    roles = joint_roles(skeleton)
    both = zip(roles.role, roles.side, strict=True)
    found = [(_ARM.index(r), joint) for joint, (r, s) in enumerate(both) if r in _ARM and s == side]
    return [joint for _, joint in sorted(found)]


def _shifts_seconds(total_seconds: float, seed: int, count: int) -> list[float]:
    least = min(_LEAST_SHIFT_SECONDS, total_seconds / 4)
    return np.random.default_rng(seed).uniform(least, total_seconds - least, count).tolist()


def _seed(clip: str) -> int:
    return zlib.crc32(clip.encode())
