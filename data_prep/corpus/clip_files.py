"""The files of one clip of a corpus: sound, timed words and motion, and the table of all clips."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.atomic import atomic_path, write_json
from llavataros_jax.motion.motion import Motion

SAMPLE_RATE = 16000
SUFFIXES = (".flac", ".npz", ".json")
# Motion is rounded to 4 micrometres: that cannot be seen, and bits that are always zero compress
# to half the size.
MOTION_STEP = 2.0**-18


def write_clip(
    path: Path,
    samples: Float[np.ndarray, " n"],
    motion: Motion,
    words: Sequence[dict[str, str | float]],
    sound_step: float,
) -> None:
    """Writes `path` with the suffixes `.flac`, `.npz` and, last, `.json`.

    Args:
        path: Folder and name.
        samples: Mono sound at 16 kHz.
        motion: Equally long.
        words: Rows with `word`, `start` and `end`, and more that is known of each.
        sound_step: What samples are rounded to; bits that are always zero compress well.
    """
    import soundfile

    with atomic_path(path.with_suffix(".flac")) as temporary:
        rounded = np.round(samples / sound_step) * sound_step
        soundfile.write(temporary, rounded, SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
    with atomic_path(path.with_suffix(".npz")) as temporary:
        np.savez_compressed(temporary, motion=pack(motion.frames), fps=np.float32(motion.fps))
    write_json(path.with_suffix(".json"), {"words": list(words)})


def pack(frames: Float[np.ndarray, "T J 7"]) -> Float[np.ndarray, "T J 7"]:
    """Rounds motion to float32 that compresses well: each column's frames lie side by side."""
    return np.asfortranarray((np.round(frames / MOTION_STEP) * MOTION_STEP).astype(np.float32))


def table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """Returns the text of `clips.tsv`: name, speaker, take and interlocutor of every clip."""
    text = io.StringIO()
    written = csv.writer(text, delimiter="\t", lineterminator="\n")
    written.writerow(("name", "speaker", "take", "interlocutor"))
    written.writerows(rows)
    return text.getvalue()
