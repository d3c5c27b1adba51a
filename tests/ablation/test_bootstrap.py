"""Intervals over seeds and clips against SciPy's bootstrap and closed forms."""

import math

import numpy as np
import pytest
import scipy.stats

from llavataros.ablation.bootstrap import combined, draw, mean_cell
from llavataros_jax.evaluation.measure import mean


def sums_of(values: np.ndarray, weights: np.ndarray | None = None) -> dict[int, dict]:
    """Returns the sums of a mean for values (seeds, clips)."""
    weights = np.ones_like(values) if weights is None else weights
    return {
        seed: {
            f"clip{clip}": np.array([value * weights[seed, clip], weights[seed, clip]])
            for clip, value in enumerate(row)
        }
        for seed, row in enumerate(values)
    }


def crossed(seeds: int, clips: int) -> dict[int, list[str]]:
    return {seed: [f"clip{clip}" for clip in range(clips)] for seed in range(seeds)}


def test_one_seed_is_the_percentile_bootstrap_over_clips() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=(1, 25))
    cell = mean_cell(sums_of(values), mean, draw(crossed(1, 25), count=20_000))
    known = scipy.stats.bootstrap(
        (values[0],), np.mean, n_resamples=20_000, method="percentile", rng=1
    )
    low, high = known.confidence_interval
    assert cell.value == pytest.approx(values.mean())
    assert cell.draws.std() == pytest.approx(known.standard_error, rel=0.02)
    assert cell.low == pytest.approx(low, rel=0.01)
    assert cell.high == pytest.approx(high, rel=0.01)


def test_one_clip_is_the_percentile_bootstrap_over_seeds() -> None:
    values = np.random.default_rng(4).gamma(2.0, size=(12, 1))
    cell = mean_cell(sums_of(values), mean, draw(crossed(12, 1), count=20_000))
    known = scipy.stats.bootstrap(
        (values[:, 0],), np.mean, n_resamples=20_000, method="percentile", rng=1
    )
    assert cell.low == pytest.approx(known.confidence_interval.low, rel=0.02)
    assert cell.high == pytest.approx(known.confidence_interval.high, rel=0.02)


def test_both_chances_add_up_where_all_seeds_held_out_the_same() -> None:
    """With values s + c the variance is that of the mean of s and that of the mean of c."""
    chance = np.random.default_rng(5)
    of_seed, of_clip = chance.normal(size=(8, 1)), chance.normal(size=(1, 11))
    cell = mean_cell(sums_of(of_seed + of_clip), mean, draw(crossed(8, 11), count=4_000))
    expected = of_seed.var() / 8 + of_clip.var() / 11
    assert cell.draws.var() == pytest.approx(expected, rel=0.05)


def test_seeds_that_held_out_other_clips_draw_them_apart() -> None:
    """Nested: clips within seeds add their variance over all seeds, whichever were drawn."""
    chance = np.random.default_rng(6)
    values = chance.normal(size=(5, 7))
    held_out = {seed: [f"{seed}/{clip}" for clip in range(7)] for seed in range(5)}
    sums = {
        seed: {f"{seed}/{clip}": np.array([value, 1.0]) for clip, value in enumerate(row)}
        for seed, row in enumerate(values)
    }
    cell = mean_cell(sums, mean, draw(held_out, count=10_000))
    # A mean of S values drawn from S seeds' means, each with a variance of its own clips; a seed
    # that is drawn k times brings the same draw of clips k times: E[k²] = 2 - 1/S.
    within = values.var(axis=1).mean() / 7
    expected = values.mean(axis=1).var() / 5 + within * (2 - 1 / 5) / 5
    assert cell.draws.var() == pytest.approx(expected, rel=0.05)


def test_values_are_pooled_over_clips_and_averaged_over_seeds() -> None:
    values, weights = np.array([[1.0, 0.0], [0.0, 0.5]]), np.array([[3.0, 1.0], [1.0, 1.0]])
    cell = mean_cell(sums_of(values, weights), mean, draw(crossed(2, 2)))
    assert cell.value == pytest.approx((0.75 + 0.25) / 2)


def test_a_difference_is_paired() -> None:
    """What two variants have in common is no reason to doubt their difference."""
    chance = np.random.default_rng(7)
    common = chance.normal(size=(6, 9))
    draws = draw(crossed(6, 9))
    first, second = (mean_cell(sums_of(common + d), mean, draws) for d in (0.0, 0.25))
    difference = combined([(1.0, second), (-1.0, first)])
    assert second.high - second.low > 0.1
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.25,) * 3)


def test_clips_without_anything_to_measure_do_not_count() -> None:
    sums = sums_of(np.array([[1.0, 2.0, 9.0], [1.0, 2.0, 9.0]]))
    del sums[0]["clip2"], sums[1]["clip2"]
    cell = mean_cell(sums, mean, draw(crossed(2, 3)))
    assert cell.value == pytest.approx(1.5)
    assert 1.0 <= cell.low < cell.high <= 2.0
    sums[1] = {}
    assert mean_cell(sums, mean, draw(crossed(2, 3))).value == pytest.approx(1.5)


def test_one_seed_and_one_clip_have_no_interval() -> None:
    cell = mean_cell(sums_of(np.array([[0.5]])), mean, draw(crossed(1, 1)))
    assert cell.value == 0.5
    assert math.isnan(cell.low)
    assert math.isnan(cell.high)
    assert math.isnan(mean_cell({0: {}}, mean, draw(crossed(1, 1))).value)


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "least", "most"), [(2, 0.7, 0.88), (4, 0.88, 0.96), (8, 0.9, 1)])
def test_of_so_many_intervals_cover_the_truth(seeds: int, least: float, most: float) -> None:
    """Networks differ as much as clips do: too narrow with 2 seeds, about right from 4 on."""
    chance = np.random.default_rng(11)
    held_out = {seed: [f"{seed}/{clip}" for clip in range(3)] for seed in range(seeds)}
    covered, tables = 0, 250
    for number in range(tables):
        values = chance.normal(size=(seeds, 1)) + chance.normal(size=(seeds, 3))
        sums = {
            seed: {f"{seed}/{clip}": np.array([v, 1.0]) for clip, v in enumerate(row)}
            for seed, row in enumerate(values)
        }
        cell = mean_cell(sums, mean, draw(held_out, count=300, seed=number))
        covered += cell.low <= 0 <= cell.high
    assert least <= covered / tables <= most
