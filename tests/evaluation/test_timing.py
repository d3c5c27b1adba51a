"""Measures of timing: strokes and beats at known moments, chance, and nothing to hear."""

import math

import numpy as np
import pytest

from llavataros_jax.evaluation.anchors import shifted_times
from llavataros_jax.evaluation.beats import chance_corrected, closeness
from llavataros_jax.evaluation.catalogue import timing as catalogue
from llavataros_jax.evaluation.take import Take
from tests.evaluation.people import LEFT_HAND, RIGHT_HAND, strokes
from tests.evaluation.takes import heard, nameless, take, value

SECONDS, FPS = 40, 30.0
FRAMES = round(SECONDS * FPS)
# Irregular, so that no shift fits the rhythm.
TIMES = np.cumsum(np.random.default_rng(0).uniform(0.9, 2.4, 40))
TIMES = TIMES[TIMES < SECONDS - 1]


def moving(*, beats_at=None, strokes_at=None, slowness=1.0, **speech) -> Take:
    """Moves both hands in strokes, or on and on so that they are slow at given moments.

    `slowness` is how far their speed falls from its mean: 1 is to rest.
    """
    if strokes_at is not None:
        path = strokes(strokes_at, num_frames=FRAMES, fps=FPS)
    else:
        time = np.arange(FRAMES) / FPS
        turn = np.interp(time, [0, *beats_at, SECONDS], np.arange(len(beats_at) + 2))
        path = np.zeros((FRAMES, 3))
        path[:, 0] = 0.3 * (turn - slowness * np.sin(2 * np.pi * turn) / (2 * np.pi))
    moves = {LEFT_HAND: path, RIGHT_HAND: path}
    return take(moves, moves, num_frames=FRAMES, fps=FPS, spoken=heard(**speech, seconds=SECONDS))


def test_stops_on_beats_are_aligned_and_others_are_not():
    on, off = moving(beats_at=TIMES, times=TIMES), moving(beats_at=TIMES, times=TIMES + 0.45)
    for measure in (catalogue.BEAT_ALIGNMENT, catalogue.BEAT_ALIGNMENT_TO_AUDIO):
        assert value(measure, on) > 0.97
        assert value(measure, off) < 0.75
    # EMAGE's form knows no beats at rest, and all others alike.
    assert value(catalogue.BEAT_ALIGNMENT_EMAGE, on) == 0
    slow = moving(beats_at=TIMES, times=TIMES, slowness=0.5)
    assert value(catalogue.BEAT_ALIGNMENT_EMAGE, slow) > 0.97
    # Of six joints two move, and four have no beats.
    arms = value(catalogue.BEAT_ALIGNMENT_ARMS, on)
    assert arms == pytest.approx(value(catalogue.BEAT_ALIGNMENT, on) / 3, rel=1e-12)
    assert value(catalogue.BEAT_RATE, on) == pytest.approx(len(TIMES) / SECONDS, abs=0.03)


def test_alignment_is_the_mean_over_all_beats_of_all_clips():
    first = moving(beats_at=TIMES, times=TIMES[:5] + 0.1)
    second = moving(beats_at=TIMES[::2], times=TIMES + 0.2)
    terms = []
    for one in (first, second):
        audio = one.spoken.beats_seconds
        for hand in (LEFT_HAND, RIGHT_HAND):
            beats = catalogue._beats(one.motion)[hand]
            away = np.abs(audio[:, None] - beats).min(axis=1)
            terms += list(np.exp(-(away**2) / (2 * 0.3**2)))
    found = value(catalogue.BEAT_ALIGNMENT, first, second)
    assert found == pytest.approx(np.mean(terms), rel=1e-12)


