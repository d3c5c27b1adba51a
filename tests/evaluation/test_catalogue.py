"""What holds for every measure: its sums add up, and nothing brings it down."""

import math
import warnings

import numpy as np
import pytest

from llavataros_jax.evaluation.catalogue.choice import MEASURES
from llavataros_jax.evaluation.catalogue.distribution import DISTRIBUTION
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.evaluation.people import standing
from tests.evaluation.takes import heard, nameless, take


def spoken(seconds=4.0) -> Spoken:
    return heard([0.7, 1.9, 2.4], [0.6, 1.4, 2.2], seconds=seconds)


def walking(seed, frames=120):
    steps = np.random.default_rng(seed).normal(size=(9, frames, 3))
    return dict(enumerate(np.cumsum(np.cumsum(steps, axis=1), axis=1) * 1e-4))


def gathered(measure, one):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sums = measure.gather(one)
        if sums is None:
            return None
        assert np.isfinite(sums).all(), measure.key
        value = measure.finish(sums)
    assert isinstance(value, float), measure.key
    return value


def named(measures=MEASURES):
    return [pytest.param(measure, id=measure.key) for measure in measures]


def ordinary(seed) -> Take:
    others = (of_motion(standing(walking(seed + 50), num_frames=120)),)
    return take(walking(seed), walking(seed + 90), num_frames=120, spoken=spoken(), others=others)


def test_keys_and_words():
    keys = [measure.key for measure in MEASURES]
    assert len(set(keys)) == len(keys)
    for measure in MEASURES:
        assert measure.key.isidentifier()
        assert measure.title
        assert measure.source
        assert measure.says.endswith(".")
        assert "\n" not in measure.says


@pytest.mark.parametrize("measure", named())
def test_all_have_a_value_of_ordinary_motion(measure):
    assert math.isfinite(gathered(measure, ordinary(0)))


@pytest.mark.parametrize("measure", named())
def test_sums_are_of_one_length_and_a_clip_twice_is_the_same_clip(measure):
    first, second = measure.gather(ordinary(1)), measure.gather(ordinary(2))
    assert first.shape == second.shape
    tolerance = 0.02 if measure in DISTRIBUTION else 1e-9  # over n - 1
    assert measure.finish(2 * first) == pytest.approx(measure.finish(first), rel=tolerance)


@pytest.mark.parametrize("measure", named())
@pytest.mark.parametrize(
    "one",
    [
        pytest.param(take(num_frames=120, spoken=spoken()), id="still"),
        pytest.param(take(None, walking(3), num_frames=120, spoken=spoken()), id="held"),
        pytest.param(take(walking(3), None, num_frames=120, spoken=spoken()), id="real held"),
        pytest.param(take(walking(4), walking(4), num_frames=120), id="identical, silent"),
        *[
            pytest.param(take(walking(5, n), walking(6, n), num_frames=n, spoken=spoken(n / 30)),
                         id=f"{n} frames")
            for n in (1, 2, 3, 4, 30)
        ],
        pytest.param(nameless(), id="no names"),
        pytest.param(
            Take("c", "w", *(2 * (of_positions(np.zeros((50, 1, 3)), 30.0, ["a"]),)), spoken(2.0)),
            id="one joint",
        ),
    ],
)  # fmt: skip
def test_nothing_brings_a_measure_down(measure, one):
    gathered(measure, one)


@pytest.mark.parametrize("measure", named(m for m in MEASURES if m.hears))
def test_what_hears_is_deaf_without_speech(measure):
    assert measure.gather(take(walking(7), walking(8), num_frames=120)) is None


@pytest.mark.parametrize("measure", named(m for m in MEASURES if m.compares))
def test_what_compares_finds_the_real_motion_perfect(measure):
    moves = walking(9)
    value = gathered(measure, take(moves, moves, num_frames=120))
    perfect = 0 if measure.towards == "low" else 1
    assert value == pytest.approx(perfect, abs=1e-6)
