"""Phrases with a known span, aligned inside it: on an aligner of the test, and on real speech."""

import wave
from pathlib import Path

import numpy as np
import pytest

from data_prep.align.cues import align_cues, aligner_of_cues
from data_prep.words.timed_files import read_timed_text, read_timed_words
from data_prep.words.timed_text import Cue, TimedText
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE, read_mono

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


def write_sound(path, seconds):
    """Writes a sound whose value tells the time: sample k is k / rate / 100."""
    values = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE / 100
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE)
        file.writeframes((values * 32767).astype("<i2").tobytes())


class LateAligner:
    """Puts words into the last half of what it hears, and keeps when that begins and ends."""

    name = "late"

    def __init__(self, config: WordsConfig) -> None:
        self.heard: list[tuple[float, float]] = []

    def missing(self):
        return None

    def identity(self):
        return {}

    def align(self, audio_path, words, note):
        samples = read_mono(audio_path, SPEECH_RATE)
        self.heard.append((float(samples[0]) * 100, float(samples[-1]) * 100))
        if "no" in words:
            raise UserError("not found")
        note("pronunciation guessed")
        seconds = len(samples) / SPEECH_RATE
        edges = np.linspace(seconds / 2, seconds, len(words) + 1).tolist()
        return [Word(w, a, b) for w, a, b in zip(words, edges[:-1], edges[1:], strict=True)]


def text_of(*parts):
    words, cues = [], []
    for start, end, *tokens in parts:
        cues.append(Cue(len(words), len(words) + len(tokens), start, end))
        edges = np.linspace(start, end, len(tokens) + 1).tolist()
        words += [Word(w, a, b) for w, a, b in zip(tokens, edges[:-1], edges[1:], strict=True)]
    return TimedText(tuple(words), tuple(cues))


def test_each_cue_hears_its_own_span_alone(tmp_path):
    write_sound(tmp_path / "a.wav", 65.0)
    aligner, notes = LateAligner(WordsConfig()), []
    text = text_of((1, 3, "a", "b"), (19, 41, "c", "d"), (41, 45, "no", "e"), (50, 52, "f", "g"))
    found = align_cues(aligner, tmp_path / "a.wav", text, notes.append)
    np.testing.assert_allclose(aligner.heard, [(1, 3), (19, 41), (41, 45), (50, 52)], atol=0.01)
    assert [(w.text, w.start_seconds, w.end_seconds) for w in found] == [
        ("a", 2.0, 2.5), ("b", 2.5, 3.0), ("c", 30.0, 35.5), ("d", 35.5, 41.0),
        ("no", 41.0, 43.0), ("e", 43.0, 45.0), ("f", 51.0, 51.5), ("g", 51.5, 52.0),
    ]  # fmt: skip
    assert notes == [
        "words of 4 cues, each timed inside its span by late",
        "pronunciation guessed",
        "words of a cue were not found in the sound and share its span by their length",
    ]


def test_words_with_times_of_their_own_stay(tmp_path):
    write_sound(tmp_path / "a.wav", 4.0)
    text = TimedText((Word("x", 0, 0.5), Word("a", 1, 2), Word("b", 2, 3)), (Cue(1, 3, 1.0, 3.0),))
    found = align_cues(LateAligner(WordsConfig()), tmp_path / "a.wav", text, lambda note: None)
    assert found == [Word("x", 0, 0.5), Word("a", 2.0, 2.5), Word("b", 2.5, 3.0)]


def test_without_an_aligner_words_share_the_span(tmp_path):
    notes = []
    text = text_of((1, 3, "a", "b"))
    assert align_cues(None, tmp_path / "a.wav", text, notes.append) == list(text.words)
    assert "no aligner is there" in notes[0]
    assert aligner_of_cues(WordsConfig(language="xx")) is None
    with pytest.raises(UserError, match=r"cannot align words\.language=xx"):
        aligner_of_cues(WordsConfig(language="xx", aligner="pocketsphinx"))


@pytest.mark.slow
def test_captions_of_real_speech_are_timed_to_a_fifth_of_a_second(tmp_path):
    pytest.importorskip("pocketsphinx", reason="PocketSphinx is not installed")
    audio = next(iter(sorted((SHARED / "avataros").glob("**/001_Neutral_0_x_1_0.wav"))), None)
    if audio is None:
        pytest.skip(f"real recordings are not at {SHARED}")
    grid = SHARED / "avataros" / "alignments" / "001_Neutral_0_x_1_0.TextGrid"
    truth = [word for word in read_timed_words(grid, 1e4) if word.end_seconds < 40]
    captions = [truth[row : row + 8] for row in range(0, len(truth), 8)]
    (tmp_path / "a.srt").write_text(
        "\n".join(
            f"{n}\n00:00:{part[0].start_seconds:06.3f} --> 00:00:{part[-1].end_seconds:06.3f}\n"
            f"{' '.join(word.text for word in part)}\n"
            for n, part in enumerate(captions, 1)
        )
    )
    text = read_timed_text(tmp_path / "a.srt", 1e4)
    assert len(text.words) == len(truth)
    aligner = aligner_of_cues(WordsConfig(aligner="pocketsphinx"))
    found = align_cues(aligner, audio, text, lambda note: None)

    def errors(words):
        return [abs(w.start_seconds - t.start_seconds) for w, t in zip(words, truth, strict=True)]

    assert np.median(errors(found)) < 0.05
    assert np.mean(errors(found)) < 0.5 * np.mean(errors(text.words))
