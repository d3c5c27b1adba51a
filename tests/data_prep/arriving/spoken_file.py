"""A recording as a file is prepared, to compare what arrives with."""

import functools
import json
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from data_prep.arriving.heard import Heard
from data_prep.arriving.hearing import Hearing
from data_prep.clips.speech import SpeechFeatures, prepare_speech
from data_prep.words.word import Word
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict
from tests.data_prep.recordings import make_samples

SECONDS = 2.217
# Some overlap, touch, hold no frame's start, begin on one, or have two words in one label.
WORDS = [
    ("so", 0.0, 0.1), ("what", 0.1, 0.35), ("<unk>", 0.4, 0.5), ("Ünïcode", 0.5, 0.51),
    ("new york", 0.6, 0.95), ("is", 0.9, 1.0), ("sil", 1.0, 1.2), ("…", 1.2, 1.3),
    ("talking", 1.3, 1.9), ("over", 1.5, 1.7), ("end.", 2.0, 2.21),
]  # fmt: skip


def small_config(rule: str = "interval", fps: int = 30, rate: int = 16000) -> Config:
    return config_from_dict(
        {
            "audio": {"sample_rate": rate},
            "text": {"kind": "hashed", "size": 12},
            "motion": {"fps": fps},
            "words": {"frame_rule": rule},
        }
    )


def sound(rate: int) -> np.ndarray:
    return make_samples(rate, SECONDS, rate).astype(np.float32)


def spoken() -> list[Word]:
    return [Word(*word) for word in WORDS]


@functools.cache
def of_the_file(config: Config, rate: int, *, has_words: bool = True) -> SpeechFeatures:
    """Prepares the recording by the plain way."""
    with tempfile.TemporaryDirectory() as folder:
        audio, words = Path(folder) / "a.wav", Path(folder) / "a.json"
        soundfile.write(audio, sound(rate), rate, subtype="FLOAT")
        rows = WORDS if has_words else []
        words.write_text(json.dumps([{"word": t, "start": s, "end": e} for t, s, e in rows]))
        return prepare_speech(audio, config=config, words=words)


def take_all(hearing: Hearing, most: int = 1000) -> list[Heard]:
    """Takes what is ready."""
    found = []
    while hearing.frames_ready:
        found.append(hearing.take(most))
    return found


def assert_is_the_file(heard: list[Heard], file: SpeechFeatures) -> None:
    """Compares every number of every frame."""
    audio, words, has_word = (
        np.concatenate([getattr(part, name) for part in heard])
        for name in ("audio", "words", "has_word")
    )
    assert [part.first for part in heard] == [sum(map(len, heard[:k])) for k in range(len(heard))]
    assert len(audio) == file.num_frames
    np.testing.assert_array_equal(audio, file.audio)
    np.testing.assert_array_equal(has_word, file.word_index >= 0)
    nothing = np.zeros((1, words.shape[1]), np.float16)
    rows = np.concatenate([file.word_vectors, nothing])
    np.testing.assert_array_equal(words, rows[file.word_index])
