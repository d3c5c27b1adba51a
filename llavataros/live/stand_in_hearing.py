"""Stands in for `data_prep.arriving.hearing` until that hears; approximate, and without words."""

import numpy as np

from data_prep.arriving.heard import Heard
from data_prep.sound.features import STEPS_PER_FRAME, stack_steps
from llavataros_jax.sound.steps import PROSODY, STEPS_PER_SECOND, step_features_of


class StandInHearing:
    def __init__(self, config, *, words="none"):
        self._config, self.fps = config, config.motion.fps
        self._rate, self._first = config.audio.sample_rate, 0
        self._samples = np.zeros(0, np.float32)
        self.frames_taken, self._ended, self.late_words = 0, False, 0
        self.waits_for_words = False

    @property
    def seconds_heard(self):
        return (self._first + len(self._samples)) / self._rate

    @property
    def frames_heard(self):
        frames = self.seconds_heard * self.fps
        return round(frames) if self._ended else int(frames + 1e-9)

    num_frames = frames_heard

    @property
    def frames_ready(self):
        return self.num_frames - self.frames_taken

    def hear(self, samples, sample_rate):
        if sample_rate != self._rate:
            from scipy.signal import resample_poly

            samples = resample_poly(samples, self._rate, sample_rate)
        self._samples = np.concatenate([self._samples, samples.astype(np.float32)])

    def silence(self, frames):
        self.hear(np.zeros(round(frames / self.fps * self._rate)), self._rate)

    def say(self, words, known_until_seconds=None):
        pass

    def say_text(self, text):
        pass

    def all_words_known(self, until_seconds):
        pass

    def take(self, most):
        stop = min(self.frames_taken + most, self.num_frames)
        frames = np.arange(self.frames_taken, stop)
        ends = np.floor((frames + 1) * STEPS_PER_SECOND / self.fps + 1e-9).astype(int)
        start = max(ends[0] - 20, 0) if len(ends) else 0
        hop = self._rate // STEPS_PER_SECOND
        sound = self._samples[max(start * hop - self._first, 0) :]
        blocks = step_features_of(iter([sound]), int(ends[-1]) - start, self._config.audio)
        steps = np.concatenate(list(blocks)).astype(np.float16)
        padding = np.zeros((STEPS_PER_FRAME, steps.shape[1]), np.float16)
        audio = stack_steps(np.concatenate([padding, steps]), ends - start)
        assert audio.shape[1] == 3 * (self._config.audio.mels + len(PROSODY))
        keep = max((start - 20) * hop - self._first, 0)
        self._samples, self._first = self._samples[keep:], self._first + keep
        first, self.frames_taken = self.frames_taken, stop
        n = len(frames)
        return Heard(first, audio, np.zeros((n, 256), np.float16), np.zeros(n, bool))

    def end(self):
        self._ended = True
