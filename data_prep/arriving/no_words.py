"""The words of a stream that has none."""

import numpy as np
from jaxtyping import Bool, Float16

from llavataros_jax.config import Config


class NoWords:
    """Answers as the others do who have words."""

    late = 0

    def __init__(self, config: Config):
        """Begins a stream."""
        self._size = config.text.size

    def all_known(self, until_seconds: float) -> None:
        """There are none to be known."""

    def silent(self, until_seconds: float) -> None:
        """There are none in silence either."""

    def end(self) -> None:
        """There are none to come."""

    def cut(self, seconds: float) -> None:
        """There are none to forget."""

    def num_frames(self, heard_frames: int) -> int:
        """No frame waits for a word."""
        return heard_frames

    def take(
        self, audio: Float16[np.ndarray, "n A"]
    ) -> tuple[Float16[np.ndarray, "n E"], Bool[np.ndarray, " n"]]:
        """Returns vectors of no word."""
        return np.zeros((len(audio), self._size), np.float16), np.zeros(len(audio), bool)
