"""Sound as it arrives: one rate, one clock, and samples at the rate that features want."""

import numpy as np
from jaxtyping import Float32, Shaped

from llavataros_jax.errors import UserError
from llavataros_jax.sound.resampler import Resampler
from llavataros_jax.sound.source import HIGHEST_RATE, LOWEST_RATE

_LOUDEST = 16.0  # times full scale: floats may go beyond it; integers of 16 bits go far beyond


class ArrivingSound:
    """The sound of one stream, which samples, silence and cuts may follow each other in.

    Between silence or a cut and the next samples, resampling begins anew, as at the beginning of a
    file. The samples it gives are as many as the stream's time says, at any moment in which nothing
    waits in the resampler.
    """

    def __init__(self, wanted_rate: int):
        """Begins a stream that is resampled to `wanted_rate` hertz."""
        self._wanted_rate = wanted_rate
        self._sample_rate: int | None = None
        self._resampler: Resampler | None = None
        # What was heard since the resampler began, in samples, and when it began.
        self._heard, self._began_seconds = 0, 0.0
        self._given = 0
        self.has_ended = False

    @property
    def seconds(self) -> float:
        """Length of what came."""
        if self._sample_rate is None:
            return self._began_seconds
        return self._began_seconds + self._heard / self._sample_rate

    def hear(
        self, samples: Shaped[np.ndarray, "..."], sample_rate: int
    ) -> Float32[np.ndarray, " m"]:
        """Takes the next samples and returns resampled ones, as far as they are known.

        Raises:
            UserError: When they are no sound, or of another rate than before, or the stream ended.
        """
        found = self._checked(samples, sample_rate)
        if self._resampler is None:
            self._resampler = Resampler(sample_rate, self._wanted_rate)
        self._heard += len(found)
        return self._counted(self._resampler(found))

    def silence(self, seconds: float) -> Float32[np.ndarray, " m"]:
        """Adds silence and returns it, after what waited in the resampler.

        Raises:
            UserError: When the stream ended.
        """
        if self.has_ended:
            raise _ended()
        rest = self._rest()
        self._began_seconds += seconds
        missing = round(self._began_seconds * self._wanted_rate) - self._given
        return np.concatenate([rest, self._counted(np.zeros(max(0, missing), np.float32))])

    def end(self) -> Float32[np.ndarray, " m"]:
        """Ends the stream and returns what waited in the resampler."""
        rest = self._rest()
        self.has_ended = True
        return rest

    def cut(self, seconds: float) -> int:
        """Forgets what came after a time, and returns how many samples were given by then."""
        self._resampler, self._heard, self._began_seconds = None, 0, seconds
        self._given = round(seconds * self._wanted_rate)
        return self._given

    def _rest(self) -> Float32[np.ndarray, " m"]:
        self._began_seconds, self._heard = self.seconds, 0
        resampler, self._resampler = self._resampler, None
        return np.zeros(0, np.float32) if resampler is None else self._counted(resampler.rest())

    def _counted(self, samples: Float32[np.ndarray, " m"]) -> Float32[np.ndarray, " m"]:
        self._given += len(samples)
        return samples

    def _checked(
        self, samples: Shaped[np.ndarray, "..."], sample_rate: int
    ) -> Float32[np.ndarray, " n"]:
        if self.has_ended:
            raise _ended()
        if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
            raise UserError(
                f"sound of {sample_rate} samples a second came, but {LOWEST_RATE} to "
                f"{HIGHEST_RATE} are possible; give the rate of the recording"
            )
        if self._sample_rate not in (None, sample_rate):
            raise UserError(
                f"sound of {sample_rate} Hz came after sound of {self._sample_rate} Hz; a stream "
                "has one rate, so begin another one"
            )
        found = np.array(samples, np.float32)
        if found.ndim != 1 or not np.issubdtype(np.asarray(samples).dtype, np.floating):
            raise UserError(
                f"samples of shape {found.shape} and type {np.asarray(samples).dtype} came, but "
                "sound is one row of floats in [-1, 1]; mix it down, or divide what is of 16 bits "
                "by 32768"
            )
        if len(found) and not (loudest := float(np.abs(found).max())) <= _LOUDEST:
            at = (self._heard + int(np.argmax(~(np.abs(found) <= _LOUDEST)))) / sample_rate
            what = f"{loudest:g}" if np.isfinite(loudest) else "not a finite number"
            raise UserError(
                f"the sample at {self._began_seconds + at:.3f} s is {what}, but samples lie in "
                "[-1, 1]; divide those of 16 bits by 32768"
            )
        self._sample_rate = sample_rate
        return found


def _ended() -> UserError:
    return UserError("sound came after the stream's end; begin another stream")
