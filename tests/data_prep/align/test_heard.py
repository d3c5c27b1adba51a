"""Times for words that a transcriber heard, stretch by stretch."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.align import heard
from data_prep.align.heard import grouped, heard_words
from data_prep.align.window import Window, sounds
from data_prep.listen.transcription import Transcription
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_mono

CONFIG = WordsConfig()
SPANS = [(0.5, 9.0), (10.0, 14.0), (20.0, 31.0)]
WORDS = [Word("a", 1.0, 2.0, 0.9), Word("b", 9.5, 13.0, 0.8), Word("c", 15.0, 22.0, 0.7)]


class Aligner:
    """Finds every word half a second later than it was heard, but not in some stretches."""

    name = "stand-in"
    lost, shift = (), 0.5

    def align_windows(self, audio_path, windows, note):
        times = {word.text: word for word in WORDS}
        note("a note on single words")
        for window in windows:
            yield (
                None
                if window.words[0] in self.lost
                else [
                    Word(
                        text,
                        times[text].start_seconds + self.shift,
                        times[text].end_seconds + self.shift,
                    )
                    for text in window.words
                ]
            )


@pytest.fixture
def aligner(monkeypatch):
    found = Transcription(tuple(WORDS), "en", times_are_rough=True)
    monkeypatch.setattr(heard, "transcription_of", lambda path, config, note: found)
    part = type("Part", (), {"start_seconds": 0.0, "spans": SPANS})
    monkeypatch.setattr(heard, "speech_parts", lambda path, seconds: [part])
    aligner = Aligner()
    monkeypatch.setattr(heard, "choose_aligner", lambda config: aligner)
    return aligner


@pytest.fixture
def path(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.ones(40 * 8000) / 2, 8000)
    return tmp_path / "a.wav"


def test_a_word_belongs_to_the_stretch_in_which_it_ends():
    groups = grouped(WORDS, SPANS)
    assert [[word.text for word in words] for words, _ in groups] == [["a", "b"], ["c"]]
    assert [span for _, span in groups] == [(0.5, 14.0), (20.0, 31.0)]


def test_speech_that_was_not_written_down_is_left_out():
    groups = grouped([WORDS[0], WORDS[2]], SPANS)
    assert [span for _, span in groups] == [(0.5, 9.0), (20.0, 31.0)]


def test_a_stretch_without_pauses_is_cut_between_words():
    words = [Word(str(k), k, k + (0.5 if k == 80 else 0.9)) for k in range(150)]
    groups = grouped(words, [(0.0, 150.0)])
    assert [word for part, _ in groups for word in part] == words
    assert max(end - start for _, (start, end) in groups) <= 60
    assert [span[0] for _, span in groups[1:]] == [span[1] for _, span in groups[:-1]]
    assert 80.75 in [span[0] for _, span in groups]


def test_words_get_the_aligners_times_and_keep_whispers_confidence(aligner, path):
    notes = []
    found = heard_words(path, CONFIG, note=notes.append)
    assert found.words[1] == Word("b", 10.0, 13.5, 0.8)
    assert notes == ["times of the words by stand-in"]


def test_a_stretch_that_fails_keeps_its_times_and_is_told_of(aligner, path):
    aligner.lost, notes = ("c",), []
    found = heard_words(path, CONFIG, note=notes.append)
    assert found.words[2] == WORDS[2]
    assert found.words[0].start_seconds == 1.5
    assert notes[0] == "times by Whisper itself at 20-31 s"


@pytest.mark.parametrize("wrong", [{"lost": ("a", "c")}, {"shift": 3.0}])
def test_an_alignment_that_went_astray_is_not_believed(aligner, path, wrong):
    vars(aligner).update(wrong)
    notes = []
    assert heard_words(path, CONFIG, note=notes.append).words == tuple(WORDS)
    assert notes == ["times by Whisper itself, since stand-in cannot find its words"]


def test_without_an_aligner_whispers_times_stay(aligner, path, monkeypatch):
    def refuse(config):
        raise UserError("none knows it")

    monkeypatch.setattr(heard, "choose_aligner", refuse)
    notes = []
    assert heard_words(path, CONFIG, note=notes.append).words == tuple(WORDS)
    assert notes == ["times by Whisper itself, since no aligner here knows language en"]
    with pytest.raises(UserError, match="none knows it"):
        heard_words(path, WordsConfig(aligner="mfa"))


def test_windows_hold_the_sound_between_their_times(tmp_path):
    path: Path = tmp_path / "a.wav"
    noise = np.random.default_rng(0).standard_normal(100 * 16000) / 9
    soundfile.write(path, noise, 16000)
    whole = read_mono(path, 16000)
    spans = [(0.0, 1.5), (1.2, 30.0), (71.0, 72.0), (72.0, 120.0), (130.0, 140.0)]
    found = sounds(path, [Window(("a",), *span) for span in spans])
    for (start, end), samples in zip(spans, found, strict=True):
        np.testing.assert_array_equal(samples, whole[round(start * 16000) : round(end * 16000)])
