"""A motion as the viewer reads it: one tree of plain values for JSON."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.words.word import Word
from llavataros.view.sound import page_sound
from llavataros_jax.motion.motion import Motion
from llavataros_jax.packages import missing_packages
from llavataros_jax.rig.normalised import humanoid_motion
from llavataros_jax.sound.beats import audio_beats
from llavataros_jax.sound.reader import is_silent


def motion_data(
    motion: Motion,
    *,
    name: str,
    audio: Path | str | None = None,
    words: Sequence[Word] = (),
) -> dict[str, Any]:
    """Returns a motion with its speech as the viewer and `format=json` of the server have it.

    Args:
        motion: The motion.
        name: What the page calls it.
        audio: The speech, whose sound, peaks and beats are added.
        words: What is said, with times.

    Returns:
        `name`, `fps`, `skeleton` (`Skeleton.to_dict`), `frames` (base64 of float32, T·J·7: metres
        and xyzw in the world), `humanoid` (`bones`, `rest` in metres, `rotations` T·B·4 and `hips`
        T·3 in base64), `words` (`text`, `start`, `end` in seconds), `beats` (seconds), `wave`
        (peaks 0 to 1), `wave_seconds` (of each) and `audio` (a data: address or None).

    Raises:
        UserError: When the motion has no upper body that is known by its names, or the recording
            cannot be read.
    """
    told = humanoid_motion(motion, place=name)
    sound = None if audio is None else page_sound(audio, seconds=motion.seconds)
    return {
        "name": name,
        "fps": motion.fps,
        "skeleton": motion.skeleton.to_dict(),
        "frames": _base64(motion.frames),
        "humanoid": {
            "bones": list(told.bones),
            "rest": np.round(told.rest, 6).tolist(),
            "rotations": _base64(told.rotations),
            "hips": _base64(told.hips),
        },
        "words": [
            {
                "text": word.text,
                "start": round(word.start_seconds, 4),
                "end": round(word.end_seconds, 4),
            }
            for word in words
        ],
        "beats": [] if audio is None else _beats(audio, motion.seconds),
        "wave": [] if sound is None else np.round(sound.peaks, 3).tolist(),
        "wave_seconds": None if sound is None else sound.peak_seconds,
        "audio": None if sound is None else sound.address,
    }


def has_beats() -> bool:
    """Says whether beats can be found here."""
    return not missing_packages("librosa")


def _beats(audio: Path | str, seconds: float) -> list[float]:
    if not has_beats() or is_silent(audio):
        return []
    return [round(beat, 3) for beat in audio_beats(audio).tolist() if beat < seconds]


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")
