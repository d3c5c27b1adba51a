"""The GENEA protocols against closed forms, plain NumPy, and runs of the reference code."""

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import sqrtm

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols import genea, genea2020, genea_errors
from llavataros_jax.evaluation.protocols.genea_histogram import SpeedBins
from llavataros_jax.evaluation.protocols.genea_joints import GENEA_2020, GENEA_UPPER_BODY
from llavataros_jax.evaluation.protocols.genea_measures import doubled_centimetres
from llavataros_jax.evaluation.take import Performance, matched
from llavataros_jax.evaluation.tally import Tally
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.evaluation.people import standing

DATA = Path(__file__).parents[4] / "shared" / "data"
OPTIONS = ProtocolOptions()


def walk(names, *, seed: int = 0, num_frames: int = 120, fps: float = 20.0, like=None):
    random = np.random.default_rng(seed)
    places = np.cumsum(random.normal(0, 0.01, (num_frames, len(names), 3)), axis=0)
    return of_positions(places + np.arange(len(names))[:, None], fps, names, like=like)


def values(protocol, performances, column="predicted"):
    columns = [each for each in protocol.columns if each.key == column]
    tally = Tally(protocol.measures, columns)
    for performance in performances:
        tally.add(matched(protocol.prepare(performance)))
    cells = tally.cells(resamples=0)
    return {key: cells[key][column].value for key in cells}


def test_jerk_and_acceleration_of_a_cubic_are_its_derivatives():
    time = np.arange(90) / 30
    places = np.stack([time**3, 0 * time, 0 * time], axis=-1)[:, None] * 100
    assert genea_errors.derivative_size(places, 3, 30) == pytest.approx(600, rel=1e-9)
    second = 600 * (time[1:-1]).mean()
    assert genea_errors.derivative_size(places, 2, 30) == pytest.approx(second, rel=1e-9)
    assert np.isnan(genea_errors.derivative_size(places[:3], 3, 30))


def test_recordings_count_alike_and_their_spread_is_told():
    motions = [walk(GENEA_2020, seed=seed, num_frames=40 * (seed + 1)) for seed in range(3)]
    like = motions[0].skeleton
    motions = [of_positions(m.positions, 20, m.skeleton.names, like=like) for m in motions]
    found = values(
        genea2020.protocol(OPTIONS),
        [Performance(str(k), "x", m, (m,)) for k, m in enumerate(motions)],
    )
    each = [
        np.linalg.norm(np.diff(100 * m.positions, 3, axis=0), axis=2).mean() * 8000 for m in motions
    ]
    assert found["average_jerk_centimetres_per_second3"] == pytest.approx(np.mean(each), rel=1e-12)
    deviation = found["average_jerk_centimetres_per_second3_deviation"]
    assert deviation == pytest.approx(np.std(each), rel=1e-9)
    assert found["position_error_centimetres"] == 0
    assert found["cca"] == pytest.approx(1)


def test_flat_arrays_mix_the_coordinates_of_two_joints():
    places = np.random.default_rng(1).normal(size=(50, 6, 3))
    flat, whole = SpeedBins(), SpeedBins(rank="joints", cut=2)
    steps = np.diff(places.reshape(50, 18)[:, 8:17], axis=0)
    wanted = np.stack([np.linalg.norm(steps[:, k : k + 3], axis=1) for k in (0, 3, 6)], 1) * 30
    np.testing.assert_allclose(flat.speeds(places, 30), wanted)
    wanted = np.linalg.norm(np.diff(places[:, 2:], axis=0), axis=2) * 30
    np.testing.assert_allclose(whole.speeds(places, 30), wanted)


def test_fast_speeds_vanish_or_fill_the_last_bin():
    places = np.zeros((3, 1, 3))
    places[1:, 0, 0] = 1e3, 1e3 + 0.5
    bins = {"width": 1.0, "cut": 0, "rank": "joints"}
    gone = SpeedBins(**bins).counts(places, 1)
    assert (gone.sum(), gone[0]) == (1, 1)
    kept = SpeedBins(**bins, keeps_fast=True).counts(places, 1)
    assert (kept.sum(), kept[-1]) == (2, 1)


