"""Where the poses that are played come from."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from llavataros.live.pace import blend, ease
from llavataros.live.vmc_body import BodyPose
from llavataros.written_files import read_record
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import read_motion
from llavataros_jax.rig.normalised import humanoid_motion

_SEAM_SECONDS = 0.4
Numbered = tuple[int, BodyPose]


@runtime_checkable
class Source(Protocol):
    """A stream of poses.

    Attributes:
        bones: VRM names of the bones that move, parents first.
        rest: Their places in the T-pose in metres.
        fps: Frames per second.
        is_over: Whether `take` will return nothing more.
    """

    bones: tuple[str, ...]
    rest: Float[np.ndarray, "M 3"]
    fps: float

    @property
    def is_over(self) -> bool: ...

    def take(self, until: int) -> list[Numbered]:
        """Returns the frames that are there and were not returned, as far as frame `until`."""
        ...

    def take_notices(self) -> list[str]:
        """Returns what the user should know and was not told."""
        ...

    def close(self) -> None:
        """Lets go of what it holds."""
        ...


def read_played(path: Path, fps: float | None) -> tuple[Motion, tuple[str, ...]]:
    """Reads a motion that is to be played, and notes about it.

    Args:
        path: A file of motion; the rate of a `.npy` of ours is in its record beside it.
        fps: Frames per second; goes before what files say.

    Raises:
        UserError: When it is missing, is no motion, or its rate is not known.
    """
    if not path.is_file():
        raise UserError(f"--motion {path} does not exist; give a .npy, .npz or .bvh file")
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise UserError(f"--fps {fps:g} is no rate; give frames per second, such as 30")
    record = read_record(path.with_suffix(".json"))
    if fps is None and record and path.name in record["files"]:
        fps = record.get("fps")
    if fps is None and path.suffix.lower() == ".npy":
        raise UserError(f"--motion {path} does not say its rate; give --fps, such as --fps 30")
    return read_motion(path, audio_seconds=None, source_fps=fps)


class MotionSource:
    """A motion that is there."""

    def __init__(self, motion: Motion, *, place: str, loop: bool = False) -> None:
        """Finds the bones.

        Args:
            motion: What is played.
            place: What a refusal calls it.
            loop: Whether it begins again at its end, its first poses blended with its last.

        Raises:
            UserError: When hips, spine or arms are not found.
        """
        self._motion = humanoid_motion(motion, place=place)
        self.bones, self.rest, self.fps = self._motion.bones, self._motion.rest, motion.fps
        self._loops = loop
        self._next = 0

    @property
    def is_over(self) -> bool:
        """Whether all frames were returned."""
        return not self._loops and self._next >= self._motion.num_frames

    def take(self, until: int) -> list[Numbered]:
        """Returns the next frames, as far as frame `until`."""
        last = until if self._loops else min(until, self._motion.num_frames - 1)
        first, self._next = self._next, max(self._next, last + 1)
        return list(self._frames(range(first, last + 1)))

    def take_notices(self) -> list[str]:
        """Returns nothing."""
        return []

    def close(self) -> None:
        """Holds nothing."""

    def _frames(self, numbers: range) -> Iterator[Numbered]:
        count, seam = self._motion.num_frames, _SEAM_SECONDS * self.fps
        for number in numbers:
            pose = self._at(number % count)
            if number >= count and number % count < seam:
                pose = blend(self._at(count - 1), pose, ease((number % count + 1) / (seam + 1)))
            yield number, pose

    def _at(self, frame: int) -> BodyPose:
        return BodyPose(self._motion.rotations[frame], self._motion.hips[frame])
