"""The audio features of frames as sound arrives: log-mel and prosody, or PASE+."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Union, cast

import numpy as np
from jaxtyping import Float16

from data_prep.arriving.mel_frames import MelFrames, take_mel
from llavataros_jax.config import AudioConfig

if TYPE_CHECKING:
    from data_prep.arriving.pase_frames import ContextFrames, IsolatedFrames

Frames = Union[MelFrames, "ContextFrames", "IsolatedFrames"]


def begin_frames(config: AudioConfig, fps: float) -> Frames:
    """Begins a stream of the features that the options ask for.

    Raises:
        UserError: When they cannot be had.
    """
    if config.kind == "mel":
        return MelFrames(config, fps)
    from data_prep.arriving.pase_frames import ContextFrames, IsolatedFrames

    return {"context": ContextFrames, "isolated": IsolatedFrames}[config.pase_mode](config, fps)


def take_frames(
    streams: Sequence[Frames], counts: Sequence[int]
) -> list[Float16[np.ndarray, "n A"]]:
    """Computes the next frames of several streams of the same options.

    Raises:
        UserError: When they cannot be computed.
    """
    if all(isinstance(stream, MelFrames) for stream in streams):
        return take_mel(cast("Sequence[MelFrames]", streams), counts)
    others = cast("Sequence[ContextFrames]", streams)
    return [stream.take(count) for stream, count in zip(others, counts, strict=True)]
