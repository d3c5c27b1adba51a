"""Named gestures: clips that can be asked for while a body speaks, told in a run's poses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from llavataros.live.retelling import retold
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.motion.resampling import resample
from llavataros_jax.trained import TrainedRun

# How long a gesture takes to become all that is seen, and to be gone, at most.
EASE_IN_SECONDS, EASE_OUT_SECONDS = 0.5, 0.6
_MOST_EASE_SHARE = 0.4
_LEAST_SECONDS, _MOST_SECONDS = 0.5, 20.0
_MOST_FILES = 1000


@dataclass(frozen=True, eq=False)
class Gesture:
    """A clip in the poses of a run.

    Arms are moved as the clip moves them, and the trunk adds to what it does how the clip's goes
    from its first frame. The rest is left alone, and so is an arm that rests in the clip.

    Attributes:
        poses: Un-normalised poses.
        replaced: Numbers of a pose that become the clip's.
        added: Numbers of a pose that the clip adds to.
        fps: Frames per second, those of the run.
    """

    poses: Float[np.ndarray, "T P"]
    replaced: Bool[np.ndarray, " P"]
    added: Bool[np.ndarray, " P"]
    fps: float

    def weights(self, frames: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Returns how much is seen of it on frames counted from its first; 0 outside."""
        count = len(self.poses)
        most = _MOST_EASE_SHARE * count
        rise, fall = (min(s * self.fps, most) for s in (EASE_IN_SECONDS, EASE_OUT_SECONDS))
        return _smooth(frames / rise) * _smooth((count - 1 - frames) / fall)


@dataclass(frozen=True, eq=False)
class PlacedGesture:
    """A gesture at its place in a stream: a layer over the poses of speech.

    Attributes:
        gesture: The clip.
        first_frame: Frame of the stream at which it begins.
        strength: How much of it is seen, up to 1.
    """

    gesture: Gesture
    first_frame: int
    strength: float = 1.0

    @property
    def end_frame(self) -> int:
        """The first frame after it."""
        return self.first_frame + len(self.gesture.poses)

    def over(
        self, poses: Float[np.ndarray, "n P"], frames: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n P"]:
        """Returns poses of these frames with the gesture over them."""
        own, clip = frames - self.first_frame, self.gesture.poses
        weights = self.strength * self.gesture.weights(own)[:, None]
        shown = clip[np.clip(own, 0, len(clip) - 1)]
        way = np.where(self.gesture.replaced, shown - poses, 0.0)
        way = np.where(self.gesture.added, shown - clip[0], way)
        return poses + weights * way


class Gestures:
    """A library of gestures by their names."""

    def __init__(self, gestures: Mapping[str, Gesture]):
        """Takes gestures of one run."""
        self._gestures = dict(gestures)

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for."""
        return tuple(self._gestures)

    def __getitem__(self, name: str) -> Gesture:
        """Returns a gesture.

        Raises:
            UserError: When there is none of this name.
        """
        if name not in self._gestures:
            known = ", ".join(self.names) or "none; start with a library of them"
            raise UserError(f"gesture {name!r} is unknown; known are {known}")
        return self._gestures[name]


def shipped_gestures(run: TrainedRun) -> Gestures:
    """Returns the gestures that come along, of the forms of the corpus that is generated.

    A run whose skeleton they cannot be told in has none.
    """
    from llavataros.live.gesture_forms import performed_forms

    fps = run.manifest.fps
    try:
        return _told(run, performed_forms(fps))
    except UserError:
        return Gestures({})


def read_gestures(folder: Path | str, run: TrainedRun) -> Gestures:
    """Returns those that come along, and the motion files of a folder, called as the files.

    `.npy` files are taken to be at the run's rate.

    Raises:
        UserError: When there is no such folder, it has no motion files or two of one name, or one
            of them cannot be read, lasts too short or too long, or cannot be told in the run's
            skeleton.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"gestures {folder} is no folder; name one that holds .bvh or .npy files")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in MOTION_SUFFIXES)
    if not 1 <= len(files) <= _MOST_FILES:
        raise UserError(
            f"gestures {folder} holds {len(files)} motion files ({', '.join(MOTION_SUFFIXES)}), "
            f"but must hold 1 to {_MOST_FILES}"
        )
    motions = {}
    for path in files:
        if path.stem in motions:
            raise UserError(f"gestures {folder} holds two files called {path.stem}; rename one")
        # An array of numbers does not say its rate.
        fps = run.manifest.fps if path.suffix.lower() == ".npy" else None
        motion = read_motion(path, audio_seconds=None, source_fps=fps)[0]
        if not _LEAST_SECONDS <= motion.seconds <= _MOST_SECONDS:
            raise UserError(
                f"gesture {path} lasts {motion.seconds:.2f} s, but must last from "
                f"{_LEAST_SECONDS:g} to {_MOST_SECONDS:g} s; cut it"
            )
        motions[path.stem] = resample(motion, run.manifest.fps)
    own = _told(run, motions, folder)
    shipped = shipped_gestures(run)
    return Gestures({name: shipped[name] for name in shipped.names} | own._gestures)


def _told(run: TrainedRun, motions: Mapping[str, Motion], folder: Path | None = None) -> Gestures:
    codec, fps = run.animator.codec, run.manifest.fps
    gestures = {}
    for name, motion in motions.items():
        place = f"gesture {folder / name if folder else name}"
        told = retold(motion, codec, place=place)
        gestures[name] = Gesture(told.poses, told.arms, told.trunk, fps)
    return Gestures(gestures)


def _smooth(share: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Goes from 0 to 1 on a minimum-jerk course, from rest to rest."""
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10 - share * (15 - 6 * share))
