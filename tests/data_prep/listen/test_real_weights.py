"""Whisper with real weights on real recordings, by faster-whisper."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.align.heard import heard_words
from data_prep.listen.transcribe import transcription_of
from data_prep.words.spelling import bare_form
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from tests.data_prep.sound.test_voice_activity import music

pytest.importorskip("faster_whisper")
pytestmark = pytest.mark.slow
SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "whisper"
SAID = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for "
    "your country"
)


@pytest.fixture
def jfk():
    if not (SHARED / "jfk_16k.wav").exists():
        pytest.skip("the real recording is not here")
    return SHARED / "jfk_16k.wav"


@pytest.fixture
def config():
    if not (SHARED / "tiny.en-ct2").is_dir():
        pytest.skip("the real weights are not here")
    return WordsConfig(whisper=str(SHARED / "tiny.en-ct2"), device="cpu")


def test_a_real_speech_is_written_down_to_the_word(jfk, config):
    notes = []
    found = transcription_of(jfk, config, note=notes.append)
    assert spoken(found) == SAID
    assert found == transcription_of(jfk, config)
    assert notes == ["words written by Whisper (tiny.en-ct2), language en"]
    starts = {word.text: word.start_seconds for word in found.words[:10]}
    assert starts["ask"] < 2.6, "too early, which is why the transcript is aligned"


def test_its_words_are_aligned_afterwards(jfk, config):
    pytest.importorskip("pocketsphinx")
    notes = []
    found = heard_words(jfk, config, note=notes.append)
    assert spoken(found) == SAID
    starts = {word.text: word.start_seconds for word in found.words[:10]}
    assert starts["ask"] == pytest.approx(3.25, abs=0.1)  # as by hand
    assert notes[-1] == "times of the words by pocketsphinx"
    assert all(word.confidence is not None for word in found.words)


@pytest.mark.parametrize("kind", ["silence", "noise", "music"])
def test_where_nobody_speaks_nothing_is_invented(config, tmp_path, kind):
    noise = 0.03 * np.random.default_rng(0).standard_normal(30 * 16000)
    samples = {"silence": 1e-3 * noise, "noise": noise, "music": music(30)}[kind]
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    notes = []
    assert heard_words(tmp_path / "a.wav", config, note=notes.append).words == ()
    assert notes[0].startswith("no words, because")


def test_words_between_long_silences_stay_where_they_are_said(jfk, config, tmp_path):
    pytest.importorskip("pocketsphinx")
    voice, quiet = soundfile.read(jfk)[0], np.zeros(20 * 16000)
    hiss = 1e-4 * np.random.default_rng(0).standard_normal(2 * len(voice) + 3 * len(quiet))
    long = np.concatenate([quiet, voice, quiet, voice, quiet]) + hiss
    soundfile.write(tmp_path / "long.wav", long, 16000)
    words = heard_words(tmp_path / "long.wav", config).words
    assert " ".join(word.text for word in words).count("for your country") == 2
    inside = [20 < w.start_seconds < 31 or 51 < w.start_seconds < 62 for w in words]
    assert all(inside)


def test_a_language_that_the_weights_do_not_know_is_refused(jfk, config):
    config = WordsConfig(whisper=config.whisper, device="cpu", language="de")
    with pytest.raises(UserError, match=r"a model of English only, but words\.language=de; give a"):
        transcription_of(jfk, config)


def test_a_broken_folder_is_refused(jfk, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"cannot be loaded on cpu .*model for CTranslate2"):
        transcription_of(jfk, WordsConfig(whisper=str(tmp_path), device="cpu"))


def test_a_size_without_a_network_is_refused_with_what_to_do(jfk, tmp_path, monkeypatch):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(UserError, match=r"base\.en is not on this machine .*run `hf download Sys"):
        transcription_of(jfk, WordsConfig(whisper="base.en", device="cpu"))


def spoken(found):
    return " ".join(bare_form(word.text) for word in found.words)


def offline(*_, **__):
    raise ConnectionError
