"""Which clips are shown, and by which measure."""

import dataclasses
import math

import pytest

from llavataros_jax.report.ranking import rank
from tests.report.made_up import ERROR, FRECHET, RATIO, SPEED, result


def with_measures(made, *measures):
    return dataclasses.replace(made, protocol=dataclasses.replace(made.protocol, measures=measures))


def test_best_median_and_worst_by_the_measure_that_compares():
    ranking = rank(result({"a": 0.5, "b": 0.1, "c": 0.4, "d": 0.2, "e": 0.3}))
    assert ranking.measure is ERROR
    placed = [(clip.place, clip.clip, clip.number, clip.value) for clip in ranking.clips]
    assert placed == [("best", "b", 1, 0.1), ("median", "e", 4, 0.3), ("worst", "a", 0, 0.5)]
    assert ranking.median.clip == "e"


@pytest.mark.parametrize(
    ("errors", "places"),
    [
        ({"a": 1.0}, [("only", "a")]),
        ({"a": 1.0, "b": 0.5}, [("best", "b"), ("worst", "a")]),
        ({"a": 1.0, "b": math.nan, "c": 0.5}, [("best", "c"), ("worst", "a")]),
    ],
)
def test_few_clips(errors, places):
    ranking = rank(result(errors))
    assert [(clip.place, clip.clip) for clip in ranking.clips] == places
    assert ranking.median is ranking.clips[0]


def test_without_such_a_measure_the_nearest_to_real_is_best():
    made = with_measures(result({"a": 0.5, "b": 0.1, "c": 0.25}), RATIO, FRECHET, SPEED)
    ranking = rank(made)
    assert ranking.measure is SPEED
    assert [clip.clip for clip in ranking.clips] == ["c", "b", "a"]


def test_without_values_the_first_clip_is_shown():
    ranking = rank(with_measures(result(), FRECHET))
    assert ranking.measure is None
    assert [(clip.number, clip.place) for clip in ranking.clips] == [(0, "first")]
    assert rank(with_measures(result({}), FRECHET)).clips == ()
