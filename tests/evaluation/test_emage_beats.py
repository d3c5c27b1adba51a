"""EMAGE's beats against its loops written out, librosa and closed forms."""

import math

import librosa
import numpy as np
import pytest
from scipy.signal import argrelextrema

from llavataros_jax.evaluation.emage_beats import (
    emage_alignment,
    emage_motion_beats,
    speech_onsets,
)


def walk(frames, joints, seed):
    steps = np.random.default_rng(seed).normal(size=(frames, joints, 3))
    return np.cumsum(np.cumsum(steps, axis=0), axis=0) * 1e-3


def loops(positions, fps, mean_speeds, threshold, order, trim, *, compat):
    """Finds beats by the definition, frame by frame."""
    frames = len(positions)
    found = []
    for joint in range(positions.shape[1]):
        path, speeds = positions[:, joint], np.zeros(frames)
        for k in range(frames):
            before, after = max(k - 1, 0), min(k + 1, frames - 1)
            velocity = (path[after] - path[before]) * fps / (after - before)
            speeds[k] = np.linalg.norm(velocity) / mean_speeds[joint]
        beats = []
        for at in argrelextrema(speeds[trim : frames - trim], np.less, order=order)[0]:
            looked_up = at if compat else at + trim
            if speeds[looked_up] > threshold:
                beats.append(at)
        found.append(beats)
    return found


@pytest.mark.parametrize("compat", [True, False])
@pytest.mark.parametrize(("trim", "threshold"), [(60, 0.1), (10, 0.3), (0, 0.5)])
def test_beats_are_those_of_the_definition(compat, trim, threshold):
    positions, mean_speeds = walk(400, 3, 0), np.array([0.5, 1.0, 2.0])
    given = {"threshold": threshold, "trim_frames": trim, "compat": compat}
    found = emage_motion_beats(positions, 30.0, mean_speeds, **given)
    expected = loops(positions, 30.0, mean_speeds, threshold, 7, trim, compat=compat)
    assert [beats.tolist() for beats in found] == expected
    assert any(expected)


def test_the_quirk_looks_60_frames_too_early():
    # x rests but for one swing with a slow moment at frame 100; 60 frames earlier it rests.
    speeds = np.zeros(200)
    speeds[80:121] = 1 + 0.1 * np.abs(np.arange(-20, 21)) / 20
    positions = np.zeros((200, 1, 3))
    positions[1:, 0, 0] = np.cumsum(speeds[:-1] + speeds[1:]) / 2 / 30
    found = [
        emage_motion_beats(positions, 30.0, np.ones(1), compat=compat)[0].tolist()
        for compat in (True, False)
    ]
    assert found == [[], [40]]


def test_short_still_and_undivided():
    for frames in (1, 2, 50, 121):
        assert [len(b) for b in emage_motion_beats(walk(frames, 2, 1), 30.0, np.ones(2))] == [0, 0]
    assert not len(emage_motion_beats(np.zeros((300, 1, 3)), 30.0, np.zeros(1))[0])


def test_scores_have_their_closed_form():
    onsets = np.array([1.0, 2.0])
    beats = [np.array([30, 69]), np.zeros(0, int)]
    # 0 and 0.3 s away in both directions; the joint without beats scores 0.
    expected = (1 + math.exp(-0.5)) / 2 / 2
    assert emage_alignment(onsets, beats) == pytest.approx((expected, expected))
    more = [np.array([30, 69, 300])]
    to_motion, to_audio = emage_alignment(onsets, more)
    assert to_motion == pytest.approx(2 * expected)
    assert to_audio == pytest.approx((1 + math.exp(-0.5) + math.exp(-(8**2) / 0.18)) / 3)
    wider = emage_alignment(onsets, more, sigma_seconds=0.5)[0]
    assert wider == pytest.approx((1 + math.exp(-0.09 / 0.5)) / 2)
    assert all(map(math.isnan, emage_alignment(np.zeros(0), beats)))
    assert all(map(math.isnan, emage_alignment(onsets, [])))


def test_onsets_are_librosas_and_stand_at_clicks():
    clicks = librosa.clicks(times=[0.5, 1.2, 2.0], sr=16000, length=48000).astype(np.float32)
    expected = librosa.onset.onset_detect(y=clicks, sr=16000, units="time")
    np.testing.assert_array_equal(speech_onsets(clicks), expected)
    away = np.abs(speech_onsets(clicks)[:, None] - [0.5, 1.2, 2.0])
    # Every click is found, and nothing is but clicks' beginnings and ends.
    assert away.min(axis=0).max() < 0.032
    assert away.min(axis=1).max() < 0.1
    assert not len(speech_onsets(np.zeros(0, np.float32)))
    assert not len(speech_onsets(np.zeros(16000, np.float32)))
