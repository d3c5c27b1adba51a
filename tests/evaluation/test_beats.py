"""Beats and their alignment against closed forms and the definition written out."""

import math

import numpy as np
import pytest

from llavataros_jax.evaluation.beats import beat_alignment, motion_beats


@pytest.mark.parametrize("fps", [15.0, 20.0, 30.0, 60.0])
def test_beats_are_the_minima_of_a_cosine(fps):
    time = np.arange(round(10 * fps)) / fps
    # One beat each second, at 0.6 s past it, on a frame at all of these rates.
    beats = motion_beats(1 - np.cos(2 * np.pi * (time - 0.6)), fps)
    np.testing.assert_allclose(beats, np.arange(10) + 0.6, atol=1e-12)


@pytest.mark.parametrize(("fps", "reach"), [(15.0, 2), (30.0, 4), (60.0, 8), (5.0, 1)])
def test_a_lower_frame_within_two_fifteenths_of_a_second_hides_a_beat(fps, reach):
    for apart, expected in ((reach, 1), (reach + 1, 2)):
        speed = np.ones(60)
        speed[30], speed[30 + apart] = 0.5, 0.4
        # All else is level, so only the two dips can be strictly lower than their neighbours.
        assert len(motion_beats(speed, fps)) == expected


def test_no_beats_in_what_is_still_or_short():
    assert len(motion_beats(np.zeros(50), 30.0)) == 0
    assert len(motion_beats(np.zeros(1), 30.0)) == 0


def test_alignment_has_its_closed_form():
    assert beat_alignment(np.array([1.0]), np.array([1.3])) == pytest.approx(math.exp(-0.5))
    assert beat_alignment(np.array([1.0, 5.0]), np.array([1.0, 5.6])) == pytest.approx(
        (1 + math.exp(-2)) / 2
    )
    assert beat_alignment(np.array([1.0]), np.array([1.5]), 0.5) == pytest.approx(math.exp(-0.5))


def test_every_audio_beat_counts_and_no_motion_beat_does():
    audio, motion = np.array([1.0]), np.array([1.0, 9.0, 20.0])
    assert beat_alignment(audio, motion) == 1.0
    assert beat_alignment(motion, audio) == pytest.approx(1 / 3)


def test_alignment_equals_the_definition_over_all_pairs():
    random = np.random.default_rng(0)
    for size in (1, 2, 40):
        audio, motion = random.uniform(0, 20, 30), random.uniform(0, 20, size)
        terms = np.exp(-((audio[:, None] - motion) ** 2) / (2 * 0.3**2)).max(axis=1)
        assert beat_alignment(audio, motion) == pytest.approx(terms.mean(), rel=1e-12)


def test_guards():
    assert math.isnan(beat_alignment(np.zeros(0), np.array([1.0])))
    assert math.isnan(beat_alignment(np.zeros(0), np.zeros(0)))
    assert beat_alignment(np.array([1.0]), np.zeros(0)) == 0.0
