"""Who writes words down: what is named, else the best that is here, else nobody."""

import numpy as np
import pytest
import soundfile

from data_prep.listen import pocketsphinx, whisper_weights
from data_prep.listen.choice import choose_transcriber
from data_prep.listen.transcribe import transcription_of
from llavataros_jax.config import WordsConfig
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """A machine on which nothing was downloaded."""
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "tiny.en-ct2"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    return folder


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(16000), 16000)
    return path


def chosen(**options):
    return choose_transcriber(WordsConfig(**options)).name


def without(monkeypatch, *modules):
    for place in (pocketsphinx, whisper_weights):
        monkeypatch.setattr(
            place, "missing_packages", lambda *names: [n for n in names if n in modules]
        )


def test_whisper_is_best_then_pocketsphinx_then_nothing(weights, monkeypatch):
    pytest.importorskip("faster_whisper")
    assert chosen(whisper=str(weights)) == "whisper"
    assert chosen(whisper=str(weights / "model.bin")) == "whisper"
    assert chosen(whisper="base.en") == "whisper"
    assert chosen() == "pocketsphinx"
    assert chosen(language="auto") == "pocketsphinx"
    assert chosen(language="de") == "none"
    assert chosen(transcriber="none", whisper=str(weights)) == "none"
    assert chosen(transcriber="pocketsphinx", whisper=str(weights)) == "pocketsphinx"
    without(monkeypatch, "pocketsphinx")
    assert chosen() == "none"


def test_weights_that_were_downloaded_before_are_taken(empty_cache):
    pytest.importorskip("faster_whisper")
    for name in ("tiny.en", "base"):
        folder = empty_cache / f"models--Systran--faster-whisper-{name}" / "snapshots" / "x"
        folder.mkdir(parents=True)
        (folder / "model.bin").write_bytes(name.encode())
    assert choose_transcriber(WordsConfig()).identity()["whisper"] == "base"
    assert chosen(language="de") == "whisper"
    assert chosen(transcriber="whisper") == "whisper"
    assert chosen(transcriber="pocketsphinx") == "pocketsphinx"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"transcriber": "whisper"}, r"needs weights: name them by words\.whisper, a size such as"),
        ({"transcriber": "pocketsphinx", "language": "de"}, r"English \(en\) only, not .*=de"),
        ({"whisper": "/nowhere.pt"}, r"words\.whisper=/nowhere\.pt does not exist; give a size"),
        ({"whisper": "huge"}, r"words\.whisper=huge does not exist; give a size"),
    ],
)
def test_what_is_named_but_cannot_be_used_is_refused(options, said):
    with pytest.raises(UserError, match=said):
        chosen(**options)
    with pytest.raises(UserError, match="transcriber"):
        config_from_dict({"words": {"transcriber": "parrot"}})


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is a folder without model\.bin; give .*hf download"):
        chosen(whisper=str(tmp_path))


def test_a_missing_package_is_named_with_a_command(weights, monkeypatch, tmp_path):
    without(monkeypatch, "faster_whisper")
    with pytest.raises(UserError, match=r"needs faster_whisper; install with: "):
        chosen(whisper=str(weights))
    (tmp_path / "base.pt").write_bytes(b"weights")
    without(monkeypatch, "whisper")
    with pytest.raises(UserError, match=r"base\.pt needs whisper; install with: "):
        chosen(whisper=str(tmp_path / "base.pt"))


def test_of_a_size_the_program_that_is_installed_runs_it(monkeypatch):
    without(monkeypatch, "faster_whisper")
    assert whisper_weights.whisper_engine("base") == "openai-whisper"
    without(monkeypatch, "whisper")
    assert whisper_weights.whisper_engine("base") == "faster-whisper"


def test_none_says_that_sound_alone_animates(recording, monkeypatch):
    notes = []
    found = transcription_of(recording, WordsConfig(transcriber="none"), note=notes.append)
    assert found.words == ()
    assert notes == ["no words: animated from sound alone"]
    notes.clear()
    transcription_of(recording, WordsConfig(language="de"), note=notes.append)
    assert notes[0].startswith("no words: animated from sound alone, because PocketSphinx knows")
    assert notes[0].endswith("; words.whisper=base writes them down")
    notes.clear()
    without(monkeypatch, "pocketsphinx")
    transcription_of(recording, WordsConfig(), note=notes.append)
    assert "needs pocketsphinx; install with: " in notes[0]
    assert notes[0].endswith("; words.whisper=base.en writes them down")


def test_identity_counts_weights_versions_and_gate(weights, monkeypatch):
    pytest.importorskip("faster_whisper")

    def identity():
        return choose_transcriber(WordsConfig(whisper=str(weights))).identity()

    before = identity()
    assert {"faster-whisper", "voice_gate", "whisper"} == set(before)
    (weights / "model.bin").write_bytes(b"other weights")
    assert identity()["whisper"] != before["whisper"]
    assert choose_transcriber(WordsConfig()).identity()["version"]
