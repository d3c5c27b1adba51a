"""Sums over clips, and their intervals against draws by hand and SciPy's bootstrap."""

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest
import scipy.stats

from llavataros_jax.evaluation.columns import Column, take_of
from llavataros_jax.evaluation.measure import Measure, mean, weighted
from llavataros_jax.evaluation.take import Performance, Take
from llavataros_jax.evaluation.tally import GROUPS, Cell, Tally, difference
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories

POINT = Skeleton(("a",), (-1,), np.zeros((1, 3)))


def moving(values) -> Trajectories:
    positions = np.zeros((len(values), 1, 3))
    positions[:, 0, 0] = values
    return Trajectories(positions, 10.0, POINT)


def clip(name: str, predicted, real=None) -> Performance:
    real = predicted if real is None else real
    return Performance(name, "s", moving(real), (moving(predicted),))


def place_of(take: Take) -> np.ndarray | None:
    return weighted(float(take.motion.positions[..., 0].mean()), take.motion.num_frames)


def spread_of(take: Take) -> np.ndarray:
    along = take.motion.positions[:, 0, 0]
    return np.array([len(along), along.sum(), np.square(along).sum()])


def variance(sums: np.ndarray) -> float:
    count, total, squares = sums
    return float((squares - total**2 / count) / (count - 1))


def measure(key: str, gather, finish, **others) -> Measure:
    return Measure(key, key, key, "closed form", gather, finish, **others)


PLACE = measure("place_metres", place_of, mean)
SPREAD = measure("spread_metres2", spread_of, variance)
PREDICTED = Column("predicted", "predicted", "It.", "system", lambda p: (take_of(p),))
REAL = Column("real", "real", "It.", "real", lambda p: (take_of(p, motion=p.real),))


def clips(count: int, *, frames: int = 20, seed: int = 0) -> list[Performance]:
    random = np.random.default_rng(seed)
    return [
        clip(
            f"clip {number}",
            *random.normal(random.normal(size=(2, 1)), 1.0, (2, frames + (number % 3))),
        )
        for number in range(count)
    ]


def tallied(performances, measures=(PLACE, SPREAD), columns=(PREDICTED, REAL)) -> Tally:
    tally = Tally(measures, columns)
    for performance in performances:
        tally.add(performance)
    return tally


@pytest.mark.parametrize("count", [1, 7, 100])
def test_values_are_pooled_over_clips(count):
    performances = clips(count)
    cells = tallied(performances).cells(resamples=20)
    for key, of in (("predicted", lambda p: p.predicted[0]), ("real", lambda p: p.real)):
        pooled = np.concatenate([of(p).positions[:, 0, 0] for p in performances])
        assert cells["place_metres"][key].value == pytest.approx(pooled.mean(), rel=1e-12)
        found = cells["spread_metres2"][key].value
        assert found == pytest.approx(pooled.var(ddof=1), rel=1e-12)


def test_intervals_are_those_of_clips_drawn_by_hand():
    performances = clips(12)
    cell = tallied(performances).cells(seed=5, resamples=50)["spread_metres2"]["predicted"]
    weights = np.random.default_rng(5).multinomial(12, [1 / 12] * 12, 50)
    along = [p.predicted[0].positions[:, 0, 0] for p in performances]
    drawn = [
        np.concatenate([np.tile(one, times) for one, times in zip(along, row, strict=True)])
        for row in weights
    ]
    expected = [values.var(ddof=1) for values in drawn]
    np.testing.assert_allclose(cell.draws, expected, rtol=1e-10)
    np.testing.assert_allclose([cell.low, cell.high], np.percentile(expected, [2.5, 97.5]))


def test_the_interval_of_a_mean_is_scipys():
    values = np.random.default_rng(3).exponential(size=30)
    performances = [clip(str(value), [value] * 10) for value in values]
    cell = tallied(performances).cells(resamples=5000)["place_metres"]["predicted"]
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(1)
    )
    # Two bootstraps of 5000 differ by chance: their ends by about 4 % of the standard error.
    tolerance = 0.15 * expected.standard_error
    assert cell.low == pytest.approx(expected.confidence_interval.low, abs=tolerance)
    assert cell.high == pytest.approx(expected.confidence_interval.high, abs=tolerance)
    assert cell.draws.std(ddof=1) == pytest.approx(expected.standard_error, rel=0.05)