def test_chance_is_taken_away():
    on = moving(beats_at=TIMES, times=TIMES)
    matched = value(catalogue.BEAT_ALIGNMENT, on)
    beats = catalogue._beats(on.motion)[LEFT_HAND]
    many = shifted_times(TIMES, SECONDS, seed=99, count=3000)
    chance = np.mean([closeness(times, beats).mean() for times in many])
    expected = (matched - chance) / (1 - chance)
    assert value(catalogue.BEAT_ALIGNMENT_BEYOND_CHANCE, on) == pytest.approx(expected, abs=0.03)
    assert expected > 0.9
    random = np.random.default_rng(4)
    others = [
        moving(beats_at=TIMES, times=np.sort(random.uniform(0, SECONDS, 40))) for _ in range(12)
    ]
    assert abs(value(catalogue.BEAT_ALIGNMENT_BEYOND_CHANCE, *others)) < 0.1
    assert chance_corrected(0.7, 0.4) == pytest.approx(0.5)
    assert math.isnan(chance_corrected(1.0, 1.0))


def test_jitter_gains_nothing_beyond_chance():
    random = np.random.default_rng(5)
    takes = []
    for _ in range(20):
        jitter = {h: random.normal(size=(FRAMES, 3)) * 0.01 for h in (LEFT_HAND, RIGHT_HAND)}
        spoken = heard(times=TIMES, seconds=SECONDS)
        takes.append(take(jitter, jitter, num_frames=FRAMES, fps=FPS, spoken=spoken))
    assert value(catalogue.BEAT_ALIGNMENT, *takes) > 0.8
    assert abs(value(catalogue.BEAT_ALIGNMENT_BEYOND_CHANCE, *takes)) < 0.1
    assert value(catalogue.BEAT_RATE, *takes) > 2


def test_strokes_after_words_are_found_over_clips():
    takes = [moving(strokes_at=TIMES + 0.2, words=TIMES), moving(strokes_at=[5.0], words=[])]
    assert value(catalogue.STROKE_LAG, *takes) == pytest.approx(0.2, abs=1 / 30)
    assert value(catalogue.STROKE_CONTRAST, *takes) > 2
    shifted = shifted_times(TIMES, SECONDS, seed=1, count=30)
    elsewhere = [moving(strokes_at=TIMES, words=words) for words in shifted]
    assert 1 < value(catalogue.STROKE_CONTRAST, *elsewhere) < 1.3


def test_words_weigh_alike_in_all_clips():
    first, second = (moving(strokes_at=TIMES, words=words) for words in (TIMES[:4], TIMES[4:9]))
    both = moving(strokes_at=TIMES, words=TIMES[:9])
    sums = catalogue.STROKE_CONTRAST.gather(first) + catalogue.STROKE_CONTRAST.gather(second)
    np.testing.assert_allclose(sums, catalogue.STROKE_CONTRAST.gather(both), rtol=1e-12)


def test_nothing_to_hear_or_to_see():
    silent = take(num_frames=FRAMES)
    deaf = take(num_frames=FRAMES, spoken=heard())
    still = take(num_frames=FRAMES, spoken=heard(times=TIMES, words=TIMES))
    one_frame = take(num_frames=1, spoken=heard(times=[0.01], words=[0.01]))
    someone = nameless(FRAMES)
    unknown = Take("c", "w", someone.motion, someone.real, heard(times=TIMES, words=TIMES))
    for measure in catalogue.TIMING:
        if measure.hears:
            assert measure.gather(silent) is None, measure.key
            assert measure.gather(deaf) is None, measure.key
        if measure is not catalogue.BEAT_ALIGNMENT_EMAGE:
            assert measure.gather(unknown) is None, measure.key
    assert value(catalogue.BEAT_ALIGNMENT, still) == 0
    assert value(catalogue.BEAT_ALIGNMENT_BEYOND_CHANCE, still) == 0
    assert math.isnan(value(catalogue.BEAT_ALIGNMENT_TO_AUDIO, still))
    assert math.isnan(value(catalogue.BEAT_ALIGNMENT_EMAGE, still))
    assert math.isnan(value(catalogue.STROKE_CONTRAST, still))
    assert value(catalogue.BEAT_ALIGNMENT, one_frame) == 0
    assert math.isnan(value(catalogue.STROKE_LAG, one_frame))
