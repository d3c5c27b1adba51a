"""The report on alignments that are right, shifted and foreign."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.align.check import (
    alignment_notes,
    inspect_alignment,
    transcript_notes,
)
from data_prep.clips.speech import prepare_speech
from data_prep.words.timed_files import read_timed_words
from data_prep.words.word import UNKNOWN, Word
from tests.data_prep.recordings import small_config, write_clip

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
REAL = [
    ("avataros/001_Neutral_0_x_1_0", "avataros/alignments/001_Neutral_0_x_1_0"),
    ("avataros/001_Neutral_0_mirror_x_1_0", "avataros/alignments/001_Neutral_0_mirror_x_1_0"),
    ("mfa/acoustic_corpus", "mfa/acoustic_corpus"),
]


def shifted(words, seconds, *, start=0.0, stop=1e9):
    return [
        dataclasses.replace(
            word,
            start_seconds=word.start_seconds + seconds,
            end_seconds=word.end_seconds + seconds,
        )
        if start <= word.start_seconds < stop
        else word
        for word in words
    ]


@pytest.fixture(params=REAL, ids=lambda names: names[0].split("/")[1])
def real(request):
    wav, grid = (SHARED / name for name in request.param)
    if not SHARED.is_dir():
        pytest.skip(f"real recordings are not at {SHARED}")
    wav, grid = Path(f"{wav}.wav"), Path(f"{grid}.TextGrid")
    return wav, read_timed_words(grid, 1e4), soundfile.info(wav).duration


def test_mfas_own_alignments_are_not_flagged(real):
    wav, words, _ = real
    report = inspect_alignment(wav, words)
    assert report.notes() == []
    assert report.bad_stretches == ()
    assert report.covered_share > 0.85


@pytest.mark.parametrize("shift", [2.0, -2.0])
def test_shifted_alignments_are_flagged_with_the_shift(real, shift):
    wav, words, seconds = real
    right = inspect_alignment(wav, words)
    report = inspect_alignment(wav, shifted(words, shift))
    # Measured: all of the two minutes, and 25 s or more of 26.7 s.
    bad = sum(part.end_seconds - part.start_seconds for part in report.bad_stretches)
    assert bad > 0.9 * seconds
    assert {part.shift_seconds for part in report.bad_stretches} == {shift}
    side = "late" if shift > 0 else "early"
    assert report.notes()[0].endswith(f"as if words came 2.0 s too {side}")
    assert report.covered_share < right.covered_share - 0.1
    if seconds > 60:  # in the short one, people laugh aloud between words
        contrast = report.inside_decibels - report.outside_decibels
        assert contrast < right.inside_decibels - right.outside_decibels - 5


def test_only_the_stretch_that_is_shifted_is_flagged(real):
    wav, words, seconds = real
    if seconds < 60:
        pytest.skip("too short for a part of it")
    report = inspect_alignment(wav, shifted(words, 2.0, start=40, stop=70))
    assert report.bad_stretches
    assert min(part.start_seconds for part in report.bad_stretches) >= 30
    assert max(part.end_seconds for part in report.bad_stretches) <= 82
    bad = sum(part.end_seconds - part.start_seconds for part in report.bad_stretches)
    assert bad >= 25


def test_words_of_another_recording_are_flagged():
    if not SHARED.is_dir():
        pytest.skip(f"real recordings are not at {SHARED}")
    other = read_timed_words(SHARED / "avataros/alignments_more/009_Sad_3_x_1_0.TextGrid", 1e4)
    wav = SHARED / "avataros/001_Neutral_0_x_1_0.wav"
    words = [word for word in other if word.end_seconds < soundfile.info(wav).duration]
    assert len(words) > 50
    bad = inspect_alignment(wav, words).bad_stretches
    assert sum(part.end_seconds - part.start_seconds for part in bad) > 60


def test_a_made_up_recording(tmp_path):
    times = np.arange(12 * 16000) / 16000
    burst = (times >= 4) & (times < 8)
    path = tmp_path / "burst.wav"
    tone = np.sin(2 * np.pi * 440 * times)
    soundfile.write(path, np.where(burst, 0.1, 0.001) * np.sqrt(2) * tone, 16000)
    report = inspect_alignment(path, [Word(UNKNOWN, 4, 8)])
    assert report.inside_decibels == pytest.approx(-20, abs=0.1)
    assert report.outside_decibels < -45  # power is smoothed over 50 ms
    assert report.covered_share == pytest.approx(1, abs=0.02)
    assert report.num_unknown == 1
    assert report.bad_stretches == ()
    assert report.notes() == ["longer than 3 s: '<unk>' at 4.0 s"]
    half = inspect_alignment(path, [Word("a", 4, 5)])
    assert half.covered_share == pytest.approx(0.25, abs=0.02)
    assert "only 25% of the sound lies in words" in half.notes()
    late = inspect_alignment(path, [Word("a", 5, 7), Word("b", 7, 9)])
    assert [part.shift_seconds for part in late.bad_stretches] == [1.0]


@pytest.mark.slow
def test_words_that_are_not_the_transcripts_are_told(tmp_path):
    words = [Word(text, k, k + 0.5) for k, text in enumerate(("Hello", "big", "world", "again"))]
    assert transcript_notes(words, "hello, BIG — world! again") == []
    assert transcript_notes(words, "hello little world then") == [
        "2 of the transcript's 4 words are not among the timed words"
    ]
    write_clip(tmp_path, "a")
    (tmp_path / "a.txt").write_text("something else is said here")
    speech = prepare_speech(
        tmp_path / "a.wav",
        config=small_config(tmp_path),
        words=tmp_path / "a.json",
        transcript=tmp_path / "a.txt",
    )
    assert "5 of the transcript's 5 words are not among the timed words" in speech.notes


def test_no_words_steady_noise_and_a_flash_say_nothing(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(160000), 16000)
    assert alignment_notes(path, []) == []
    assert alignment_notes(path, [Word("a", 1, 2)]) == []
    assert np.isnan(inspect_alignment(path, [Word("a", 1, 2)]).covered_share)
    soundfile.write(path, np.zeros(80), 16000)
    assert alignment_notes(path, [Word("a", 0, 0.005)]) == []
