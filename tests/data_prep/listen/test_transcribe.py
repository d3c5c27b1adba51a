"""The Whisper transcriber, with a stand-in for the package, and its refusals."""

import importlib.machinery
import json
import sys
import types

import numpy as np
import pytest
import soundfile

from data_prep.align import heard as heard_module
from data_prep.listen import whisper as whisper_module
from data_prep.listen import whisper_model
from data_prep.listen.transcribe import transcription_of
from data_prep.run.transcribe_folder import main
from data_prep.sound import voice_activity
from data_prep.words.timed_files import read_timed_words
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError


def transcribe(path, config, note=lambda message: None):
    return list(transcription_of(path, config, note=note).words)


def no_aligner(config):
    raise UserError("no aligner is here")


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "speech.wav"
    loudness = np.repeat([0.1, 0.001, 0.1, 0.001], 11025)[:, None]
    soundfile.write(path, loudness * np.random.default_rng(0).standard_normal((44100, 2)), 22050)
    return path


@pytest.fixture
def weights(tmp_path, monkeypatch):
    heard = {}

    class Model:
        device = "cpu"
        is_multilingual = True

        def transcribe(self, samples, **options):
            heard.update(samples=samples, options=options)
            words = [
                {"word": " Hello", "start": np.float64(0.1), "end": 0.5, "probability": 0.9},
                {"word": " there,", "start": 0.4, "end": 2.3, "probability": 0.5},
            ]
            loop = {"words": words, "compression_ratio": 9.0}
            return {"segments": [{"words": words}, {"words": []}, loop], "language": "en"}

    def load_model(path, device):
        heard["loads"] = heard.get("loads", 0) + 1
        if "broken" in path:
            raise RuntimeError("not a checkpoint")
        return Model()

    stand_in = types.ModuleType("whisper")
    stand_in.__spec__ = importlib.machinery.ModuleSpec("whisper", None)
    stand_in.load_model = load_model  # pyright: ignore[reportAttributeAccessIssue]
    stand_in.available_models = lambda: ["base"]  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer = types.ModuleType("whisper.tokenizer")
    tokenizer.LANGUAGES = {"en": "english"}  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "whisper", stand_in)
    monkeypatch.setitem(sys.modules, "whisper.tokenizer", tokenizer)
    monkeypatch.setattr(whisper_module, "tells_music", lambda: False)
    monkeypatch.setattr(voice_activity, "tells_music", lambda: False)
    # Noise holds no words that an aligner would find.
    monkeypatch.setattr(heard_module, "choose_aligner", no_aligner)
    whisper_model._load.cache_clear()
    path = tmp_path / "tiny.pt"
    path.write_bytes(b"weights")
    return path, heard


def test_words_come_in_order_and_inside_the_audio(recording, weights):
    path, heard = weights
    notes = []
    words = transcribe(recording, WordsConfig(whisper=str(path), device="cpu"), note=notes.append)
    assert words == [Word("Hello", 0.1, 0.5, 0.9), Word("there,", 0.4, 2.0, 0.5)]
    assert heard["samples"].dtype == np.float32
    assert heard["options"]["language"] == "en"
    (start, end) = heard["options"]["clip_timestamps"]  # the pause is short
    assert (start, end) == (0, pytest.approx(1.7, abs=0.02))
    assert notes[0].startswith("speech found by loudness alone")
    assert notes[1] == "1 parts left out, in which Whisper repeated itself"
    assert notes[2] == "words written by Whisper (tiny.pt), language en"


def test_weights_are_loaded_once_and_the_transcript_is_kept(recording, weights):
    path, heard = weights
    config = WordsConfig(whisper=str(path), device="cpu", language="auto")
    notes = []
    found = [transcription_of(recording, config, note=notes.append) for _ in range(2)]
    assert found[0] == found[1]
    assert (found[0].text, found[0].language) == ("Hello there,", "en")
    assert heard["options"]["language"] is None
    assert heard["loads"] == 1
    assert "language en, found by itself" in notes[-1]
    with pytest.raises(UserError, match=r"words\.language=tlh is not known to Whisper"):
        transcribe(recording, WordsConfig(whisper=str(path), device="cpu", language="tlh"))


def test_a_folder_is_written_down_and_read_back(recording, weights, tmp_path, capsys, monkeypatch):
    path, heard = weights
    (tmp_path / "sub").mkdir()
    recording.rename(tmp_path / "sub/a.wav")
    (tmp_path / "broken.wav").write_text("no sound")
    command = [str(tmp_path), str(tmp_path / "out"), "--whisper", str(path), "--device", "cpu"]
    assert main(command) == 1
    assert "broken.wav" in capsys.readouterr().out
    tree = json.loads((tmp_path / "out/sub/a.json").read_text())
    assert (tree["text"], tree["language"]) == ("Hello there,", "en")
    assert read_timed_words(tmp_path / "out/sub/a.json", 2.0) == [
        Word("Hello", 0.1, 0.5, 0.9),
        Word("there,", 0.4, 2.0, 0.5),
    ]
    (tmp_path / "broken.wav").unlink()
    assert main(command) == 0
    assert heard["loads"] == 1
    assert main([str(tmp_path / "none"), *command[1:]]) == 2
    assert "is not a folder" in capsys.readouterr().err
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert main([*command[:2], "--language", "de"]) == 2
    assert "can write " in (said := capsys.readouterr().err)
    assert "words.whisper=base writes them down" in said


