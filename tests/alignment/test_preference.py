"""Preferences beside a brute force, and their interval."""

import numpy as np
import pytest

from llavataros_jax.alignment.preference import (
    RESAMPLES,
    preferences,
    preferred_share,
    share_interval,
)


def by_force(motion, own, others):
    """Counts one comparison after the other, in plain NumPy."""
    wins, count = 0.0, 0

    def similarity(speech, at, to):
        return np.mean([motion[at + k] @ speech[to + k] for k in range(3)])

    for at in range(len(motion) - 2):
        right = similarity(own, at, at)
        rivals = [(own, to) for to in range(len(own) - 2) if abs(to - at) >= 4]
        rivals += [(other, to) for other in others for to in range(len(other) - 2)]
        for speech, to in rivals:
            wrong = similarity(speech, at, to)
            wins += 0.5 if abs(right - wrong) <= 1e-6 else float(right > wrong)
            count += 1
    return wins, count


@pytest.mark.parametrize("windows", [3, 9, 23])
def test_preferences_are_those_of_a_brute_force(windows):
    drawn = np.random.default_rng(windows)
    motion, own = drawn.standard_normal((2, windows, 7)).astype(np.float32)
    others = [drawn.standard_normal((size, 7)).astype(np.float32) for size in (12, 2, 3)]
    own[2:6] = own[1]  # ties
    assert preferences(motion, own, others) == by_force(motion, own, others)
    assert preferences(motion, own) == by_force(motion, own, [])


def test_speech_that_is_its_motion_always_wins_and_nothing_ties():
    drawn = np.random.default_rng(0).standard_normal((40, 64))
    wins, count = preferences(drawn, drawn)
    assert wins == count == 34 * 35  # 38 places; the nearest 7 of each are no rivals
    nothing = np.zeros((40, 64))
    assert preferences(nothing, drawn) == (count / 2, count)
    assert preferences(drawn, nothing) == (count / 2, count)


def test_clips_that_are_too_short_compare_nothing():
    windows = np.ones((2, 3))
    assert preferences(windows, windows, [np.ones((9, 3))]) == (0.0, 0)
    assert preferences(np.ones((0, 3)), np.ones((0, 3))) == (0.0, 0)
    assert preferences(np.ones((6, 3)), np.ones((6, 3))) == (0.0, 0)  # no place 2 s away
    assert preferred_share(np.zeros(2), np.zeros(2)) is None
    five = np.array([3.0, 4.0, 5.0, 6.0, 7.0])
    assert share_interval(five, np.full(5, 9.0)) is not None
    assert share_interval(five, np.array([9.0, 9.0, 9.0, 9.0, 0.0])) is None


def test_the_interval_is_that_of_clips_drawn_again():
    drawn = np.random.default_rng(1)
    counts = drawn.integers(20, 400, 15).astype(float)
    wins = np.round(counts * drawn.uniform(0.4, 0.9, 15))
    again = np.random.default_rng(2).integers(0, 15, (20 * RESAMPLES, 15))
    shares = wins[again].sum(axis=1) / counts[again].sum(axis=1)
    found, share = share_interval(wins, counts, seed=3), preferred_share(wins, counts)
    assert found is not None
    assert share is not None
    low, high = found
    assert (low, high) == pytest.approx(tuple(np.percentile(shares, [2.5, 97.5])), abs=0.01)
    assert low < share < high
    assert share_interval(wins, counts, seed=3) == (low, high)
