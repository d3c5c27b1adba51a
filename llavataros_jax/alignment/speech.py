"""Speech as alignment hears it: energy, onset, voicing and pitch, 20 times a second."""

import numpy as np
from jaxtyping import Float, Float32

from llavataros_jax.alignment.body import FRAMES_PER_SECOND
from llavataros_jax.config import AudioConfig
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages
from llavataros_jax.sound.steps import PROSODY, STEPS_PER_SECOND, step_features_of

SAMPLE_RATE = 16000
CHANNELS = ("energy", "onset", "voicing", "pitch")

_CONFIG = AudioConfig(sample_rate=SAMPLE_RATE)
_STEPS = STEPS_PER_SECOND // FRAMES_PER_SECOND
_VOICED = 0.5
# Below this deviation a clip is silent or a steady noise: nothing there to be standardised.
_LEAST_DEVIATION = 1e-2


def speech_features(
    samples: Float32[np.ndarray, " n"], seconds: float
) -> Float32[np.ndarray, "N 4"]:
    """Computes what is heard around every frame; each channel is standardised over the clip.

    Frame k is the mean of the five steps of 10 ms around time k / 20 s (`sound.steps`). Pitch is
    that of voiced frames among each other, and 0 between them. Silence is all 0.

    Args:
        samples: The clip's sound at 16 kHz; what is missing at its end is silence.
        seconds: Length of the clip.

    Raises:
        UserError: When librosa is missing, or a sample is no number.
    """
    require_packages("hearing speech", "librosa", extra="prep")
    if not np.isfinite(samples).all():
        raise UserError(
            f"{np.count_nonzero(~np.isfinite(samples))} of {len(samples)} samples are NaN or "
            "infinite; export the sound again"
        )
    count = max(1, round(seconds * FRAMES_PER_SECOND))
    steps = np.concatenate(list(step_features_of(iter([samples]), count * _STEPS, _CONFIG)))
    before = _STEPS // 2  # the grid of steps begins where the clip does; frames are centred
    steps = np.concatenate([np.repeat(steps[:1], before, axis=0), steps])[: count * _STEPS]
    prosody = steps[:, -len(PROSODY) :].reshape(count, _STEPS, -1).mean(axis=1)
    energy, pitch, voicing, onset = prosody.T
    voiced = voicing > _VOICED
    channels = [_standardised(energy), _standardised(onset), _standardised(voicing)]
    channels.append(np.zeros(count))
    if voiced.any():
        channels[-1][voiced] = _standardised(pitch[voiced])
    return np.stack(channels, axis=1).astype(np.float32)


def _standardised(values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    values = np.asarray(values, np.float64)
    return (values - values.mean()) / max(float(values.std()), _LEAST_DEVIATION)
