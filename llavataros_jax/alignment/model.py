"""A frozen model of alignment, what it says of motion and speech, and how far to believe it."""

import functools
import hashlib
import json
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from llavataros_jax.alignment.accuracy import UNKNOWN, Accuracy, CurvePoint
from llavataros_jax.alignment.augmentation import smoothed
from llavataros_jax.alignment.body import body_points
from llavataros_jax.alignment.material import MARGIN_FRAMES, AlignmentClip, steadied
from llavataros_jax.alignment.network import Arrays, motion_features, network
from llavataros_jax.alignment.settings import STRIDE_FRAMES, Settings
from llavataros_jax.alignment.speech import speech_features
from llavataros_jax.motion.trajectories import Trajectories

# Measured motion is smoothed as the mildest of what was trained on.
SMOOTH_FRAMES = 0.8
_ENCODED_WINDOWS = 256


@dataclass(frozen=True, eq=False)
class AlignmentModel:
    """Encoders that are not trained any more.

    Attributes:
        settings: How they look and were trained, with the seed.
        members: Weights of each pair.
        accuracy: On held-out natural motion.
        data: Digest of the clips.
        clips: How many there were, those held out included.
        curve: What models learnt from less would have been worth.
    """

    settings: Settings
    members: tuple[Arrays, ...]
    accuracy: Accuracy = UNKNOWN
    data: str = ""
    clips: int = 0
    curve: tuple[CurvePoint, ...] = ()

    @functools.cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of all that verdicts depend on."""
        told = hashlib.sha256(json.dumps(self.settings.to_dict(), sort_keys=True).encode())
        for path, leaf in jax.tree_util.tree_leaves_with_path(self.members):
            told.update(jax.tree_util.keystr(path).encode() + np.asarray(leaf).tobytes())
        return told.hexdigest()[:16]

    def embed(
        self, clip: AlignmentClip
    ) -> tuple[Float32[np.ndarray, "W E"], Float32[np.ndarray, "V E"]]:
        """Returns embeddings of a clip's motion and of its speech."""
        return embedded_motion(self, clip.points), embedded_speech(self, clip.speech)


def motion_embeddings(
    model: AlignmentModel, trajectories: Trajectories
) -> Float32[np.ndarray, "W E"]:
    """Returns embeddings of a clip's windows of motion, which begin every half second.

    Returns:
        None (W = 0) for a clip shorter than a window.

    Raises:
        UserError: When the skeleton has no two whole arms.
    """
    return embedded_motion(model, steadied(body_points(trajectories)))


def speech_embeddings(
    model: AlignmentModel, samples: Float32[np.ndarray, " n"], seconds: float
) -> Float32[np.ndarray, "W E"]:
    """Returns embeddings of a clip's windows of speech, mono at 16 kHz; see `motion_embeddings`.

    Raises:
        UserError: When librosa is missing, or a sample is no number.
    """
    return embedded_speech(model, speech_features(samples, seconds))


def embedded_motion(
    model: AlignmentModel, points: Float32[np.ndarray, "N 6 3"]
) -> Float32[np.ndarray, "W E"]:
    """Embeds points of a body that are divided by how fast its hands are."""
    margins = ((MARGIN_FRAMES, MARGIN_FRAMES), (0, 0), (0, 0))
    padded = np.pad(points, margins, mode="edge")
    windows = _windows(padded, model.settings.window_frames + 2 * MARGIN_FRAMES)
    return _encoded(model, windows, "motion")


def embedded_speech(
    model: AlignmentModel, speech: Float32[np.ndarray, "N 4"]
) -> Float32[np.ndarray, "W E"]:
    """Embeds features of speech."""
    return _encoded(model, _windows(speech, model.settings.window_frames), "speech")


def _windows(rows: np.ndarray, frames: int) -> np.ndarray:
    starts = np.arange(0, len(rows) - frames + 1, STRIDE_FRAMES)
    if not len(starts):
        return np.zeros((0, frames, *rows.shape[1:]), np.float32)
    return rows[starts[:, None] + np.arange(frames)]


def _encoded(model: AlignmentModel, windows: np.ndarray, side: str) -> Float32[np.ndarray, "W E"]:
    """Returns the members' embeddings side by side, so that a product is their mean similarity."""
    share = np.float32(1 / np.sqrt(len(model.members)))
    found = [_by_one(model.settings, arrays, windows, side) for arrays in model.members]
    return share * np.concatenate(found, axis=1)


def _by_one(
    settings: Settings, arrays: Arrays, windows: np.ndarray, side: str
) -> Float32[np.ndarray, "W E"]:
    """Encodes windows by batches of one size, so that little is compiled."""
    found = []
    for first in range(0, max(len(windows), 1), _ENCODED_WINDOWS):
        batch = windows[first : first + _ENCODED_WINDOWS]
        filled = np.zeros((_ENCODED_WINDOWS, *windows.shape[1:]), np.float32)
        filled[: len(batch)] = batch
        found.append(np.asarray(_encode(settings, side, arrays, filled))[: len(batch)])
    return np.concatenate(found)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _encode(
    settings: Settings, side: str, arrays: Arrays, windows: Float[Array, "B ..."]
) -> Float[Array, "B E"]:
    encoders = network(settings, arrays)
    if side == "speech":
        return encoders.speech(windows)
    moved = smoothed(windows, jnp.full(len(windows), SMOOTH_FRAMES))
    return encoders.motion(motion_features(moved)[:, MARGIN_FRAMES:-MARGIN_FRAMES])
