"""PASE+ of frames as sound arrives, as `data_prep.sound.pase` computes a file's.

A frame of `context` is known 103 ms after its start (83 ms after that of its last step), one of
`isolated` after 34 ms. They are a file's up to rounding: other programs compute other sizes.
"""

from collections import deque

import numpy as np
from jaxtyping import Float16, Float32

from data_prep.sound.features import STEPS_PER_FRAME
from data_prep.sound.pase import as_recorded, params_of
from llavataros_jax.config import AudioConfig
from llavataros_jax.pase.arriving import StepEncoder
from llavataros_jax.pase.features import WINDOW_SAMPLES, first_of_frames
from llavataros_jax.pase.layout import FEATURES, SAMPLE_RATE, STEPS_PER_SECOND
from llavataros_jax.pase.stream import encode_whole

_ORIGIN = "what was heard"


class ContextFrames:
    """Frames of one stream in the mode `context`, whose steps know all sound before them.

    Attributes:
        frames_taken: Frames that were given; the number of the next one.
    """

    def __init__(self, config: AudioConfig, fps: float):
        """Begins a stream.

        Raises:
            UserError: When the checkpoint cannot be used.
        """
        self.frames_taken = 0
        self._config, self._fps = config, fps
        self._encoder = StepEncoder(params_of(config))
        self._steps: deque[Float32[np.ndarray, " F"]] = deque(maxlen=STEPS_PER_FRAME)
        self._most_steps = -int(-STEPS_PER_SECOND // fps)  # from one frame to the next

    @property
    def num_frames(self) -> int:
        """Frames, counted from the first, whose sound is there."""
        count = int(self._encoder.num_steps * self._fps / STEPS_PER_SECOND) + 1
        while count and self._last_step_of(count - 1) >= self._encoder.num_steps:
            count -= 1
        return count

    def hear(self, samples: Float32[np.ndarray, " n"]) -> None:
        """Takes the next samples, at 16 kHz."""
        self._encoder.hear(samples)

    def end(self, num_frames: int) -> None:
        """Ends the stream; frames beyond the last step repeat it."""
        self._encoder.end()

    def cut(self, num_samples: int) -> None:
        """Forgets all samples but the first so many; where there are fewer, silence follows."""
        self._encoder.forget_from(num_samples)
        missing = num_samples - self._encoder.num_samples
        self._encoder.hear(np.zeros(missing, np.float32))

    def take(self, count: int) -> Float16[np.ndarray, "n 768"]:
        """Computes the next frames.

        Raises:
            UserError: When a value is too large for records.
        """
        frames = np.zeros((count, STEPS_PER_FRAME * FEATURES), np.float32)
        for row in range(count):
            wanted = self._last_step_of(self.frames_taken)
            known = min(wanted + 1, self._encoder.num_steps)
            while (missing := known - self._encoder.steps_taken) > 0:
                missing = min(missing, self._most_steps + STEPS_PER_FRAME)
                self._steps.extend(self._encoder.take(missing, size=self._size(missing)))
            steps = list(self._steps)
            last = self._encoder.steps_taken - 1
            chosen = [min(wanted - back, last) - last - 1 for back in (2, 1, 0)]
            frames[row] = np.stack([steps[place] for place in chosen]).T.reshape(-1)
            self.frames_taken += 1
        return as_recorded(frames, self._config, _ORIGIN)

    def _size(self, count: int) -> int:
        """Returns how many steps are computed; a stream's last ones compile nothing new."""
        is_last = self._encoder.steps_taken + count == self._encoder.num_steps
        return max(count, self._most_steps) if is_last and self._encoder.has_ended else count

    def _last_step_of(self, frame: int) -> int:
        start = first_of_frames(frame + 1, self._fps, STEPS_PER_SECOND, first=frame)[0]
        return int(start) + STEPS_PER_FRAME - 1


class IsolatedFrames:
    """Frames of one stream in the mode `isolated`, each of which knows its own sound alone.

    Attributes:
        frames_taken: Frames that were given; the number of the next one.
    """

    def __init__(self, config: AudioConfig, fps: float):
        """Begins a stream.

        Raises:
            UserError: When the checkpoint cannot be used.
        """
        self.frames_taken = 0
        self._config, self._fps, self._params = config, fps, params_of(config)
        self._held, self._first = np.zeros(0, np.float32), 0

    @property
    def num_frames(self) -> int:
        """Frames, counted from the first, whose sound is there."""
        there = self._first + len(self._held)
        count = max(0, int(there * self._fps / SAMPLE_RATE)) + 1
        while count and self._start_of(count - 1) + WINDOW_SAMPLES > there:
            count -= 1
        return count

    def hear(self, samples: Float32[np.ndarray, " n"]) -> None:
        """Takes the next samples, at 16 kHz."""
        self._held = np.concatenate([self._held, samples])

    def end(self, num_frames: int) -> None:
        """Makes so many frames complete; those beyond the last sample are of silence."""
        if num_frames:
            stop = self._start_of(num_frames - 1) + WINDOW_SAMPLES
            self.hear(np.zeros(max(0, stop - self._first - len(self._held)), np.float32))

    def cut(self, num_samples: int) -> None:
        """Forgets all samples but the first so many; where there are fewer, silence follows."""
        self._held = self._held[: max(0, num_samples - self._first)]
        missing = num_samples - self._first - len(self._held)
        self.hear(np.zeros(max(0, missing), np.float32))

    def take(self, count: int) -> Float16[np.ndarray, "n 768"]:
        """Computes the next frames.

        Raises:
            UserError: When a value is too large for records.
        """
        frames = np.zeros((count, STEPS_PER_FRAME * FEATURES), np.float32)
        for row in range(count):
            begin = self._start_of(self.frames_taken) - self._first
            window = self._held[begin : begin + WINDOW_SAMPLES]
            frames[row] = encode_whole(window[None], self._params)[0].T.reshape(-1)
            self.frames_taken += 1
            begin = min(self._start_of(self.frames_taken) - self._first, len(self._held))
            self._held, self._first = self._held[begin:], self._first + begin
        return as_recorded(frames, self._config, _ORIGIN)

    def _start_of(self, frame: int) -> int:
        return int(first_of_frames(frame + 1, self._fps, SAMPLE_RATE, first=frame)[0])
