"""A sane table passes without a word; each fault is named with its numbers."""

import math
import re

import numpy as np
import pytest

from llavataros_jax.evaluation.measure import Measure, mean
from llavataros_jax.evaluation.sanity import check
from llavataros_jax.evaluation.tally import Cell

BEATS, LATENESS = (
    Measure(key, key, "It.", "closed form", lambda take: None, mean, towards=towards, hears=True)
    for key, towards in (("beats", "high"), ("lateness_seconds", "low"))
)
QUIET = Measure("quiet", "quiet", "It.", "closed form", lambda take: None, mean)
DRAWS = np.random.default_rng(0).normal(size=1000)


def cell(value: float, spread: float = 0.01, draws: np.ndarray = DRAWS) -> Cell:
    drawn = value + spread * draws
    return Cell(value, *map(float, np.percentile(drawn, [2.5, 97.5])), drawn)


def table(**changes) -> dict:
    """Returns the cells of a sane table; `measure__column` changes one of them."""
    values = {
        "hand_speed_left_metres_per_second": {"real": 0.3, "mean_pose": 0.0, "still_pose": 0.0},
        "jerk_metres_per_second3": {"real": 20.0, "noise": 400.0},
        "fd_k_metres2_per_second2": {"halves": 0.01, "noise": 1.0},
        "fd_g_metres2": {"halves": 0.01, "mean_pose": 0.2},
        "amplitude_ratio": {"predicted": 0.5, "attenuated": 0.81, "gain": 1.0},
        "beats": {"real": 0.6, "real_mismatched": 0.4, "real_shifted": 0.41},
        "lateness_seconds": {"real": 0.1, "real_mismatched": 0.3, "real_shifted": 0.3},
        "quiet": {"real": 1.0, "real_mismatched": 1.0},
        "alignment_share": {"real": 0.7, "real_mismatched": 0.5},
    }
    for place, value in changes.items():
        key, column = place.split("__")
        values[key][column] = value
    return {
        key: {
            column: value if isinstance(value, Cell) else cell(value)
            for column, value in columns.items()
        }
        for key, columns in values.items()
    }


MEASURES = (BEATS, LATENESS, QUIET)


def test_a_sane_table_passes():
    assert check(table(), 5, MEASURES) == ()


def test_an_empty_table_passes():
    assert check({}, 5, MEASURES) == ()


@pytest.mark.parametrize(("clips", "says"), [(1, "only 1 clip was"), (4, "only 4 clips were")])
def test_few_clips_are_named(clips, says):
    (warning,) = check(table(), clips, MEASURES)
    assert warning.startswith(says)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"hand_speed_left_metres_per_second__still_pose": 0.02},
            "hand_speed_left_metres_per_second is 0.02 of a still pose",
        ),
        ({"hand_speed_left_metres_per_second__mean_pose": -0.02}, "of a mean pose"),
        ({"jerk_metres_per_second3__noise": 15.0}, "jerk_metres_per_second3 is 20 .* 15, with"),
        ({"fd_k_metres2_per_second2__noise": 0.005}, "is 0.005 of motion with noise and 0.01"),
        ({"fd_g_metres2__mean_pose": 0.01}, "fd_g_metres2 is 0.01 of a held mean pose and 0.01"),
        ({"amplitude_ratio__attenuated": 0.84}, "0.84 in the column attenuated.* 0.8 ± 0.03"),
        ({"amplitude_ratio__attenuated": 0.76}, "0.76 in the column attenuated"),
        ({"amplitude_ratio__gain": 1.1}, "1.1 in the column gain.* 1 ± 0.03"),
        ({"beats__real_shifted": 0.6}, "beats is 0.6 .* 0.6 with shifted.*cannot tell matched"),
        ({"beats__real_mismatched": 0.7}, "better, 0.7 with mismatched.*prefers the wrong"),
        ({"lateness_seconds__real_shifted": 0.1}, "lateness_seconds .*cannot tell matched"),
        ({"lateness_seconds__real_shifted": 0.05}, "lateness_seconds .*prefers the wrong"),
        ({"alignment_share__real_mismatched": 0.6}, r"alignment_share is 0.6 \[0.581, 0.618\]"),
        ({"alignment_share__real_mismatched": 0.4}, "chance is 0.5"),
    ],
)
def test_what_is_wrong_is_named_in_a_sentence(changes, says):
    (warning,) = check(table(**changes), 5, MEASURES)
    assert re.search(says, warning), warning
    assert "\n" not in warning


def test_both_wrong_speeches_share_a_sentence():
    found = check(table(beats__real_mismatched=0.6, beats__real_shifted=0.6), 5, MEASURES)
    (warning,) = found
    assert "0.6 with mismatched speech, 0.6 with shifted speech" in warning


def test_differences_are_paired():
    # Each interval is ±0.2 wide, and the difference is 0.01 of every draw.
    wide = {
        "beats__real": cell(0.60, 0.1),
        "beats__real_mismatched": cell(0.59, 0.1),
        "beats__real_shifted": cell(0.59, 0.1),
    }
    assert check(table(**wide), 5, MEASURES) == ()
    apart = cell(0.59, 0.1, np.random.default_rng(1).normal(size=1000))
    assert len(check(table(**wide | {"beats__real_mismatched": apart}), 5, MEASURES)) == 1


def test_what_has_no_value_or_interval_is_not_judged():
    nothing = Cell(math.nan, math.nan, math.nan, np.zeros(0))
    changes = {
        "jerk_metres_per_second3__noise": nothing,
        "fd_g_metres2__halves": nothing,
        "beats__real_mismatched": nothing,
        "alignment_share__real_mismatched": nothing,
    }
    assert check(table(**changes), 5, MEASURES) == ()


def test_measures_that_do_not_hear_are_not_asked_to():
    assert check(table(quiet__real_mismatched=3.0), 5, MEASURES) == ()
