"""Writes the bundled corpus: `python -m data_prep.corpus --out corpus`."""

import argparse
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data_prep.corpus.bundled.performance import SAMPLE_RATE, Performance, perform_take
from data_prep.corpus.bundled.sentences import TAKES
from llavataros_jax.atomic import atomic_path, write_json, write_text
from llavataros_jax.errors import UserError, door

# Motion is rounded to 4 micrometres and sound to 12 bits: neither can be seen or heard in use, and
# bits that are always zero compress to half the size.
MOTION_STEP = 2.0**-18
SOUND_STEP = 2.0**-11


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the takes asked for and writes each clip's sound, words and motion."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.corpus", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--takes", nargs="+", default=list(TAKES), help="takes to make")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.takes) - set(TAKES))
    if unknown:
        raise UserError(f"--takes: no take is called {unknown[0]!r}; there are {', '.join(TAKES)}")
    performances = []
    for take in options.takes:
        for performance in perform_take(take):
            write_clip(options.out, performance)
            seconds = performance.motion.seconds
            print(
                f"{performance.name}: {seconds:.1f} s, {len(performance.words)} words, "
                f"{len(performance.strokes)} strokes"
            )
            performances.append(performance)
    if set(options.takes) == set(TAKES):
        write_text(options.out / "clips.tsv", _table(performances))
    return 0


def write_clip(folder: Path, performance: Performance) -> None:
    """Writes `name.flac`, `name.json` and `name.npz`."""
    import soundfile

    path = folder / performance.name
    with atomic_path(path.with_suffix(".flac")) as temporary:
        samples = np.round(performance.samples / SOUND_STEP) * SOUND_STEP
        soundfile.write(temporary, samples, SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
    write_json(path.with_suffix(".json"), {"words": _timed_words(performance)})
    with atomic_path(path.with_suffix(".npz")) as temporary:
        np.savez_compressed(
            temporary,
            motion=pack(performance.motion.frames),
            fps=np.float32(performance.motion.fps),
        )


def pack(frames: Float[np.ndarray, "T J 7"]) -> Float[np.ndarray, "T J 7"]:
    """Rounds motion to float32 that compresses well: each column's frames lie side by side."""
    return np.asfortranarray((np.round(frames / MOTION_STEP) * MOTION_STEP).astype(np.float32))


def _timed_words(performance: Performance) -> list[dict[str, str | float]]:
    """Lists words with their times, and the onset, apex and kind of the strokes they carry."""
    rows: list[dict[str, str | float]] = [
        {
            "word": word.text,
            "start": round(word.start_seconds, 4),
            "end": round(word.end_seconds, 4),
            "stress": round(word.stress_seconds, 4),
        }
        for word in performance.words
    ]
    for stroke in performance.strokes:
        rows[stroke.word] |= {"gesture": stroke.kind, "apex": round(stroke.apex_seconds, 4)}
    return rows


def _table(performances: Iterable[Performance]) -> str:
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(("name", "speaker", "take", "interlocutor"))
    for clip in performances:
        table.writerow((clip.name, clip.speaker, clip.take, clip.interlocutor))
    return text.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
