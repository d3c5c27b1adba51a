"""The rough transcript that comes without weights."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.listen import pocketsphinx
from data_prep.listen.transcribe import transcription_of
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError

pytest.importorskip("pocketsphinx")
JFK = Path(__file__).parents[3] / ".." / "shared" / "data" / "whisper" / "jfk_16k.wav"
CONFIG = WordsConfig(transcriber="pocketsphinx")


@pytest.fixture
def jfk():
    if not JFK.exists():
        pytest.skip("the real recording is not here")
    return JFK


@pytest.mark.slow
def test_most_of_a_real_speech_is_written_down_in_its_place(jfk):
    notes = []
    found = transcription_of(jfk, CONFIG, note=notes.append)
    assert "what you can do for your country" in found.text
    assert "my fellow" in found.text
    assert found.language == "en"
    times = {word.text: word.start_seconds for word in found.words}
    assert times["fellow"] == pytest.approx(1.24, abs=0.1)  # as by hand
    assert times["country"] == pytest.approx(9.99, abs=0.1)
    starts = [word.start_seconds for word in found.words]
    assert starts == sorted(starts)
    assert all(0 <= word.confidence <= 1 for word in found.words if word.confidence is not None)
    assert not any(word.text[0] in "<[(+" or "(" in word.text for word in found.words)
    (note,) = notes
    assert note.startswith("rough transcript by PocketSphinx")
    assert note.endswith("llavataros animate RECORDING words.whisper=base.en")


@pytest.mark.slow
def test_one_process_hears_what_several_do(jfk, monkeypatch):
    several = transcription_of(jfk, CONFIG)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0})
    assert transcription_of(jfk, CONFIG) == several


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_silence_and_noise_have_no_words(tmp_path, level):
    path, notes = tmp_path / "a.wav", []
    noise = np.random.default_rng(0).standard_normal(80000)
    soundfile.write(path, level * noise + 1e-3 * (np.arange(80000) == 0), 16000)
    assert transcription_of(path, CONFIG, note=notes.append).words == ()
    assert notes == ["no words, because nobody speaks in it"]


def test_sound_in_which_no_word_is_heard_is_told_of(tmp_path, monkeypatch):
    path, notes = tmp_path / "a.wav", []
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(80000), 16000)
    monkeypatch.setattr("data_prep.listen.parts.speech_spans", lambda samples: [(0.0, 4.0)])
    monkeypatch.setattr(pocketsphinx, "_ask", lambda *_: [["<s>", 0, 5, 1.0], ["[NOISE]", 6, 9, 1]])
    assert transcription_of(path, CONFIG, note=notes.append).words == ()
    assert notes == ["no words could be made out by PocketSphinx"]


def test_a_decoder_that_ends_is_told_of(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(80000), 16000)
    monkeypatch.setattr("data_prep.listen.parts.speech_spans", lambda samples: [(0.0, 4.0)])
    killed = ["sh", "-c", "exit 9"]
    monkeypatch.setattr(
        pocketsphinx,
        "_start",
        lambda: subprocess.Popen(killed, stdin=subprocess.PIPE, stdout=subprocess.PIPE),
    )
    with pytest.raises(UserError, match=r"ended by itself \(exit code 9\)"):
        transcription_of(path, CONFIG)
