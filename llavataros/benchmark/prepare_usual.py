"""The usual script of preparation: librosa, SciPy and NumPy, whole files, a row for each frame."""

import math
from collections.abc import Sequence
from pathlib import Path

import librosa
import numpy as np
from jaxtyping import Float, Float32
from scipy.spatial.transform import Rotation, Slerp

from data_prep.vectors import hashed, wordllama
from data_prep.vectors.choice import text_features
from data_prep.words.timed_files import read_timed_words
from data_prep.words.word import Word
from llavataros.benchmark.prepare_corpus import Corpus
from llavataros_jax.config import AudioConfig, TextConfig
from llavataros_jax.motion.skeleton import AVATAROS_9

_WINDOW_SECONDS, _PITCH_SECONDS, _STEP_SECONDS = 0.025, 0.064, 0.01
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0


def load_sound(path: Path, rate: int) -> Float32[np.ndarray, " n"]:
    """Reads a whole recording, mono and at a rate."""
    return librosa.load(path, sr=rate, mono=True)[0]


def sound_features(
    samples: Float32[np.ndarray, " n"], num_steps: int, config: AudioConfig
) -> dict[str, np.ndarray]:
    """Computes log-mel (S, mels), loudness, pitch in hertz and onsets (S) of steps of 10 ms.

    Windows end where their step ends, by padding the recording at its beginning.
    """
    rate, hop = config.sample_rate, round(config.sample_rate * _STEP_SECONDS)
    window, long = round(rate * _WINDOW_SECONDS), round(rate * _PITCH_SECONDS)
    size = 1 << (window - 1).bit_length()
    # librosa lays a short window in the middle of the transform's.
    aside = (size - window) // 2
    stop = num_steps * hop
    samples = np.pad(samples[:stop], (0, max(0, stop - len(samples))))
    power = librosa.feature.melspectrogram(
        y=np.pad(samples, (size - aside - hop, aside)),
        sr=rate,
        n_fft=size,
        hop_length=hop,
        win_length=window,
        center=False,
        n_mels=config.mels,
    )
    log_mel = np.log(power + 1e-8)
    onset = librosa.onset.onset_strength(S=log_mel, center=False)
    padded = np.pad(samples, (window - hop, 0))
    loudness = librosa.feature.rms(y=padded, frame_length=window, hop_length=hop, center=False)[0]
    pitch = librosa.yin(
        np.pad(samples, (long - hop, 0)),
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        sr=rate,
        frame_length=long,
        hop_length=hop,
        center=False,
    )
    return {
        "log_mel": log_mel.T,
        "loudness": np.log(loudness + 1e-5),
        "pitch": pitch,
        "onset": onset,
    }


def read_poses(path: Path, fps: float) -> Float[np.ndarray, "T P"]:
    """Reads `.npz` of AvatarOS' form: root and first two columns of each joint's own rotation."""
    with np.load(path) as arrays:
        frames, rate = arrays["motion"].astype(np.float64), float(arrays["fps"])
    count = max(1, round(len(frames) / rate * fps))
    times = np.minimum(np.arange(count) / fps, (len(frames) - 1) / rate)
    have = np.arange(len(frames)) / rate
    joints = frames.shape[1]
    root = np.stack([np.interp(times, have, frames[:, 0, axis]) for axis in range(3)], axis=1)
    world = [Rotation.from_quat(frames[:, joint, 3:]) for joint in range(joints)]
    columns = []
    for joint, parent in enumerate(AVATAROS_9.parents):
        local = world[joint] if parent < 0 else world[parent].inv() * world[joint]
        matrix = Slerp(have, local)(times).as_matrix()
        columns += [matrix[..., 0], matrix[..., 1]]
    return np.concatenate([root, *columns], axis=1)


def write_as_usual(corpus: Corpus, folder: Path) -> None:
    """Prepares all clips, one after another, and writes what each frame has as float32."""
    folder.mkdir(exist_ok=True)
    config, fps = corpus.config, corpus.fps
    for number, clip in enumerate(corpus.clips):
        frames = corpus.frames(number)
        samples = load_sound(clip.audio, config.audio.sample_rate)
        found = sound_features(samples, steps_of(frames, fps), config.audio)
        words = read_timed_words(corpus.words(number), corpus.lengths_seconds[number])
        text = np.zeros((frames, config.text.size), np.float32)
        for word, vector in zip(words, vectors_anew(words, config.text), strict=True):
            first, stop = (math.ceil(t * fps) for t in (word.start_seconds, word.end_seconds))
            text[first:stop] = vector
        arrays = {"audio": _rows(found, frames, fps), "text": text}
        if has_usual_motion(corpus.motion(number)):
            arrays["pose"] = read_poses(corpus.motion(number), fps).astype(np.float32)
        np.savez(folder / f"{clip.name}.npz", allow_pickle=False, **arrays)


def vectors_anew(words: Sequence[Word], config: TextConfig) -> list[np.ndarray]:
    """Returns the vector of each word, each of them looked up anew."""
    found = []
    for word in words:
        forget_words()
        found.append(text_features([word], config)[0])
    return found


def forget_words() -> None:
    """Forgets the vectors of words that were met before, but not the tokenizer."""
    for kind in (hashed, wordllama):
        kind._word_vector.cache_clear()


def steps_of(frames: int, fps: float) -> int:
    """Returns how many steps of 10 ms frames have."""
    return math.floor(frames / fps / _STEP_SECONDS + 1e-9)


def has_usual_motion(path: Path) -> bool:
    """Whether motion is of the form that the script reads."""
    return path.suffix == ".npz"


def _rows(found: dict[str, np.ndarray], frames: int, fps: float) -> Float32[np.ndarray, "T A"]:
    """Stacks three steps for each frame."""
    steps = np.column_stack([found[name] for name in ("log_mel", "loudness", "pitch", "onset")])
    ends = np.floor(np.arange(1, frames + 1) / fps / _STEP_SECONDS + 1e-9).astype(int)
    rows = steps[np.maximum(ends[:, None] + np.arange(-3, 0), 0)]
    return rows.reshape(frames, -1).astype(np.float32)
