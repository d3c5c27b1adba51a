"""The parts of preparation, each done for all recordings as the stages do it, and as usual."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from data_prep.machine.fingerprint import file_hash
from data_prep.vectors.choice import text_features
from data_prep.words.timed_files import read_timed_text, read_timed_words
from data_prep.words.word import frame_index
from llavataros.benchmark import prepare_usual as usual
from llavataros.benchmark.pase import noise_tensors
from llavataros.benchmark.prepare_corpus import Corpus
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import read_motion
from llavataros_jax.motion.resampling import resample
from llavataros_jax.packages import missing_packages
from llavataros_jax.pase.checkpoint import to_params
from llavataros_jax.pase.features import WINDOW_SAMPLES, first_of_frames, pase_features
from llavataros_jax.pase.layout import SAMPLE_RATE
from llavataros_jax.sound.reader import read_mono
from llavataros_jax.sound.steps import step_features_of

_PASE_SECONDS = 10.0  # what is linear in time need not be timed on all


@dataclass(frozen=True)
class Part:
    """A part of the work, done in several ways.

    Attributes:
        name: What is done.
        ways: By name; ours begin with `ours`.
        seconds: Length of the recordings it is done for.
    """

    name: str
    ways: dict[str, Callable[[], object]]
    seconds: float


def parts(corpus: Corpus) -> Iterator[Part]:
    """Yields all parts."""
    config, numbers = corpus.config, range(len(corpus.clips))
    rate, seconds = config.audio.sample_rate, corpus.seconds
    paths = [clip.audio for clip in corpus.clips]
    yield Part("hashes of the files", {"ours": lambda: [file_hash(p) for p in paths]}, seconds)
    yield Part(
        "sound read",
        {
            "ours": lambda: [read_mono(path, rate) for path in paths],
            "usual, librosa": lambda: [usual.load_sound(path, rate) for path in paths],
        },
        seconds,
    )
    sounds = [read_mono(path, rate) for path in paths]
    steps = [usual.steps_of(corpus.frames(number), corpus.fps) for number in numbers]
    yield Part(
        "mel bands and prosody",
        {
            "ours": lambda: [
                list(step_features_of(iter([sound]), count, config.audio))
                for sound, count in zip(sounds, steps, strict=True)
            ],
            "usual, librosa": lambda: [
                usual.sound_features(sound, count, config.audio)
                for sound, count in zip(sounds, steps, strict=True)
            ],
        },
        seconds,
    )
    yield _pase(sounds, rate)
    yield Part("timed words read", {"ours": lambda: [_words(corpus, n) for n in numbers]}, seconds)
    spoken = [list(read_timed_words(corpus.words(n), corpus.lengths_seconds[n])) for n in numbers]

    def vectors() -> object:
        usual.forget_words()
        return [text_features(words, config.text) for words in spoken]

    yield Part(
        "word vectors",
        {
            "ours, each word once": vectors,
            "usual, each anew": lambda: [usual.vectors_anew(w, config.text) for w in spoken],
        },
        seconds,
    )
    codec = _codec(corpus)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: [codec.encode(_motion(corpus, number)) for number in numbers]
    }
    if all(usual.has_usual_motion(corpus.motion(number)) for number in numbers):
        ways["usual, SciPy"] = lambda: [
            usual.read_poses(corpus.motion(number), corpus.fps) for number in numbers
        ]
    yield Part("motion read, resampled, encoded", ways, seconds)


def parity(corpus: Corpus) -> dict[str, str]:
    """Says by how much both ways differ on the first recording."""
    config = corpus.config.audio
    samples = read_mono(corpus.clips[0].audio, config.sample_rate)
    theirs = usual.load_sound(corpus.clips[0].audio, config.sample_rate)
    count = usual.steps_of(corpus.frames(0), corpus.fps)
    ours = np.concatenate(list(step_features_of(iter([samples]), count, config)))
    found = usual.sound_features(theirs, count, config)
    pitch, voiced = ours[:, config.mels + 1], ours[:, config.mels + 1] > 0
    told = {
        "sound": _largest(samples, theirs[: len(samples)]),
        "log-mel": _largest(ours[:, : config.mels], found["log_mel"]),
        "loudness": _largest(ours[:, config.mels], found["loudness"]),
        "pitch where voiced, octaves": _largest(
            pitch[voiced] / np.log(2), np.log2(found["pitch"][voiced] / usual.LOWEST_HZ)
        ),
        "onsets": _largest(ours[1:, -1], found["onset"][1:]),
    }
    if usual.has_usual_motion(corpus.motion(0)):
        poses = usual.read_poses(corpus.motion(0), corpus.fps)
        told["poses"] = _largest(_codec(corpus).encode(_motion(corpus, 0)), poses)
    return {name: f"differs by {difference:.2g} at most" for name, difference in told.items()}


def _largest(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(np.asarray(first, np.float64) - second).max())


def _words(corpus: Corpus, number: int) -> object:
    timed = read_timed_text(corpus.words(number), corpus.lengths_seconds[number])
    return frame_index(timed.words, corpus.frames(number), corpus.fps)


def _motion(corpus: Corpus, number: int) -> Motion:
    seconds = corpus.lengths_seconds[number]
    motion, _ = read_motion(Path(corpus.motion(number)), audio_seconds=seconds)
    return resample(motion, corpus.fps)


def _codec(corpus: Corpus) -> PoseCodec:
    return PoseCodec.measure([(_motion(corpus, 0), 0)], 1, flexible_joints=())


def _pase(sounds: list[np.ndarray], rate: int) -> Part:
    """Returns PASE+ by windows, as the ancestor has it, with weights of noise."""
    # Noise of the recordings' loudness at their own rate costs as much as they do at 16 kHz.
    sound = np.resize(sounds[0], round(_PASE_SECONDS * SAMPLE_RATE)).astype(np.float32)
    tensors = noise_tensors()
    params = jax.device_put(to_params(tensors, source="noise"))
    frames = round(30 * _PASE_SECONDS)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: pase_features(sound, params, num_frames=frames, mode="isolated")
    }
    if not missing_packages("torch"):
        from llavataros.benchmark.pase_in_torch import TorchPase

        of_torch, starts = TorchPase(tensors), first_of_frames(frames, 30, SAMPLE_RATE)
        windows = np.pad(sound, (0, WINDOW_SAMPLES))[starts[:, None] + np.arange(WINDOW_SAMPLES)]
        ways["usual, PyTorch"] = lambda: of_torch(windows)
    return Part("PASE+, a window for each frame", ways, _PASE_SECONDS)
