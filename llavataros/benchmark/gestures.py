"""A run's motion on real voices beside the gesturer's own, which made what the run learned.

The gesturer knows words, and their loudness and pitch, exactly as in the corpus of hours; the run
hears the sound and reads the words, or hears the sound alone. Nobody recorded how these people
moved in the gesturer's style, so this is as near to a truth as there is: it tells how much of what
was learned on synthetic voices holds for real ones.
"""

import dataclasses
from collections import defaultdict
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from data_prep.clips.speech import SpeechFeatures, prepare_speech
from data_prep.corpus.clip_files import SAMPLE_RATE
from data_prep.corpus.hours.conversation import measured
from data_prep.corpus.hours.performance import perform
from data_prep.corpus.hours.script import meaning_of_spoken
from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.styles import STYLES
from llavataros.wanted_recordings import wanted_recordings
from llavataros_jax.data.segments import ClipSpeech, without_words
from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.movement import movement
from llavataros_jax.evaluation.statistics import correlation, hand_joints, speed
from llavataros_jax.motion.motion import Motion
from llavataros_jax.sound.reader import read_mono
from llavataros_jax.trained import TrainedRun, open_trained

# Where in a word its stressed vowel begins, as a share of it: of words without phones none knows.
_STRESS = 0.25
_HEADS = ("speed", "of own", "jerk", "of own", "corr.", "in silence")


def run(folder: Path, checkpoint: Path, whisper: str | None = None) -> None:
    """Measures all recordings of a folder, each with all speakers that both know, and prints.

    Columns: hand speed while speaking (m/s) and its ratio to the gesturer's, jerk of all joints
    (m/s³) and its ratio, correlation of hand speed over time, hand speed in silence. Recordings
    without words beside them are written down, by Whisper if its weights are named.
    """
    trained = open_trained(checkpoint)
    if whisper:
        words = dataclasses.replace(trained.config.words, whisper=whisper)
        config = dataclasses.replace(trained.config, words=words)
        trained = dataclasses.replace(trained, config=config)
    speakers = [name for name in trained.manifest.speakers if name in STYLES]
    if not speakers:
        raise UserError(
            f"{checkpoint} knows none of {', '.join(STYLES)}, so nothing can be compared; name a "
            "run that was trained on the corpus of hours"
        )
    print(f"{'':30}" + "".join(f"{head:>11}" for head in _HEADS))
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    for recording in wanted_recordings([folder], out=folder / "outputs"):
        speech = prepare_speech(
            recording.audio,
            config=trained.config,
            words=recording.words,
            transcript=recording.transcript,
        )
        heard = _heard(recording.audio, speech)
        for kind in ("words", "sound alone"):
            found = [_compare(trained, name, speech, heard, kind) for name in speakers]
            rows[kind].append(_mean(found))
            _tell(f"{recording.name}, {kind}", rows[kind][-1])
    for kind, values in rows.items():
        _tell(f"all, {kind}", _mean(values))


def _heard(audio: Path, speech: SpeechFeatures) -> list[SpokenWord]:
    """Returns the words with their loudness and pitch, as the gesturer wants them."""
    words = [
        SpokenWord(
            text=word.text.lower(),
            meaning=meaning_of_spoken(word.text.lower()),
            start_seconds=word.start_seconds,
            end_seconds=word.end_seconds,
            stress_seconds=word.start_seconds + _STRESS * (word.end_seconds - word.start_seconds),
            loudness_decibels=0.0,
            pitch_semitones=0.0,
            sentence=0,
            kind="statement",
        )
        for word in speech.words
        if word.end_seconds > word.start_seconds
    ]
    return measured(words, read_mono(audio, SAMPLE_RATE))


def _compare(
    trained: TrainedRun, name: str, speech: SpeechFeatures, heard: list[SpokenWord], kind: str
) -> np.ndarray:
    clip = ClipSpeech(
        speech.audio, speech.word_vectors, speech.word_index, trained.speaker_id(name)
    )
    ours = trained.animate(clip if kind == "words" else without_words(clip))
    own, _ = perform("real voice", name, heard, ours.num_frames)
    spoken = np.zeros(ours.num_frames, bool)
    for word in heard:
        spoken[round(word.start_seconds * ours.fps) : round(word.end_seconds * ours.fps) + 1] = True
    jerks = [movement(motion)["jerk_metres_per_second3"] for motion in (ours, own)]
    speeds, own_speeds = _hand_speeds(ours), _hand_speeds(own)
    fast, own_fast = speeds[spoken].mean(), own_speeds[spoken].mean()
    pairs = zip(speeds.T, own_speeds.T, strict=True)
    follows = _mean([np.array([correlation(ours, own)]) for ours, own in pairs])[0]
    still = _silence(spoken, ours.fps)
    in_silence = speeds[still].mean() if still.any() else np.nan
    return np.array([fast, fast / own_fast, jerks[0], jerks[0] / jerks[1], follows, in_silence])


def _hand_speeds(motion: Motion) -> np.ndarray:
    hands = hand_joints(motion.skeleton).values()
    return np.stack([speed(motion.positions[:, hand], motion.fps) for hand in hands], axis=1)


def _silence(spoken: Bool[np.ndarray, " N"], fps: float) -> Bool[np.ndarray, " N"]:
    """Finds the frames that lie more than a second from any word."""
    near = np.ones(2 * round(fps) + 1)
    return np.convolve(spoken.astype(float), near, "same")[: len(spoken)] < 0.5


def _mean(rows: list[np.ndarray]) -> np.ndarray:
    """Averages rows column by column over what could be measured; NaN where nothing could."""
    columns = np.array(rows).T
    return np.array([c[np.isfinite(c)].mean() if np.isfinite(c).any() else np.nan for c in columns])


def _tell(name: str, values: np.ndarray) -> None:
    print(f"{name[:30]:30}" + "".join(f"{value:11.2f}" for value in values))
