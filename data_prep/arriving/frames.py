"""The audio features of frames as sound arrives: log-mel and prosody, or PASE+."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16

from data_prep.arriving.mel_frames import MelFrames, take_mel
from llavataros_jax.config import AudioConfig

Frames = MelFrames


def begin_frames(config: AudioConfig, fps: float) -> Frames:
    """Begins a stream of the features that the options ask for.

    Raises:
        UserError: When they cannot be had.
    """
    return MelFrames(config, fps)


def take_frames(
    streams: Sequence[Frames], counts: Sequence[int]
) -> list[Float16[np.ndarray, "n A"]]:
    """Computes the next frames of several streams of the same options.

    Raises:
        UserError: When they cannot be computed.
    """
    return take_mel(streams, counts)
