"""What is animated: the speech of who moves, and of the other person if there is one."""

import numpy as np
from jaxtyping import Float

from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError

Recording = tuple[ClipSpeech, ClipSpeech | None]


def check_recording(main: ClipSpeech, interlocutor: ClipSpeech | None) -> None:
    """Refuses a recording that cannot be animated.

    Raises:
        UserError: When there is no frame, the interlocutor's frames are not as many, or features
            are not finite.
    """
    frames = len(main.word_index)
    if frames == 0:
        raise UserError("the recording is shorter than half a frame, so there is no motion")
    if interlocutor is not None and len(interlocutor.word_index) != frames:
        raise UserError(
            f"the two recordings of a conversation must be equally long, but the speaker's has "
            f"{frames} frames and the interlocutor's {len(interlocutor.word_index)}; pad one"
        )
    for who, speech in (("speaker", main), ("interlocutor", interlocutor)):
        if speech is not None:
            _require_finite(speech.audio, f"the {who}'s audio features", "frames")
            _require_finite(speech.words, f"the {who}'s words", "word vectors")


def _require_finite(values: Float[np.ndarray, "N A"], what: str, rows: str) -> None:
    """Refuses what is not finite as float16, in which segments are cut (as in records)."""
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(values.astype(np.float16)).all(axis=1)
    if bad.any():
        raise UserError(
            f"{what} hold NaN, infinity or numbers beyond 65 504 in {bad.sum()} of {len(values)} "
            f"{rows}, the first at {bad.argmax()} (counted from 0); make them again"
        )