def test_a_hundred_clips_share_forty_groups():
    performances = clips(100)
    cell = tallied(performances).cells(seed=2, resamples=30)["place_metres"]["predicted"]
    weights = np.random.default_rng(2).multinomial(GROUPS, [1 / GROUPS] * GROUPS, 30)
    along = [p.predicted[0].positions[:, 0, 0] for p in performances]
    groups = [np.concatenate(along[group::GROUPS]) for group in range(GROUPS)]
    expected = [
        np.average([g.mean() for g in groups], weights=row * [len(g) for g in groups])
        for row in weights
    ]
    np.testing.assert_allclose(cell.draws, expected, rtol=1e-10)


def test_the_same_clips_give_the_same_cells():
    first, second = (tallied(clips(9)).cells(seed=4, resamples=40) for _ in range(2))
    other = tallied(clips(9)).cells(seed=5, resamples=40)["place_metres"]["real"]
    for key, columns in first.items():
        for column, cell in columns.items():
            np.testing.assert_array_equal(cell.draws, second[key][column].draws)
    assert not np.array_equal(other.draws, first["place_metres"]["real"].draws)


def test_measures_choose_how_often_they_are_drawn():
    rare = measure("rare", place_of, mean, resamples=7)
    assert len(tallied(clips(5), (rare,)).cells()["rare"]["real"].draws) == 7
    assert len(tallied(clips(5), (rare,)).cells(resamples=9)["rare"]["real"].draws) == 9
    assert not len(tallied(clips(5), (rare,)).cells(resamples=0)["rare"]["real"].draws)


def test_a_clip_without_anything_to_measure_is_left_out():
    def gather(take: Take) -> np.ndarray | None:
        return None if take.clip == "clip 1" else place_of(take)

    performances = clips(3)
    tally = Tally((measure("a", gather, mean), SPREAD), (PREDICTED,))
    found = [tally.add(performance) for performance in performances]
    assert [sorted(values) for values in found] == [
        ["a", "spread_metres2"],
        ["spread_metres2"],
        ["a", "spread_metres2"],
    ]
    along = [performances[number].predicted[0].positions[:, 0, 0] for number in (0, 2)]
    cell = tally.cells(resamples=200)["a"]["predicted"]
    assert cell.value == pytest.approx(np.concatenate(along).mean())
    # A draw of the lacking clip three times over has no value, one of 27.
    assert 0 < np.isnan(cell.draws).sum() < 30
    assert np.isfinite([cell.low, cell.high]).all()


def test_what_no_clip_has_is_no_cell():
    nothing = measure("nothing", lambda take: None, mean)
    none = Column("none", "none", "It.", "system", lambda performance: ())
    cells = tallied(clips(3), (nothing, PLACE), (PREDICTED, none)).cells(resamples=5)
    assert {key: set(columns) for key, columns in cells.items()} == {"place_metres": {"predicted"}}


def test_what_only_lucky_draws_have_gets_no_interval():
    gather = measure("a", lambda take: place_of(take) if take.clip == "clip 0" else None, mean)
    alone = tallied(clips(10), (gather,)).cells(resamples=50)["a"]["predicted"]
    assert math.isfinite(alone.value)
    assert math.isnan(alone.low)
    pair = measure("a", lambda take: place_of(take) if take.clip < "clip 2" else None, mean)
    few = tallied(clips(10), (pair,)).cells(resamples=400)["a"]["predicted"]
    # Both clips are missing from (8/10)^10 = 11 % of the draws.
    assert np.isnan(few.draws).mean() == pytest.approx(0.107, abs=0.05)
    assert math.isnan(few.low) == (np.isnan(few.draws).mean() > 0.1)


def test_one_clip_has_a_value_and_no_interval():
    cell = tallied(clips(1)).cells()["place_metres"]["real"]
    assert math.isfinite(cell.value)
    assert math.isnan(cell.low)
    assert math.isnan(cell.high)
    assert not cell.holds(cell.value)


