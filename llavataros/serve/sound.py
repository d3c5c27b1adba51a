"""The sound of a message becomes samples."""

import numpy as np
from jaxtyping import Float32

from llavataros.serve.codes import Code, Refusal
from llavataros.serve.messages import Audio
from llavataros_jax.errors import UserError

OPUS_RATE = 48000


class Pcm:
    """Samples of 16 bits."""

    def __init__(self, sample_rate: int):
        self.sample_rate = sample_rate

    def units(self, payload: bytes) -> int:
        """Returns the number of samples."""
        return len(payload) // 2

    def decode(self, payload: bytes) -> Float32[np.ndarray, " n"]:
        """Returns the samples in [-1, 1)."""
        return np.frombuffer(payload, "<i2").astype(np.float32) / np.float32(32768)


class Opus:
    """Packets of Opus, one a message."""

    sample_rate = OPUS_RATE

    def __init__(self):
        from data_prep.arriving.opus import OpusDecoder  # brings PyAV

        try:
            self._decoder = OpusDecoder()
        except UserError as refusal:
            raise Refusal(Code.AUDIO, str(refusal)) from None

    def units(self, payload: bytes) -> int:
        """Returns 1."""
        return 1

    def decode(self, payload: bytes) -> Float32[np.ndarray, " n"]:
        """Returns the samples of a packet.

        Raises:
            Refusal: When the bytes are no packet.
        """
        try:
            return self._decoder.decode(payload)
        except UserError as refusal:
            raise Refusal(Code.AUDIO, str(refusal)) from None


def decoder(audio: Audio) -> Pcm | Opus:
    """Returns what decodes one person's sound.

    Raises:
        Refusal: When Opus cannot be decoded here.
    """
    return Pcm(audio.sample_rate) if audio.encoding == "pcm_s16le" else Opus()
