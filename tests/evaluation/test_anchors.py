"""Anchors against what is known of them: closed forms, SciPy, and bones that keep their lengths."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from llavataros_jax.evaluation import anchors
from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.catalogue.movement import AMPLITUDE_RATIO
from llavataros_jax.evaluation.measure import Measure, by_seconds, mean
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from tests.evaluation.people import RIGHT_HAND, strokes

RIGHT_ARM, RIGHT_ELBOW = 3, 4
BY_KEY = {column.key: column for column in COLUMNS}


def swaying(seed: int, *, radians: float = 0.15, frames: int = 300) -> Trajectories:
    random = np.random.default_rng(seed)
    vectors = gaussian_filter1d(random.standard_normal((frames, 9, 3)), 8, axis=0)
    vectors *= radians / vectors.std()
    local = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat().reshape(frames, 9, 4)
    root = np.array([0.0, 0.9, 0.0]) + strokes([3.0, 6.0], num_frames=frames, metres=0.1)
    offsets = np.repeat(AVATAROS_9.offsets[None], frames, axis=0)
    return of_motion(motion_from_local(local, offsets, root, fps=30.0, skeleton=AVATAROS_9))


def places_only(motion: Trajectories) -> Trajectories:
    return motion.moved(motion.positions)


def bones(motion: Trajectories) -> np.ndarray:
    parents = list(AVATAROS_9.parents[1:])
    return np.linalg.norm(motion.positions[:, 1:] - motion.positions[:, parents], axis=2)


def said(name: str, seconds: float = 10.0) -> Spoken:
    return Spoken(Path(f"{name}.wav"), 0.0, seconds, (("well", 1.0, 1.5), ("no", 4.0, 4.2)))


def performed(**changes) -> Performance:
    parts = {
        "clip": "a",
        "speaker": "s",
        "real": swaying(1),
        "predicted": (swaying(2, radians=0.05), swaying(3)),
        "spoken": said("a"),
        "other": said("b"),
        "foils": (said("b"), said("c")),
    }
    return Performance(**{**parts, **changes})


def only(key: str, performance: Performance):
    (take,) = BY_KEY[key].takes(performance)
    return take


@pytest.mark.parametrize(
    "change",
    [
        anchors.held_mean,
        anchors.held_still,
        lambda motion: anchors.amplified(motion, 0.8),
        lambda motion: anchors.brought_to(motion, 0.3),
        lambda motion: anchors.noisy(motion, "a"),
        anchors.arm_held,
    ],
)
def test_bones_keep_their_lengths_where_rotations_are_known(change):
    real = swaying(1)
    found = change(real)
    np.testing.assert_allclose(bones(found), bones(real), atol=1e-12)
    assert found.motion is not None
    np.testing.assert_array_equal(found.motion.positions, found.positions)
    assert found.num_frames == real.num_frames


def test_attenuated_rotations_go_their_share_of_the_way_from_scipys_mean():
    real = swaying(1)
    found = anchors.amplified(real, 0.8)
    local, smaller = real.motion.local_quaternions(), found.motion.local_quaternions()
    for joint in range(9):
        middle = Rotation.from_quat(local[:, joint]).mean().inv()
        way = (middle * Rotation.from_quat(local[:, joint])).as_rotvec()
        less = (middle * Rotation.from_quat(smaller[:, joint])).as_rotvec()
        np.testing.assert_allclose(less, 0.8 * way, atol=1e-12)
    root = real.positions[:, 0]
    np.testing.assert_allclose(
        found.positions[:, 0], root.mean(axis=0) + 0.8 * (root - root.mean(axis=0)), atol=1e-12
    )


def test_attenuated_positions_are_nearer_to_their_mean():
    real = places_only(swaying(1))
    found = anchors.amplified(real, 0.8).positions
    middle = real.positions.mean(axis=0)
    np.testing.assert_allclose(found - middle, 0.8 * (real.positions - middle), atol=1e-12)


def test_a_gain_of_one_changes_nothing():
    real = swaying(1)
    np.testing.assert_allclose(anchors.amplified(real, 1.0).positions, real.positions, atol=1e-12)


@pytest.mark.parametrize("radians", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("view", [places_only, lambda motion: motion])
def test_the_gain_gives_the_predicted_motion_the_real_amplitude(radians, view):
    performance = performed(predicted=(view(swaying(2, radians=radians)),))
    found = only("gain", performance)
    ratio = AMPLITUDE_RATIO.finish(AMPLITUDE_RATIO.gather(found))
    assert ratio == pytest.approx(1, abs=0.01)


def test_the_gain_of_a_body_without_hands_is_that_of_all_joints():
    stick = Skeleton(("a", "b"), (-1, 0), np.zeros((2, 3)))
    real = Trajectories(np.random.default_rng(0).normal(size=(20, 2, 3)), 30.0, stick)
    small = real.moved(0.25 * real.positions + 1.0)
    found = only("gain", performed(real=real, predicted=(small,))).motion.positions
    away = real.positions - real.positions.mean(axis=0)
    np.testing.assert_allclose(found - found.mean(axis=0), away, atol=1e-12)


@pytest.mark.parametrize("radians", [0.05, 0.3])
@pytest.mark.parametrize("view", [places_only, lambda motion: motion])
def test_an_attenuated_motion_has_its_share_of_the_amplitude(radians, view):
    take = only("attenuated", performed(real=view(swaying(1, radians=radians))))
    assert AMPLITUDE_RATIO.finish(AMPLITUDE_RATIO.gather(take)) == pytest.approx(0.8, abs=0.01)


def test_no_gain_moves_what_stands_still():
    still = anchors.held_mean(swaying(2))
    assert BY_KEY["gain"].takes(performed(predicted=(still,))) == ()


def test_a_gain_beyond_what_joints_can_reach_still_ends():
    assert anchors.brought_to(swaying(2), 50.0) is not None


@pytest.mark.parametrize("view", [places_only, lambda motion: motion])
@pytest.mark.parametrize("key", ["mean_pose", "still_pose"])
def test_poses_are_held(view, key):
    performance = performed(real=view(swaying(1)))
    found = only(key, performance).motion.positions
    np.testing.assert_array_equal(found, np.repeat(found[:1], 300, axis=0))
    if key == "still_pose":
        distances = np.abs(performance.real.positions - found[0]).sum(axis=(1, 2))
        assert distances.min() == 0


def test_the_mean_of_places_is_their_mean():
    real = places_only(swaying(1))
    found = anchors.held_mean(real).positions
    np.testing.assert_allclose(found[7], real.positions.mean(axis=0), atol=1e-15)


def test_noise_has_its_size_and_is_the_same_again():
    real = swaying(1, frames=3000)
    again, found = anchors.noisy(real, "a"), anchors.noisy(real, "a")
    np.testing.assert_array_equal(again.positions, found.positions)
    assert not np.array_equal(anchors.noisy(real, "b").positions, found.positions)
    before, after = (
        Rotation.from_quat(motion.motion.local_quaternions().reshape(-1, 4))
        for motion in (real, found)
    )
    assert (before.inv() * after).as_rotvec().std(axis=0) == pytest.approx(0.02, rel=0.03)
    np.testing.assert_allclose(found.positions[:, 0], real.positions[:, 0], atol=1e-12)
    loose = places_only(real)
    moved = anchors.noisy(loose, "a").positions - loose.positions
    assert moved.std(axis=(0, 1)) == pytest.approx(0.02, rel=0.03)


def test_a_held_arm_keeps_its_angles_and_moves_with_the_body():
    real = swaying(1)
    found = anchors.arm_held(real)
    local = found.motion.local_quaternions()[:, [RIGHT_ARM, RIGHT_ELBOW, RIGHT_HAND]]
    np.testing.assert_allclose(local, np.repeat(local[:1], 300, axis=0), atol=1e-12)
    others = [joint for joint in range(9) if joint not in (RIGHT_ELBOW, RIGHT_HAND)]
    np.testing.assert_allclose(found.positions[:, others], real.positions[:, others], atol=1e-12)
    assert np.ptp(found.positions[:, RIGHT_HAND], axis=0).max() > 0.05


def test_a_held_arm_of_places_stays_beside_its_shoulder():
    real = places_only(swaying(1))
    found = anchors.arm_held(real)
    beside = found.positions[:, [RIGHT_ELBOW, RIGHT_HAND]] - found.positions[:, [RIGHT_ARM]]
    np.testing.assert_allclose(beside, np.repeat(beside[:1], 300, axis=0), atol=1e-12)
    np.testing.assert_allclose(bones(found)[:, 3:5], np.repeat(bones(found)[:1, 3:5], 300, axis=0))
    others = [joint for joint in range(9) if joint not in (RIGHT_ELBOW, RIGHT_HAND)]
    np.testing.assert_array_equal(found.positions[:, others], real.positions[:, others])


def test_who_has_no_arms_holds_none():
    stick = Skeleton(("a", "b"), (-1, 0), np.zeros((2, 3)))
    real = Trajectories(np.random.default_rng(0).normal(size=(20, 2, 3)), 30.0, stick)
    assert BY_KEY["arm_held"].takes(performed(real=real, predicted=(real,))) == ()


def test_halves_are_the_recorded_motion_alone():
    performance = performed(real=swaying(1, frames=301))
    take = only("halves", performance)
    whole = performance.real.positions
    np.testing.assert_array_equal(take.motion.positions, whole[:150])
    np.testing.assert_array_equal(take.real.positions, whole[150:300])


def test_the_system_keeps_its_further_samples():
    performance = performed()
    take = only("predicted", performance)
    assert take.motion is performance.predicted[0]
    assert take.others == performance.predicted[1:]
    assert take.foils == performance.foils


@pytest.mark.parametrize("who", ["predicted", "real"])
def test_mismatched_speech_is_that_of_another_clip(who):
    performance = performed()
    take = only(f"{who}_mismatched", performance)
    right = performance.real if who == "real" else performance.predicted[0]
    assert take.motion is right
    assert take.spoken is performance.other
    # What it is compared with may not be itself.
    assert [foil.recording.name for foil in take.foils] == ["c.wav"]


@pytest.mark.parametrize("who", ["predicted", "real"])
def test_shifted_speech_is_pushed_by_two_seconds_at_least(who):
    performance = performed()
    takes = BY_KEY[f"{who}_shifted"].takes(performance)
    assert len(takes) == 5
    shifts = [take.spoken.rolled_seconds for take in takes]
    assert len(set(shifts)) == 5
    assert all(2 <= shift <= 8 for shift in shifts)
    again = BY_KEY[f"{who}_shifted"].takes(dataclasses.replace(performance, spoken=said("a")))
    assert [take.spoken.rolled_seconds for take in again] == shifts
    other = BY_KEY[f"{who}_shifted"].takes(performed(clip="b"))
    assert [take.spoken.rolled_seconds for take in other] != shifts
    # Both columns and all measures share what was heard.
    real = BY_KEY["real_shifted"].takes(performance)
    assert [take.spoken for take in real] == [take.spoken for take in takes]


def test_short_speech_is_pushed_by_a_quarter():
    spoken = said("short", seconds=2.0)
    shifts = [other.rolled_seconds for other in anchors.shifted_speech(spoken, "short")]
    assert all(0.5 <= shift <= 1.5 for shift in shifts)


def test_without_speech_there_is_none_to_change():
    performance = performed(spoken=None, other=None, foils=())
    for column in COLUMNS:
        assert bool(column.takes(performance)) == (column.kind != "speech")


def test_one_frame_is_enough_for_every_column():
    one = swaying(1).cut(0, 1)
    for real in (one, places_only(one)):
        performance = performed(real=real, predicted=(real,), spoken=said("a", 1 / 30))
        for column in COLUMNS:
            takes = column.takes(performance)
            assert all(take.motion.num_frames == 1 for take in takes)
            assert bool(takes) == (column.key not in ("halves", "gain", "attenuated"))


def test_columns_suit_measures_that_make_sense_in_them():
    def suited(**kind) -> set[str]:
        value = by_seconds(lambda take: 0.0)
        measure = Measure("a", "a", "a", "a", value, mean, **kind)
        return {column.key for column in COLUMNS if column.suits(measure)}

    moving = {column.key for column in COLUMNS if column.kind in ("system", "motion")}
    hearing = {column.key for column in COLUMNS if column.kind == "speech"}
    assert suited() == moving | {"real"}
    assert suited(hears=True) == moving | {"real"} | hearing
    assert suited(compares=True) == moving
    assert suited(distribution=True) == moving | {"halves"}
    assert suited(several=True) == suited(several=True, hears=True) == {"predicted"}


def test_every_column_is_named_and_explained():
    assert len(BY_KEY) == len(COLUMNS) == len({column.title for column in COLUMNS})
    for column in COLUMNS:
        assert column.says.endswith(".")
        assert len(column.title) <= 16


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_a_column_of_a_minute_is_quick():
    fastest = dict.fromkeys(BY_KEY, np.inf)
    for seed in range(5):
        performance = performed(
            real=swaying(seed, frames=1800), predicted=(swaying(9, frames=1800),)
        )
        for column in COLUMNS:
            start = time.process_time()
            column.takes(performance)
            fastest[column.key] = min(fastest[column.key], time.process_time() - start)
    assert max(fastest.values()) < 0.03, fastest
