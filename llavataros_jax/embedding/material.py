"""What an embedding is trained on: standardised frames, and where windows begin in them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from llavataros_jax.embedding.features import window_starts
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.motion.trajectories import Trajectories

# Less is the noise of rounded files, which dividing by it would make as large as motion.
_STILL_METRES = 1e-6
# With a single recording its end is held out.
_SHARE_OF_ONE = 0.2
_LISTED = 4


@dataclass(frozen=True)
class Clip:
    """Motion to train on.

    Attributes:
        name: Its name.
        take: Its recording; what shares it is held out together or not at all.
        trajectories: Where its joints are.
    """

    name: str
    take: str
    trajectories: Trajectories


@dataclass(frozen=True, eq=False)
class Windows:
    """Standardised frames of several clips in one array, and where windows begin in it."""

    frames: Float32[np.ndarray, "T D"]
    starts: Int[np.ndarray, " windows"]

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, eq=False)
class Material:
    """What an embedding is trained on.

    Attributes:
        train: Windows to train on.
        held_out: Windows of other takes; none when nothing is held out.
        mean: Mean of each number of a frame of the training clips, metres.
        std: Standard deviations, 1 where nothing moves.
        joints: Names of the joints.
        fps: Frames per second of all clips.
        still: Numbers of a frame that never change, such as `hips y`.
        num_clips: How many clips there are, those held out included.
        names_sha256: Of the names of all clips.
    """

    train: Windows
    held_out: Windows
    mean: Float[np.ndarray, " D"]
    std: Float[np.ndarray, " D"]
    joints: tuple[str, ...]
    fps: float
    still: tuple[str, ...]
    num_clips: int
    names_sha256: str


def gather(
    clips: Iterable[Clip],
    *,
    window_frames: int,
    stride_frames: int,
    held_out: float,
    seed: int,
    joints: Sequence[str] | None = None,
) -> Material:
    """Gathers clips, holds some takes out and standardises by the others.

    Args:
        clips: The clips, each read when it is asked for.
        window_frames: Frames of a window.
        stride_frames: Frames between starts of windows.
        held_out: Share of the takes that is held out.
        seed: Decides which.
        joints: Names of the joints; all of the first clip when not given.

    Raises:
        UserError: When there are no clips, a joint is missing in one, rates differ, or all clips
            are too short.
    """
    names, fps, read = tuple(joints or ()), 0.0, []
    for clip in clips:
        names = names or clip.trajectories.skeleton.names
        fps = fps or clip.trajectories.fps
        read.append((clip.name, clip.take, _frames(clip, names, fps)))
    if not read:
        raise UserError("there is no motion to train on; give at least one clip")
    longest = max(len(frames) for _, _, frames in read)
    parts = _split(read, held_out, seed, window_frames)
    train = np.concatenate(parts[0])
    mean = train.mean(axis=0, dtype=np.float64)
    std = train.std(axis=0, dtype=np.float64)
    still = std < _STILL_METRES
    std[still] = 1.0
    windows = [_windows(part, mean, std, window_frames, stride_frames) for part in parts]
    if len(windows[0]) < 2:
        raise UserError(
            f"{len(read)} clips of {longest} frames at most make {len(windows[0])} windows of "
            f"{window_frames} frames to train on, but 2 or more are needed; give longer motion or "
            "shorter windows"
        )
    numbers = [f"{name} {axis}" for name in names for axis in "xyz"]
    told = "\n".join(sorted(name for name, _, _ in read))
    return Material(
        train=windows[0],
        held_out=windows[1],
        mean=mean,
        std=std,
        joints=names,
        fps=fps,
        still=tuple(number for number, is_still in zip(numbers, still, strict=True) if is_still),
        num_clips=len(read),
        names_sha256=hashlib.sha256(told.encode()).hexdigest(),
    )


def _frames(clip: Clip, names: Sequence[str], fps: float) -> Float32[np.ndarray, "T D"]:
    trajectories = clip.trajectories
    found = trajectories.skeleton.names
    if missing := [name for name in names if name not in found]:
        raise UserError(
            f"clip {clip.name} has {len(found)} joints ({listed(found, _LISTED)}), and "
            f"{listed(missing, _LISTED)} are not among them; train on one skeleton, or name joints "
            "that all clips have (--joints)"
        )
    if abs(trajectories.fps - fps) > 1e-6 * fps:
        raise UserError(
            f"clip {clip.name} has {trajectories.fps:g} frames per second, the first one {fps:g}; "
            "an embedding needs one rate, so choose one (--fps)"
        )
    columns = [found.index(name) for name in names]
    positions = trajectories.positions[:, columns].reshape(trajectories.num_frames, -1)
    return positions.astype(np.float32)


def _split(
    read: list[tuple[str, str, np.ndarray]], share: float, seed: int, window_frames: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns the frames of the clips to train on, and of those held out."""
    takes = sorted({take for _, take, _ in read})
    if share == 0:
        return [frames for _, _, frames in read], []
    if len(takes) == 1:
        cuts = [round(len(frames) * (1 - _SHARE_OF_ONE)) for _, _, frames in read]
        pairs = [
            (frames[:cut], frames[cut:]) for (_, _, frames), cut in zip(read, cuts, strict=True)
        ]
        if max(len(second) for _, second in pairs) < window_frames:
            return [frames for _, _, frames in read], []
        return [first for first, _ in pairs], [second for _, second in pairs]
    count = min(max(1, round(share * len(takes))), len(takes) - 1)
    chosen = np.random.default_rng(seed).permutation(len(takes))[:count]
    out = {takes[number] for number in chosen}
    return (
        [frames for _, take, frames in read if take not in out],
        [frames for _, take, frames in read if take in out],
    )


def _windows(
    clips: list[np.ndarray], mean: np.ndarray, std: np.ndarray, window: int, stride: int
) -> Windows:
    standardised = [((frames - mean) / std).astype(np.float32) for frames in clips]
    starts, place = [np.zeros(0, np.int64)], 0
    for frames in standardised:
        starts.append(
            place + window_starts(len(frames), window_frames=window, stride_frames=stride)
        )
        place += len(frames)
    empty = np.zeros((0, len(mean)), np.float32)
    return Windows(np.concatenate([empty, *standardised]), np.concatenate(starts).astype(np.int32))