def test_bins_weighed_by_two_joints_by_hand():
    bins = SpeedBins(last=2.0, width=1.0, cut=0, rank="joints", two_joints=True)
    # Bins [0, 1), [1, 2]: all joints count 4 and 2, the two 1 and 1; then 2 and 0, 2 and 0.
    first, second = np.array([4.0, 2, 1, 1]), np.array([2.0, 0, 2, 0])
    assert bins.distance(first, first) == pytest.approx(0, abs=1e-7)
    # Shares 1/4 and 1/2, normalised 1/3 and 2/3, against 1 and nothing.
    assert bins.distance(first, second) == pytest.approx(np.sqrt(1 - np.sqrt(1 / 3)))
    places = np.zeros((2, 5, 3))
    places[1, :, 0] = 0.5, 1.5, 0.5, 0.5, 1.5
    np.testing.assert_array_equal(bins.counts(places, 1), [3, 2, 0, 2])


def test_canonical_correlation_finds_what_two_motions_share():
    random = np.random.default_rng(0)
    shared, noise = random.normal(size=(2000, 1)), random.normal(size=(2, 2000, 3))
    real, predicted = (shared + 0.5 * noise[k] * [[1, 1, 1]] for k in (0, 1))
    # Three noisy looks of variance 1/4: the mean of each has a squared correlation of 12/13.
    found = genea_errors.canonical_correlation(predicted[:, None], real[:, None], 1500)
    assert found == pytest.approx(12 / 13, abs=0.02)
    assert np.isnan(genea_errors.canonical_correlation(0 * real[:, None], real[:, None], 9))


def test_other_bodies_are_refused_in_one_sentence():
    body = of_motion(standing())
    with pytest.raises(UserError, match=r"clip hello lacks 54 of the 54 .* choose torso"):
        genea.protocol(OPTIONS).prepare(Performance("hello", "x", body, (body,)))
    with pytest.raises(UserError, match="genea2020"):
        genea2020.protocol(OPTIONS).prepare(Performance("hello", "x", body, (body,)))


def test_places_alone_have_the_upper_body_of_2022_at_its_rate():
    protocol = genea.protocol(OPTIONS)
    performance = Performance("a", "x", walk(GENEA_UPPER_BODY), (walk(GENEA_UPPER_BODY),))
    real = protocol.prepare(performance).real
    assert (real.skeleton.num_joints, real.fps, real.num_frames) == (54, 30, 180)
    found = values(protocol, [performance])
    assert found["speed_hellinger"] == pytest.approx(0, abs=1e-7)
    assert any("FGD" in lack for lack in protocol.lacks)


