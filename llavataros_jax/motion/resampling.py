"""Between frame rates, and which rate a motion without one has."""

from collections.abc import Sequence

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.rotations import slerp

FRAME_RATES = (24.0, 25.0, 30.0, 50.0, 60.0, 90.0, 100.0, 120.0)
# Cameras and screens of NTSC run slower by a thousandth: 23.976, 29.97, 59.94, 119.88.
NTSC_RATES = {rate: rate * 1000 / 1001 for rate in (24.0, 30.0, 60.0, 120.0)}
# Before a rate is taken for its neighbour of NTSC, it must miss the sound by so many frames.
_LEAST_DRIFT_FRAMES, _MOST_MISS_FRAMES = 3.0, 1.0


def resample(motion: Motion, fps: float) -> Motion:
    """Returns the motion at another rate: round(frames / old rate * new rate) frames, at least 1.

    Frame k shows time k / fps. When the old rate is a whole multiple of the new one, frames are
    picked without change. Else rotations in the parents' frames are interpolated by slerp, and the
    root and the offsets linearly, so that bones keep their lengths; past the last frame it holds.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise UserError(f"motion needs a positive frame rate, not {fps} frames per second")
    count = max(1, round(motion.num_frames / motion.fps * fps))
    ratio = motion.fps / fps
    if abs(ratio - round(ratio)) < 1e-9 and ratio >= 0.5:
        frames = motion.frames[: count * round(ratio) : round(ratio)]
        return Motion(frames, fps, motion.skeleton)
    place = np.minimum(np.arange(count) * ratio, motion.num_frames - 1)
    # A ratio such as 60/50 leaves 1e-16 of a frame on times that both rates share.
    whole = np.rint(place)
    place = np.where(np.abs(place - whole) < 1e-9, whole, place)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, motion.num_frames - 1)
    weight = place - before
    local, offsets = motion.local_quaternions(), motion.local_offsets()
    blended = offsets[before] + weight[:, None, None] * (offsets[after] - offsets[before])
    return motion_from_local(
        np.asarray(slerp(local[before], local[after], weight[:, None])),
        blended,
        blended[:, 0],
        fps=fps,
        skeleton=motion.skeleton,
    )


def find_fps(
    num_frames: int, audio_seconds: float, candidates: Sequence[float] = FRAME_RATES
) -> float:
    """Returns the usual rate at which the motion is as long as its speech.

    They may differ by two frames or by 1 % (24 and 25 differ by 4 %), whichever is more. Rates of
    NTSC are told from whole ones where the sound is long enough; see `nearest_of_kin`.

    Raises:
        UserError: When no rate fits.
    """
    if not audio_seconds > 0:
        raise UserError(f"speech of {audio_seconds} seconds is too short to find the rate by")
    fps = min(candidates, key=lambda rate: abs(num_frames / rate - audio_seconds))
    tolerance_seconds = max(2 / fps, 0.01 * audio_seconds)
    if abs(num_frames / fps - audio_seconds) > tolerance_seconds + 1e-9:
        raise UserError(
            f"motion of {num_frames} frames and speech of {audio_seconds:.3f} seconds fit no usual "
            f"rate: they make {num_frames / audio_seconds:.3f} frames per second, and the nearest, "
            f"{fps:g}, would give {num_frames / fps:.3f} seconds; trim one of them or state the "
            "rate (motion.source_fps)"
        )
    return nearest_of_kin(float(fps), num_frames, audio_seconds)


def nearest_of_kin(fps: float, num_frames: int, audio_seconds: float) -> float:
    """Returns 59.94 for 60, and the like, or the other way, where the length of speech says so.

    The motion must be longer or shorter than its speech by 3 frames at the one rate, and by no more
    than 1 at the other: at 60 per second that takes 50 seconds.
    """
    for whole, slower in NTSC_RATES.items():
        for stated, other in ((whole, slower), (slower, whole)):
            if (
                abs(fps - stated) < stated * 1e-4
                and abs(num_frames - audio_seconds * stated) >= _LEAST_DRIFT_FRAMES
                and abs(num_frames - audio_seconds * other) <= _MOST_MISS_FRAMES
            ):
                return other
    return fps