@pytest.fixture
def folder(recording, weights, tmp_path):
    """A folder with one recording, and how to have it written down; returns what was changed."""
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    recording.rename(sounds / "a.wav")

    def write(*options, path=weights[0]):
        before = _state(tmp_path / "out/a.json")
        command = [str(sounds), str(tmp_path / "out"), "--whisper", str(path), "--device", "cpu"]
        assert main([*command, *options]) == 0
        return _state(tmp_path / "out/a.json") != before

    return sounds, tmp_path / "out/a.json", write


def _state(path):
    return path.stat().st_ino if path.exists() else None


def test_a_transcript_counts_for_its_recording_weights_language_and_gate(
    folder, weights, tmp_path, monkeypatch
):
    sounds, _, write = folder
    assert write()
    assert not write()
    assert write("--language", "en")
    assert not write("--language", "en")
    (tmp_path / "moved.pt").write_bytes(weights[0].read_bytes())
    assert not write("--language", "en", path=tmp_path / "moved.pt")
    (tmp_path / "moved.pt").write_bytes(b"other weights")
    assert write("--language", "en", path=tmp_path / "moved.pt")
    soundfile.write(sounds / "a.wav", np.random.default_rng(1).standard_normal(22050) / 9, 22050)
    assert write()
    monkeypatch.setattr(voice_activity, "tells_music", lambda: True)
    monkeypatch.setattr(voice_activity, "_silero_spans", lambda samples: [(0.0, 1.0)])
    assert write()
    assert not write()


def test_what_somebody_corrected_stays_and_is_told(folder, capsys):
    _, target, write = folder
    write()
    tree = json.loads(target.read_text())
    tree["words"][0]["text"] = "Hullo"
    target.write_text(json.dumps(tree))
    assert not write("--language", "en")
    assert f"{target} was changed after it was written" in capsys.readouterr().out
    for other in ({"words": []}, [], "no json"):
        target.write_text(other if isinstance(other, str) else json.dumps(other))
        assert not write()
        assert f"{target} does not say what it was made from" in capsys.readouterr().out
    target.unlink()
    assert write()


def test_of_two_sound_files_of_one_name_one_is_written_down(folder, capsys):
    sounds, _, write = folder
    soundfile.write(sounds / "a.flac", np.zeros(16000), 16000)
    assert write()
    assert not write()
    assert "1 of 1 recordings" in capsys.readouterr().out


def test_long_recordings_are_given_in_parts(tmp_path, weights, monkeypatch):
    path, _ = weights
    calls = []
    monkeypatch.setattr(whisper_module, "_PART_SECONDS", 10.0)

    class Model:
        is_multilingual, languages = True, {"en"}

        def hear(self, samples, spans, language):
            calls.append((len(samples) / 16000, spans))
            heard = [Word("a", start + 0.1, start + 0.5) for start, _ in spans]
            return [whisper_model.Segment(tuple(heard), 1.0)], "en"

    monkeypatch.setattr(whisper_module, "load_whisper", lambda config: Model())
    loudness = np.zeros(40 * 16000)
    for start, end in ((3, 5), (11, 12), (15, 39)):
        loudness[start * 16000 : end * 16000] = 0.1
    loudness.reshape(-1, 3200)[1::2] *= 0.2  # as syllables are
    noise = np.random.default_rng(0).standard_normal(len(loudness))
    soundfile.write(tmp_path / "long.wav", (loudness + 1e-5) * noise, 16000)
    words = transcribe(tmp_path / "long.wav", WordsConfig(whisper=str(path), device="cpu"))
    starts = [word.start_seconds for word in words]
    np.testing.assert_allclose(starts[:3], [2.9, 10.9, 14.9], atol=0.03)
    assert max(seconds for seconds, _ in calls) <= 10
    assert sum(end - start for _, spans in calls for start, end in spans) == pytest.approx(28, 0.1)


def test_missing_and_broken_weights_are_refused(recording, weights, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        transcribe(recording, WordsConfig(whisper=str(tmp_path / "none.pt")))
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"?")
    with pytest.raises(UserError, match=r"broken\.pt cannot be loaded"):
        transcribe(recording, WordsConfig(whisper=str(broken), device="cpu"))


def test_the_missing_package_is_named(recording, weights, monkeypatch):
    path, _ = weights
    monkeypatch.delitem(sys.modules, "whisper")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UserError, match=r"words\.whisper=.*tiny\.pt needs whisper; install with: "):
        transcribe(recording, WordsConfig(whisper=str(path), device="cpu"))


def test_silence_and_noise_are_not_transcribed(tmp_path, weights):
    path, heard = weights
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16000), 16000)
    config, notes = WordsConfig(whisper=str(path), device="cpu"), []
    assert transcribe(silence, config, note=notes.append) == []
    soundfile.write(silence, 0.1 * np.random.default_rng(0).standard_normal(80000), 16000)
    assert transcribe(silence, config, note=notes.append) == []
    assert notes[0] == "no words, because it is silent"
    assert notes[-1] == "no words, because nobody speaks in it"
    assert "loads" not in heard
