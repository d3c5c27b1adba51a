"""The floor under alignment models: canonical correlation of envelopes of speed and of sound.

What such a linear fit finds, anything that is called a model of alignment must find as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.alignment.body import FRAMES_PER_SECOND
from llavataros_jax.alignment.material import AlignmentClip
from llavataros_jax.alignment.settings import STRIDE_FRAMES, Settings
from llavataros_jax.packages import require_packages

# Speech from 0.4 s before to 0.4 s after each frame of motion.
LAGS_FRAMES = tuple(range(-8, 9, 2))
_KEPT_VARIANCE = 0.95
_COMPONENTS = 2
_STILL = 0.1


@dataclass(frozen=True)
class Floor:
    """Two linear maps to canonical variates, each after principal components."""

    motion: Any
    speech: Any
    correlation: Any

    def embed(self, clip: AlignmentClip) -> tuple[np.ndarray, np.ndarray]:
        """Returns windows of variates, each about its mean and of length 1, as a model's are."""
        moved, heard = self.correlation.transform(
            self.motion.transform(_speeds(clip)), self.speech.transform(_lagged(clip))
        )
        return _windows(moved), _windows(heard)


def fit_floor(clips: Sequence[AlignmentClip]) -> Floor:
    """Fits canonical correlation, regularised by keeping 95 % of each side's variance.

    Raises:
        UserError: When scikit-learn is missing.
    """
    require_packages("canonical correlation", "sklearn", extra="prep")
    from sklearn.cross_decomposition import CCA
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    speeds = np.concatenate([_speeds(clip) for clip in clips])
    lagged = np.concatenate([_lagged(clip) for clip in clips])
    motion, speech = (make_pipeline(StandardScaler(), PCA(_KEPT_VARIANCE)) for _ in range(2))
    moved, heard = motion.fit_transform(speeds), speech.fit_transform(lagged)
    components = min(_COMPONENTS, moved.shape[1], heard.shape[1])
    correlation = CCA(n_components=components, max_iter=2000).fit(moved, heard)
    return Floor(motion, speech, correlation)


def _speeds(clip: AlignmentClip) -> Float[np.ndarray, "N 6"]:
    """Returns the logarithms of the points' speeds, as the encoders see them."""
    velocity = np.gradient(clip.points.astype(np.float64), axis=0) * FRAMES_PER_SECOND
    return np.log(_STILL + np.linalg.norm(velocity, axis=-1))


def _lagged(clip: AlignmentClip) -> Float[np.ndarray, "N L"]:
    """Returns energy and onset at all lags; ends are held."""
    envelopes = clip.speech[:, :2].astype(np.float64)
    frames = np.arange(len(envelopes))
    return np.concatenate(
        [envelopes[np.clip(frames + lag, 0, len(frames) - 1)] for lag in LAGS_FRAMES], axis=1
    )


def _windows(variates: Float[np.ndarray, "N V"]) -> Float[np.ndarray, "W E"]:
    frames = Settings().window_frames
    starts = np.arange(0, len(variates) - frames + 1, STRIDE_FRAMES)
    windows = variates[starts[:, None] + np.arange(frames)]
    windows = (windows - windows.mean(axis=1, keepdims=True)).reshape(len(starts), -1)
    return windows / np.maximum(np.linalg.norm(windows, axis=1, keepdims=True), 1e-9)
