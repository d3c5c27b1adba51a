"""The real Whisper with random weights of a tiny shape: structure is tested, not what it says."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.align.choice import align
from data_prep.align.whisper import plan_windows
from data_prep.clips.speech import prepare_speech
from data_prep.listen.transcribe import transcription_of
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError

JFK = Path(__file__).parents[3] / ".." / "shared" / "data" / "whisper" / "jfk_16k.wav"
TEXT = (
    "And so, my fellow Americans: ask NOT what your country can do for you — ask what you can do "
    "for your country."
)


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("whisper")
    import torch  # pyright: ignore[reportMissingImports]
    from whisper.model import (  # pyright: ignore[reportMissingImports]
        ModelDimensions,
        Whisper,
    )

    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80,
        n_audio_ctx=1500,
        n_audio_state=64,
        n_audio_head=2,
        n_audio_layer=2,
        n_vocab=51865,
        n_text_ctx=448,
        n_text_state=64,
        n_text_head=2,
        n_text_layer=2,
    )
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.01)
    path = tmp_path_factory.mktemp("whisper") / "random.pt"
    torch.save(
        {"dims": dataclasses.asdict(dims), "model_state_dict": model.state_dict()}, str(path)
    )
    return path


@pytest.fixture
def brief(monkeypatch):
    """Lets random weights say a dozen tokens and be believed; else they never end."""
    from whisper.model import Whisper  # pyright: ignore[reportMissingImports]

    original = Whisper.transcribe

    def transcribe(self, samples, **options):
        options |= {"temperature": 1e3, "sample_len": 12, "without_timestamps": True}
        options |= {"no_speech_threshold": None, "compression_ratio_threshold": None}
        options |= {"logprob_threshold": None, "hallucination_silence_threshold": None}
        return original(self, samples, **options)

    monkeypatch.setattr(Whisper, "transcribe", transcribe)


def real_speech():
    if not JFK.exists():
        pytest.skip("the real recording is not here")
    return JFK


def test_words_times_confidence_and_language(weights, brief):
    config, notes = WordsConfig(whisper=str(weights), device="cpu", language="auto"), []
    found = transcription_of(real_speech(), config, note=notes.append)
    again = transcription_of(real_speech(), config)
    assert found == again
    assert found.language
    assert found.words
    starts = [word.start_seconds for word in found.words]
    assert starts == sorted(starts)
    assert all(0 <= word.start_seconds <= word.end_seconds <= 11 for word in found.words)
    assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in found.words)
    assert any("found by itself" in note for note in notes)


@pytest.mark.parametrize("kind", ["silence", "noise", "flash"])
def test_where_nobody_speaks_nothing_is_invented(weights, tmp_path, kind):
    noise = np.random.default_rng(0).standard_normal(60 * 16000)
    samples = {"silence": 0 * noise, "noise": 0.03 * noise, "flash": 0.1 * noise[:3200]}[kind]
    path = tmp_path / f"{kind}.wav"
    soundfile.write(path, samples, 16000)
    config = config_from_dict({"words": {"whisper": str(weights), "device": "cpu"}})
    speech = prepare_speech(path, config=config)
    assert speech.words == ()
    assert (speech.word_index == -1).all()
    assert any(note.startswith("no words, because") for note in speech.notes)


def test_a_known_transcript_is_placed(weights):
    config = WordsConfig(aligner="whisper", whisper=str(weights), device="cpu")
    words = align(real_speech(), TEXT, config)
    assert [word.text for word in words] == TEXT.replace(" —", "").split()
    times = np.array([(word.start_seconds, word.end_seconds) for word in words])
    assert (np.diff(times[:, 0]) >= 0).all()
    assert (times[:, 1] >= times[:, 0]).all()
    assert times.max() <= 11
    assert all(word.confidence is not None for word in words)


def test_a_long_recording_that_says_something_else_is_refused(weights, brief, tmp_path):
    voice = soundfile.read(real_speech())[0]
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(voice, 3), 16000)
    config = WordsConfig(aligner="whisper", whisper=str(weights), device="cpu")
    with pytest.raises(UserError, match=r"does not fit .*long\.wav: Whisper heard 0 of its 66"):
        align(path, f"{TEXT} " * 3, config)


def test_weights_of_something_else_are_refused(weights, tmp_path):
    import torch  # pyright: ignore[reportMissingImports]

    torch.save({"a": 1}, str(tmp_path / "other.pt"))
    (tmp_path / "text.pt").write_text("hello")
    for name in ("other.pt", "text.pt"):
        config = WordsConfig(whisper=str(tmp_path / name), device="cpu")
        with pytest.raises(UserError, match=rf"{name} cannot be loaded on cpu"):
            transcription_of(real_speech(), config)
    with pytest.raises(UserError, match=r"huge does not exist; give a size such as base"):
        transcription_of(real_speech(), WordsConfig(whisper="huge"))


def spoken(*starts):
    return [Word(f"w{number}", start, start + 0.4) for number, start in enumerate(starts)]


def test_windows_are_cut_in_the_longest_late_pause():
    heard = spoken(*np.arange(5, 20, 0.5), *np.arange(24, 40, 0.5), 90.0)
    words = [word.text.upper() for word in heard]
    windows = plan_windows(words, heard, 120.0, Path("x.wav"))
    assert [window[:2] for window in windows] == [(0, 30), (30, 62), (62, 63)]
    np.testing.assert_allclose(
        [window[2:] for window in windows], [(4.5, 21.9), (23.5, 41.9), (89.5, 92.4)], atol=0.01
    )


def test_words_that_were_not_heard_stay_between_those_that_were():
    heard = spoken(*np.arange(0, 60, 0.5))
    words = [word.text if number % 3 else "unheard" for number, word in enumerate(heard)]
    windows = plan_windows(words, heard, 60.0, Path("x.wav"))
    assert windows[0][0] == 0
    assert windows[-1][1] == len(words)
    for (_, stop, start, end), (first, _, _, _) in itertools.pairwise(windows):
        assert stop == first
        assert end - start <= 28
    with pytest.raises(UserError, match="Whisper heard 12 of its 120 words"):
        plan_windows([*words[:18], *["unheard"] * 102], heard, 60.0, Path("x.wav"))
    gap = [*words[:30], *["unheard"] * 60, *words[90:]]
    with pytest.raises(UserError, match=r"heard no two words .* for 28 s, after 'w29'"):
        plan_windows(gap, heard, 60.0, Path("x.wav"))