def test_a_clip_of_one_frame_has_no_numbers():
    one = walk(GENEA_2020, num_frames=1)
    found = values(genea2020.protocol(OPTIONS), [Performance("a", "x", one, (one,))])
    assert set(found) == {
        "speed_hellinger",
        "position_error_centimetres",
        "absolute_error_centimetres",
    }
    assert np.isnan(found["speed_hellinger"])


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "genea2020").exists(), reason="no ../shared/data/genea2020")
@pytest.mark.parametrize(
    ("condition", "jerk", "spread", "acceleration", "distance", "cca"),
    [
        (
            "BA",
            1317.172645004574,
            87.54598931017,
            68.0574715814384,
            0.10210684623744,
            0.999165539956,
        ),
        (
            "SD",
            941.3211347675784,
            98.21460115444,
            76.0906537498114,
            0.11344740730811,
            0.998979273953,
        ),
    ],
)
def test_numbers_of_2020_are_those_of_the_reference_code(
    condition, jerk, spread, acceleration, distance, cca
):
    """Its functions of branch 2020 were run on the first 12 clips, cut to the shortest motion.

    `compute_jerks`, `compute_acceleration`, `compute_velocity` on (T, 15, 3)[:, 2:] with bins of 1,
    the two columns of `get_histograms`, `hellinger`, and `calculate_CCA_score` with the model that
    `find_CCA_scaling_vectors` returns.
    """
    files = {
        name: np.load(DATA / "genea2020" / "coords" / f"Cond_{name}__motion_coords.npz")
        for name in ("N", "BA", "SD")
    }
    names = [str(name) for name in files["N"]["joint_names"]]
    like, performances = None, []
    for clip in [key for key in files["N"] if key.startswith("StudySeq")][:12]:
        frames = min(len(file[clip]) for file in files.values())
        real = of_positions(files["N"][clip][:frames].astype(float) / 100, 20, names, like=like)
        like = real.skeleton
        predicted = of_positions(
            files[condition][clip][:frames].astype(float) / 100, 20, names, like=like
        )
        performances.append(Performance(clip, "x", real, (predicted,)))
    found = values(genea2020.protocol(OPTIONS), performances)
    key = "average_jerk_centimetres_per_second3"
    assert found[key] == pytest.approx(jerk, rel=1e-9)
    assert found[f"{key}_deviation"] == pytest.approx(spread, rel=1e-9)
    key = "average_acceleration_centimetres_per_second2"
    assert found[key] == pytest.approx(acceleration, rel=1e-9)
    assert found["speed_hellinger"] == pytest.approx(distance, abs=1e-9)
    assert found["cca"] == pytest.approx(cca, abs=1e-8)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "fgd").exists(), reason="no ../shared/data/fgd")
def test_offsets_of_2022_are_doubled_as_pymo_doubles_them():
    """The reference's positions of the same BVH file, of the 56 joints without shoulder blades."""
    motion = of_motion(read_bvh(DATA / "bvh" / "gac_sample1.bvh"))
    joints = (DATA / "fgd" / "genea23_30_target_joints.txt").read_text().split()
    reference = np.load(DATA / "fgd" / "ref_sample1_ckpt30.npz")["positions56"]
    protocol = genea.protocol(OPTIONS)
    prepared = protocol.prepare(Performance("a", "x", motion, (motion,))).real
    # PyMO's order is the file's.
    order = [name for name in motion.skeleton.names if name in prepared.skeleton.names]
    assert list(prepared.skeleton.names) == order
    assert len(order) == 58
    found = doubled_centimetres(prepared)
    columns = [prepared.skeleton.names.index(name) for name in joints]
    np.testing.assert_allclose(found[:, columns].reshape(len(found), -1), reference, atol=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "fgd").exists(), reason="no ../shared/data/fgd")
def test_fgd_is_that_of_the_references_features():
    """Windows of two parts of the file, which begin with windows of the whole.

    `feat` are the reference's features of all 49 windows: 24 begin in the first 384 frames and are
    not the last whole one of that part, and the last 24 in what begins at frame 375.
    """
    motion = of_motion(read_bvh(DATA / "bvh" / "gac_sample1.bvh"))
    features = np.load(DATA / "fgd" / "ref_sample1_ckpt30.npz")["feat"].astype(float)
    first, second = features[:24], features[25:]
    spreads = [np.cov(part, rowvar=False) for part in (first, second)]
    root = np.real(np.asarray(sqrtm(spreads[0] @ spreads[1])))
    wanted = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    wanted += np.trace(spreads[0] + spreads[1] - 2 * root)
    checkpoint = DATA / "fgd" / "genea23_model_checkpoint_30.bin"
    protocol = genea.protocol(ProtocolOptions(embedding=checkpoint))
    parts = motion.cut(375, 759), motion.cut(0, 384)
    found = values(protocol, [Performance("a", "x", parts[0], (parts[1],))])
    assert found["fgd"] == pytest.approx(wanted, rel=1e-4)
    assert not any(lack.startswith("FGD:") for lack in protocol.lacks)