def test_several_takes_of_a_column_are_pooled():
    both = Column(
        *("both", "both", "It.", "system"),
        lambda p: (take_of(p), take_of(p, motion=p.real)),
    )
    performances = clips(4)
    tally = tallied(performances, columns=(both,))
    pooled = [m.positions[:, 0, 0] for p in performances for m in (p.real, *p.predicted)]
    found = tally.cells(resamples=0)["spread_metres2"]["both"].value
    assert found == pytest.approx(np.concatenate(pooled).var(ddof=1))


def test_the_difference_of_columns_is_paired():
    random = np.random.default_rng(0)
    performances = []
    for number in range(25):
        real = random.normal(random.normal(0, 10), 0.1, 30)
        performances.append(clip(str(number), real + 0.5 + random.normal(0, 0.1), real))
    cells = tallied(performances).cells()["place_metres"]
    found = difference(cells["predicted"], cells["real"])
    by_clip = [
        p.predicted[0].positions[:, 0, 0].mean() - p.real.positions[:, 0, 0].mean()
        for p in performances
    ]
    expected = scipy.stats.bootstrap(
        (by_clip,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(1)
    )
    assert found.value == pytest.approx(np.mean(by_clip))
    tolerance = 0.2 * expected.standard_error
    assert found.low == pytest.approx(expected.confidence_interval.low, abs=tolerance)
    assert found.high == pytest.approx(expected.confidence_interval.high, abs=tolerance)
    assert not found.holds(0.0)
    # Clips differ by 10, so that the columns' own intervals could tell nothing.
    assert cells["predicted"].holds(cells["real"].value)


def test_the_difference_of_a_value_without_draws_has_no_interval():
    some, none = Cell(2.0, 1.0, 3.0, np.ones(5)), Cell(1.0, math.nan, math.nan, np.zeros(0))
    found = difference(some, none)
    assert found.value == 1.0
    assert math.isnan(found.low)


def cloud_of(take: Take) -> np.ndarray:
    return np.concatenate([spread_of(take), spread_of(dataclasses.replace(take, motion=take.real))])


def distance(sums: np.ndarray) -> float:
    """Returns the Fréchet distance of two clouds on a line."""
    (count, total, _), (other_count, other_total, _) = sums[:3], sums[3:]
    apart = total / count - other_total / other_count
    return float(apart**2 + (variance(sums[:3]) ** 0.5 - variance(sums[3:]) ** 0.5) ** 2)


def test_clouds_that_are_alike_are_within_their_own_interval():
    # The same motions in another order: pooled they are one cloud, and no draw of clips is.
    recorded = clips(30)
    pairs = zip(recorded, [*recorded[1:], recorded[0]], strict=True)
    performances = [
        clip(one.clip, other.real.positions[:, 0, 0], one.real.positions[:, 0, 0])
        for one, other in pairs
    ]
    cloud = measure("cloud_metres2", cloud_of, distance, distribution=True)
    plain = dataclasses.replace(cloud, key="plain_metres2", distribution=False)
    cells = tallied(performances, (cloud, plain)).cells(resamples=500)
    drawn, found = (cells[key]["predicted"] for key in ("plain_metres2", "cloud_metres2"))
    assert found.value == pytest.approx(0, abs=1e-12)
    assert drawn.low > found.value
    assert np.median(found.draws) == pytest.approx(found.value, abs=1e-12)
    np.testing.assert_allclose(np.diff(found.draws), np.diff(drawn.draws), atol=1e-12)
    assert found.low == 0
    assert found.high == pytest.approx(drawn.high - np.median(drawn.draws))


def test_length_and_number_of_clips_are_counted():
    tally = tallied(clips(3, frames=20))
    assert tally.clips == 3
    assert tally.seconds == pytest.approx((20 + 21 + 22) / 10)


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_memory_does_not_grow_with_the_clips():
    def kept(count: int) -> int:
        sums = measure("large", lambda take: np.zeros(20_000), lambda total: float(total[0]))
        tally = Tally((sums,), (PREDICTED, REAL))
        tracemalloc.start()
        for number in range(count):
            tally.add(clip(str(number), np.zeros(2000)))
        tally.cells(resamples=50)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held

    ten, forty, seventy = kept(10), kept(40), kept(70)
    assert seventy < forty * 1.02
    # Forty groups of two columns of 20 000 numbers, and little else.
    assert forty < 2 * 40 * 20_000 * 8 * 1.05
    assert ten < forty
