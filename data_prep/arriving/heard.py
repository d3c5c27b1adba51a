"""What a Hearing hands out: features of frames, in order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float16


@dataclass(frozen=True, eq=False)
class Heard:
    """Features of frames that follow each other; frame k begins at k / fps seconds.

    Attributes:
        first: Number of the first of them.
        audio: Audio features of each frame.
        words: Vector of the word that is active on each frame, zeros where there is none.
        has_word: Whether a word is active; one without letters has a vector of zeros too.
    """

    first: int
    audio: Float16[np.ndarray, "n A"]
    words: Float16[np.ndarray, "n E"]
    has_word: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.has_word)
