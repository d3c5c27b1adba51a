"""Log-mel and prosody of frames as sound arrives, as `data_prep.sound.features` stacks a file's."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16, Float32

from data_prep.sound.features import STEPS_PER_FRAME, frame_ends, stack_steps
from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.steps import PROSODY, StepStream, take_steps


class MelFrames:
    """Frames of one stream.

    Attributes:
        frames_taken: Frames that were given; the number of the next one.
    """

    def __init__(self, config: AudioConfig, fps: float):
        """Begins a stream."""
        self.frames_taken = 0
        self._fps = fps
        self._steps = StepStream(config)
        self._last = np.zeros((STEPS_PER_FRAME, config.mels + len(PROSODY)), np.float16)

    @property
    def num_frames(self) -> int:
        """Frames, counted from the first, whose samples are there."""
        steps = self._steps.num_steps
        count = int((steps + 1) * self._fps / 100) + 1
        while count and self._end_of(count) > steps:
            count -= 1
        return count

    def hear(self, samples: Float32[np.ndarray, " n"]) -> None:
        """Takes the next samples, at the rate of the features."""
        self._steps.hear(samples)

    def end(self, num_frames: int) -> None:
        """Makes so many frames complete; those beyond the last sample are of silence."""
        missing = self._steps.samples_of(self._end_of(num_frames)) - self._steps.num_samples
        self._steps.hear(np.zeros(max(0, missing), np.float32))

    def cut(self, num_samples: int) -> None:
        """Forgets all samples but the first so many; where there are fewer, silence follows."""
        self._steps.forget_from(num_samples)
        self._steps.hear(np.zeros(num_samples - self._steps.num_samples, np.float32))

    def _end_of(self, num_frames: int) -> int:
        """Returns at which step the last of so many frames ends."""
        return int(frame_ends(num_frames, self._fps, first=num_frames - 1)[0])


def take_mel(
    streams: Sequence[MelFrames], counts: Sequence[int]
) -> list[Float16[np.ndarray, "n A"]]:
    """Computes the next frames of several streams of the same options at once."""
    ends = [
        frame_ends(stream.frames_taken + count, stream._fps, first=stream.frames_taken)
        for stream, count in zip(streams, counts, strict=True)
    ]
    taken = [stream._steps.steps_taken for stream in streams]
    needed = [
        int(end[-1]) - first if len(end) else 0 for end, first in zip(ends, taken, strict=True)
    ]
    steps = take_steps([stream._steps for stream in streams], needed)
    frames = []
    for stream, end, first, new in zip(streams, ends, taken, steps, strict=True):
        padded = np.concatenate([stream._last, new.astype(np.float16)])
        frames.append(stack_steps(padded, end - first))
        stream._last = padded[-STEPS_PER_FRAME:]
        stream.frames_taken += len(end)
    return frames
