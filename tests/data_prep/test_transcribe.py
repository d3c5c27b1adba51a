"""The Whisper transcriber, with a stand-in for the package, and its refusals."""

import importlib.machinery
import sys
import types

import numpy as np
import pytest
import soundfile

from data_prep.transcribe import transcribe
from data_prep.words import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((44100, 2)), 22050)
    return path


@pytest.fixture
def weights(tmp_path, monkeypatch):
    heard = {}

    class Model:
        def transcribe(self, samples, **options):
            heard.update(samples=samples, options=options)
            words = [
                {"word": " Hello", "start": np.float64(0.1), "end": 0.5, "probability": 0.9},
                {"word": " there,", "start": 0.4, "end": 2.3, "probability": 0.5},
            ]
            return {"segments": [{"words": words}, {"words": []}]}

    def load_model(path, device):
        if "broken" in path:
            raise RuntimeError("not a checkpoint")
        return Model()

    stand_in = types.ModuleType("whisper")
    stand_in.__spec__ = importlib.machinery.ModuleSpec("whisper", None)
    stand_in.load_model = load_model  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "whisper", stand_in)
    path = tmp_path / "tiny.pt"
    path.write_bytes(b"weights")
    return path, heard


def test_words_come_in_order_and_inside_the_audio(recording, weights):
    path, heard = weights
    notes = []
    words = transcribe(recording, WordsConfig(whisper=str(path)), note=notes.append)
    assert words == [Word("Hello", 0.1, 0.5, 0.9), Word("there,", 0.4, 2.0, 0.5)]
    assert heard["samples"].shape == (32000,)
    assert heard["samples"].dtype == np.float32
    assert heard["options"]["language"] == "en"
    assert "tiny.pt" in notes[0]


def test_without_words_the_three_ways_are_named(recording):
    with pytest.raises(UserError, match=r"timed words .*transcript .*words\.whisper"):
        transcribe(recording, WordsConfig())


def test_missing_and_broken_weights_are_refused(recording, weights, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        transcribe(recording, WordsConfig(whisper=str(tmp_path / "none.pt")))
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"?")
    with pytest.raises(UserError, match=r"broken\.pt cannot be loaded"):
        transcribe(recording, WordsConfig(whisper=str(broken)))


def test_the_missing_package_is_named(recording, weights, monkeypatch):
    path, _ = weights
    monkeypatch.delitem(sys.modules, "whisper")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UserError, match=r"llavataros-jax\[whisper\]"):
        transcribe(recording, WordsConfig(whisper=str(path)))


def test_silence_is_not_transcribed(tmp_path, weights):
    path, _ = weights
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16000), 16000)
    with pytest.raises(UserError, match="silent"):
        transcribe(silence, WordsConfig(whisper=str(path)))
