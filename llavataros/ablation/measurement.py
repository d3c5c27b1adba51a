"""Measures one network on the clips that it held out, in a process of its own.

  python -m llavataros.ablation.measurement RUN OUT.npz

OUT.npz holds, under COLUMN/MEASURE/CLIP, the sums of `evaluation.measure` of each clip, of the
network's motion (`predicted`) and of the recorded one (`real`).
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error

import numpy as np
from jaxtyping import Float

from llavataros.ablation.annotation import Stroke, read_strokes
from llavataros.ablation.built_in import HABITS, built_in_measures, reference_of
from llavataros_jax.atomic import atomic_path
from llavataros_jax.compilation_cache import keep_compiled
from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.manifest import ClipEntry
from llavataros_jax.data.recordings import find_recording
from llavataros_jax.data.segments import (
    ClipSpeech,
    interlocutor_of,
    speech_of,
    without_words,
    words_of,
)
from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluation.catalogue.distribution import FD_G, FD_K
from llavataros_jax.evaluation.catalogue.likeness import HAND_SPEED_CORRELATION, POSITION_ERROR
from llavataros_jax.evaluation.catalogue.movement import HAND_SPEED_RATIO, JERK
from llavataros_jax.evaluation.catalogue.timing import (
    BEAT_ALIGNMENT_BEYOND_CHANCE,
    STROKE_CONTRAST,
)
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.spoken import Spoken, Word
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from llavataros_jax.trained import TrainedRun, open_trained

MOTION: tuple[Measure, ...] = (
    *(POSITION_ERROR, HAND_SPEED_CORRELATION, STROKE_CONTRAST, BEAT_ALIGNMENT_BEYOND_CHANCE),
    *(HAND_SPEED_RATIO, JERK, FD_G, FD_K),
)
# Raised when the same run gets other sums.
VERSION = 1
PREDICTED, REAL = "predicted", "real"
# Bodies that a clip's speech is tried in; of more speakers, each clip has others.
BODIES = 4
# Sums by column and measure, then by clip.
Measured = dict[tuple[str, str], dict[str, Float[np.ndarray, "_"]]]


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Measures a run and writes the sums."""
    run, out = list(sys.argv[1:] if arguments is None else arguments)
    keep_compiled()
    trained = open_trained(run)
    write_measured(Path(out), measure(trained), identity=identity(trained))
    return 0


def measure(run: TrainedRun) -> Measured:
    """Animates the held-out clips of a run and gathers all measures.

    A network that never had words in training gets none here either: what it would make of them is
    the noise that it began with.
    """
    records, config = run.config.data.records, run.config
    clips = ClipReader(records, "validation")
    fps = run.manifest.fps
    strokes = {entry.name: strokes_of(entry, config, fps) for entry in clips.clips}
    recorded = ClipReader(records, "train", recorded_only=True)
    reference = reference_of(_recorded(run, recorded))
    built_in = built_in_measures(reference, strokes)
    found: Measured = defaultdict(dict)
    for number, entry in enumerate(clips.clips):
        clip, speakers = clips[number], run.manifest.speakers
        main, other = speech_of(clip), interlocutor_of(clip)
        if config.loss.drop_words == 1:
            main, other = without_words(main), other and without_words(other)
        real = of_motion(run.animator.codec.decode(clip["pose"], fps, entry.speaker))
        moved = {
            speakers[body]: _moved(run, main, other, body)
            for body in bodies(entry.speaker, number, len(speakers))
        }
        name = speakers[entry.speaker]
        spoken = _spoken(entry, words_of(clip), config, fps)
        take = Take(entry.name, name, moved[name], real, spoken)
        recorded = Take(entry.name, name, real, real, spoken)
        for one in (*MOTION, *built_in):
            takes = [take]
            if one.key == HABITS:
                takes = [Take(entry.name, body, motion, real) for body, motion in moved.items()]
            _keep(found, PREDICTED, one, takes)
            if not (one.compares or one.distribution):
                _keep(found, REAL, one, [recorded])
    return found


def bodies(own: int, number: int, count: int) -> list[int]:
    """Returns in which speakers' bodies a clip is moved: its own first, then some of the others."""
    others = [body for body in range(count) if body != own]
    turn = number % len(others) if others else 0
    return [own, *(others[turn:] + others[:turn])[: BODIES - 1]]


def identity(run: TrainedRun) -> str:
    """Returns what sums depend on: the measures, the checkpoint and the records."""
    return identity_of(run.checkpoint, run.manifest.content_hash)


def identity_of(checkpoint: str, content_hash: str) -> str:
    """Returns the same of parts, such as `latest/1000`."""
    return " ".join([str(VERSION), checkpoint, content_hash, *(one.key for one in MOTION)])


def write_measured(path: Path, measured: Measured, *, identity: str) -> None:
    """Writes sums to an `.npz`."""
    arrays: dict[str, Any] = {
        f"{column}/{key}/{clip}": sums
        for (column, key), clips in measured.items()
        for clip, sums in clips.items()
    }
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, identity=np.array(identity), **arrays)


def read_measured(path: Path) -> tuple[str, Measured]:
    """Returns the identity and the sums of a file; none of a file that is not there or damaged."""
    found: Measured = defaultdict(dict)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            identity = str(arrays["identity"])
            for name in arrays.files:
                if name != "identity":
                    column, key, clip = name.split("/", 2)
                    found[column, key][clip] = arrays[name]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, error):
        return "", {}
    return identity, found


def strokes_of(entry: ClipEntry, config: Config, fps: int) -> tuple[Stroke, ...]:
    """Returns a clip's strokes; none when its recording is no longer there."""
    recording = _recording(entry, config)
    if recording is None:
        return ()
    start, seconds = entry.start_frame / fps, entry.num_frames / fps
    return read_strokes(recording, start_seconds=start, seconds=seconds)


def _spoken(entry: ClipEntry, words: Sequence[Word], config: Config, fps: int) -> Spoken | None:
    recording = _recording(entry, config)
    if recording is None:
        return None
    return Spoken(recording, entry.start_frame / fps, entry.num_frames / fps, tuple(words))


def _recording(entry: ClipEntry, config: Config) -> Path | None:
    try:
        return find_recording(config.data.folder, entry.recording)
    except UserError:
        return None


def _recorded(
    run: TrainedRun, clips: ClipReader
) -> Iterator[tuple[str, Trajectories, tuple[Stroke, ...]]]:
    fps, codec = run.manifest.fps, run.animator.codec
    for number, entry in enumerate(clips.clips):
        motion = of_motion(codec.decode(clips[number]["pose"], fps, entry.speaker))
        strokes = strokes_of(entry, run.config, fps)
        yield run.manifest.speakers[entry.speaker], motion, strokes


def _moved(run: TrainedRun, main: ClipSpeech, other: ClipSpeech | None, body: int) -> Trajectories:
    speech = ClipSpeech(main.audio, main.words, main.word_index, body)
    return of_motion(run.animate(speech, other))


def _keep(found: Measured, column: str, one: Measure, takes: Sequence[Take]) -> None:
    sums = [sums for take in takes if (sums := one.gather(take)) is not None]
    if sums:
        found[column, one.key][takes[0].clip] = np.sum(sums, axis=0)


if __name__ == "__main__":
    sys.exit(main())
