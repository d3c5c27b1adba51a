"""Recordings in parts: nothing is lost, cuts lie in pauses, and no part is too long."""

import numpy as np
import pytest
import soundfile

from data_prep.listen.parts import Part, pieces, speech_parts
from data_prep.sound import voice_activity
from llavataros_jax.sound.reader import SPEECH_RATE

SPOKEN = ((1, 4), (6, 13), (16, 18), (19, 43))


@pytest.fixture
def samples(monkeypatch):
    monkeypatch.setattr(voice_activity, "tells_music", lambda: False)
    loudness = np.full(45 * SPEECH_RATE, 1e-5)
    for start, end in SPOKEN:
        loudness[start * SPEECH_RATE : end * SPEECH_RATE] = 0.1
    noise = np.random.default_rng(0).standard_normal(len(loudness))
    return (loudness * noise).astype(np.float32)


def test_parts_are_the_recording_and_are_cut_in_pauses(samples, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, SPEECH_RATE, subtype="FLOAT")
    parts = list(speech_parts(path, 20.0))
    np.testing.assert_array_equal(np.concatenate([part.samples for part in parts]), samples)
    starts = [part.start_seconds for part in parts]
    assert starts[0] == 0
    assert starts[1] == pytest.approx(14.5, abs=0.05), "the middle of the longest late pause"
    assert all(len(part.samples) <= 20 * SPEECH_RATE for part in parts)
    spoken = sum(end - start for part in parts for start, end in part.spans)
    assert spoken == pytest.approx(36 + 0.4 * len(SPOKEN), abs=0.1), "padded by 0.2 s at both ends"


def test_a_recording_that_fills_its_last_part_ends_there(samples, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples[: 20 * SPEECH_RATE], SPEECH_RATE, subtype="FLOAT")
    (part,) = speech_parts(path, 20.0)
    assert len(part.samples) == 20 * SPEECH_RATE


def test_speech_without_a_pause_is_cut_where_it_is_quietest():
    noise = np.random.default_rng(0).standard_normal(30 * SPEECH_RATE).astype(np.float32)
    noise[round(12.3 * SPEECH_RATE) : round(12.4 * SPEECH_RATE)] *= 0.01
    found = pieces(Part(0.0, noise, [(1.0, 29.0)]), 15.0)
    assert found[0] == (1.0, pytest.approx(12.35, abs=0.05))
    assert [start for start, _ in found[1:]] == [end for _, end in found[:-1]]
    assert found[-1][1] == 29.0
    assert max(end - start for start, end in found) <= 15
