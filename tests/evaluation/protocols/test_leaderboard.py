"""The GENEA leaderboard's protocol against SciPy, NumPy and a run of the reference code."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocol import ProtocolOptions
from llavataros_jax.evaluation.protocols import genea2026, leaderboard
from llavataros_jax.evaluation.protocols.smplx_joints import SMPLX_JOINTS, axis_angles, from_pelvis
from llavataros_jax.evaluation.protocols.smplx_whole import (
    SMPLH_JOINTS,
    SMPLX_BODY,
    of_axis_angles,
    read_whole_smplx,
)
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY, read_smplx
from llavataros_jax.motion.trajectories import of_motion
from tests.evaluation.protocols.bodies import body, clicking, values

DATA = Path(__file__).parents[4] / "shared" / "data"
SCOTT = DATA / "beat2" / "2_scott_0_1_1"
PROTOCOL = leaderboard.protocol(ProtocolOptions())


def frechet(first, second):
    """The Fréchet distance by SciPy's root of a matrix."""
    root = np.real(np.asarray(sqrtm(np.cov(first, rowvar=False) @ np.cov(second, rowvar=False))))
    spread = np.trace(np.cov(first, rowvar=False) + np.cov(second, rowvar=False) - 2 * root)
    return np.square(first.mean(axis=0) - second.mean(axis=0)).sum() + spread


def test_all_samples_are_pooled_and_the_recording_counts_once():
    pairs = []
    for seed in (0, 10):
        samples = tuple(body(250, seed=seed + k, amplitude=0.5) for k in range(1, 6))
        pairs.append((body(250, seed=seed), samples))
    performances = [Performance(str(k), "x", *pair) for k, pair in enumerate(pairs)]
    found = values(PROTOCOL, *performances)

    def vectors(motion):
        return axis_angles(motion.motion).reshape(motion.num_frames, -1)

    real = [vectors(motion) for motion, _ in pairs]
    made = [vectors(motion) for _, samples in pairs for motion in samples]
    steps = [np.diff(frames, axis=0) for frames in (*real, *made)]
    wanted = frechet(np.concatenate(made), np.concatenate(real))
    assert found["fd_g_radians2"] == pytest.approx(wanted, rel=1e-6)
    wanted = frechet(np.concatenate(steps[2:]), np.concatenate(steps[:2]))
    assert found["fd_k_radians2"] == pytest.approx(wanted, rel=1e-6)
    wanted = np.mean([frames.var(axis=0).mean() for frames in made])
    assert found["rotation_variance_radians2"] == pytest.approx(wanted, rel=1e-12)
    wanted = np.mean([np.var(made[:5], axis=0).mean(), np.var(made[5:], axis=0).mean()])
    assert found["sample_diversity_radians2"] == pytest.approx(wanted, rel=1e-9)
    places = [from_pelvis(motion).positions for _, samples in pairs for motion in samples]
    wanted = sum(np.abs(p - p.mean(axis=0)).sum() for p in places) / (10 * 250)
    assert found["l1_diversity_metres"] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.slow
def test_beats_and_recall_are_those_of_all_samples(tmp_path):
    real, spoken = body(400), clicking(tmp_path)
    samples = body(400, seed=2), body(400, seed=3, amplitude=0.2)
    together = values(PROTOCOL, Performance("a", "x", real, samples, spoken))
    alone = [values(PROTOCOL, Performance("a", "x", real, (one,), spoken)) for one in samples]
    for key in ("beat_consistency", "beat_consistency_from_motion", "semantic_recall"):
        wanted = np.mean([each[key] for each in alone])
        assert together[key] == pytest.approx(wanted, rel=1e-12)
        assert alone[0][key] != alone[1][key]


def test_identical_and_frozen_motions_have_finite_distances():
    motion = body(200)
    rotations = motion.motion
    assert rotations is not None
    frames = np.repeat(rotations.frames[:1], 200, axis=0)
    held = of_motion(Motion(frames, 30.0, rotations.skeleton))
    same = values(PROTOCOL, Performance("a", "x", motion, (motion,)))
    assert same["fd_g_radians2"] == pytest.approx(0, abs=1e-12)
    twice = values(PROTOCOL, Performance("a", "x", motion, (motion, motion)))
    assert twice["sample_diversity_radians2"] == 0
    still = values(PROTOCOL, Performance("a", "x", motion, (held,)))
    frames = axis_angles(rotations).reshape(200, -1)
    wanted = frames.var(axis=0, ddof=1).sum() + np.square(frames.mean(0) - frames[0]).sum()
    assert still["fd_g_radians2"] == pytest.approx(wanted, rel=1e-9)
    assert "sample_diversity_radians2" not in still


def test_places_alone_have_no_measures_of_rotations():
    motion = body(200)
    places = motion.moved(motion.positions)
    found = values(PROTOCOL, Performance("a", "x", places, (places,)))
    assert set(found) == {"semantic_recall", "l1_diversity_metres"}


@pytest.mark.slow
def test_segments_cut_motion_sound_and_annotations_alike(tmp_path):
    listing = tmp_path / "segments.csv"
    listing.write_text("file_name,start_seconds,end_seconds\na,5,17\n")
    (tmp_path / "a.txt").write_text("x\t8.0\t9.0\t1.0\t0.7\t\n")
    motion, other, spoken = body(600), body(600, seed=4), clicking(tmp_path)
    protocol = leaderboard.protocol(ProtocolOptions(), segments=listing, semantics=tmp_path)
    found = values(protocol, Performance("a", "x", motion, (other,), spoken))
    part = Spoken(spoken.recording, 5.0, 12.0)
    alone = values(
        PROTOCOL, Performance("b", "x", motion.cut(150, 510), (other.cut(150, 510),), part)
    )
    assert found["beat_consistency"] == alone["beat_consistency"]
    assert found["beat_consistency_from_motion"] == alone["beat_consistency_from_motion"]
    errors = np.linalg.norm(from_pelvis(motion).positions - from_pelvis(other).positions, axis=2)
    wanted = (errors < 0.1).mean(axis=1)[240:270].sum() * 0.7 / 0.1672 / 360
    assert found["semantic_recall"] == pytest.approx(wanted, rel=1e-12)
    assert "1 of" in protocol.settings["segments"]
    with pytest.raises(UserError, match="clip b is not in the segments"):
        protocol.prepare(Performance("b", "x", motion, ()))


def test_the_whole_body_has_smplx_joints_and_the_upper_bodys_bones():
    parents = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15]
    assert list(SMPLX_BODY.parents[:25]) == parents
    assert list(SMPLX_BODY.parents[25:32]) == [20, 25, 26, 20, 28, 29, 20]
    for name, offset in zip(SMPLX_UPPER_BODY.names, SMPLX_UPPER_BODY.offsets, strict=True):
        np.testing.assert_array_equal(SMPLX_BODY.offsets[SMPLX_JOINTS.index(name)], offset)


def test_rotations_come_back_as_they_were_given():
    poses = np.random.default_rng(0).normal(0, 0.4, (20, 165))
    motion = of_axis_angles(poses, np.zeros((20, 3)), fps=30.0)
    np.testing.assert_allclose(axis_angles(motion).reshape(20, 165), poses, atol=1e-9)


def test_the_forms_of_beat2_and_seamless_interaction_are_read_whole(tmp_path):
    path, poses = tmp_path / "x.npz", np.random.default_rng(0).normal(0, 0.3, (5, 165))
    trans = np.arange(15.0).reshape(5, 3)
    np.savez(path, poses=poses, trans=trans, mocap_frame_rate=np.array([30]))
    motion = read_whole_smplx(path)
    assert motion is not None
    assert (motion.num_frames, motion.fps, motion.skeleton.names) == (5, 30, SMPLX_JOINTS)
    np.testing.assert_allclose(axis_angles(motion).reshape(5, 165), poses, atol=1e-9)
    np.testing.assert_array_equal(motion.positions[:, 0], trans)
    turns = poses.reshape(5, 55, 3)
    hands = {"left": turns[:, 25:40], "right": turns[:, 40:]}
    arrays: dict[str, Any] = {
        "smplh:global_orient": turns[:, 0],
        "smplh:body_pose": turns[:, 1:22],
        **{f"smplh:{side}_hand_pose": hand for side, hand in hands.items()},
    }
    np.savez(path, **arrays)
    assert read_whole_smplx(path) is None
    motion = read_whole_smplx(path, fps=30)
    assert motion is not None
    assert motion.skeleton.names == SMPLH_JOINTS
    np.testing.assert_allclose(axis_angles(motion), np.delete(turns, (22, 23, 24), 1), atol=1e-9)


def test_nan_is_no_turn_and_other_forms_are_left_to_others(tmp_path):
    path, poses = tmp_path / "x.npz", np.zeros((5, 165))
    poses[2, 7] = np.nan
    np.savez(path, poses=poses, trans=np.zeros((5, 3)), mocap_frame_rate=30)
    motion = read_whole_smplx(path)
    assert motion is not None
    assert not axis_angles(motion).any()
    np.savez(path, poses=poses[:, :66], trans=np.zeros((5, 3)), mocap_frame_rate=30)
    assert read_whole_smplx(path) is None
    path.write_bytes(b"none")
    assert read_whole_smplx(path) is None
    np.savez(path, poses=np.zeros((5, 165)), trans=np.full((5, 3), np.inf), mocap_frame_rate=30)
    with pytest.raises(UserError, match=r"x\.npz: motion has .* NaN or infinity"):
        read_whole_smplx(path)


def test_2026_leaves_out_legs_and_face():
    assert len(genea2026.UPPER_BODY) == 55 - 8 - 3
    poses = np.random.default_rng(0).normal(0, 0.4, (40, 165))
    whole = of_motion(of_axis_angles(poses, np.zeros((40, 3)), fps=25.0))
    protocol = genea2026.protocol(ProtocolOptions())
    real = protocol.prepare(Performance("a", "x", whole, ())).real
    assert (real.skeleton.num_joints, real.fps, real.num_frames) == (44, 30, 48)
    assert protocol.samples == 5


@pytest.mark.slow
@pytest.mark.skipif(not SCOTT.with_suffix(".npz").exists(), reason="no ../shared/data/beat2")
def test_numbers_of_a_recording_are_those_of_the_reference_code():
    """`evaluation_a2p` and `evaluation_sample_div` were run on the file and five moved copies.

    Copy s = 1 to 5 has 0.05 sin(2 pi t (0.1 + 0.02 s) + 0.37 k s) radians on number k of its poses.
    """
    recorded = read_whole_smplx(SCOTT.with_suffix(".npz"))
    assert recorded is not None
    motion = of_motion(recorded)
    with np.load(SCOTT.with_suffix(".npz")) as file:
        poses, trans = file["poses"].astype(float), file["trans"]
    time, number = np.arange(len(poses))[:, None] / 30, np.arange(165)
    samples = tuple(
        of_motion(
            of_axis_angles(
                poses + 0.05 * np.sin(2 * np.pi * time * (0.1 + 0.02 * s) + number * 0.37 * s),
                trans,
                fps=30.0,
            )
        )
        for s in range(1, 6)
    )
    found = values(PROTOCOL, Performance("a", "x", motion, samples))
    assert found["fd_g_radians2"] == pytest.approx(0.1282235147361117, rel=1e-8)
    assert found["fd_k_radians2"] == pytest.approx(4.8913326278890445e-05, rel=1e-6)
    assert found["rotation_variance_radians2"] == pytest.approx(0.019270949637715272, rel=1e-9)
    assert found["sample_diversity_radians2"] == pytest.approx(0.0010024801569687408, rel=1e-9)


@pytest.mark.slow
@pytest.mark.skipif(not SCOTT.with_suffix(".npz").exists(), reason="no ../shared/data/beat2")
def test_beats_both_ways_are_those_of_the_reference_code():
    """`BC` of metric_modified.py, as in test_emage.py."""
    motion = of_motion(read_smplx(SCOTT.with_suffix(".npz")))
    spoken = Spoken(SCOTT.with_suffix(".wav"), 0.0, motion.seconds)
    found = values(PROTOCOL, Performance("a", "x", motion, (motion,), spoken))
    assert found["beat_consistency"] == pytest.approx(0.7189854440393881, abs=1e-9)
    assert found["beat_consistency_from_motion"] == pytest.approx(0.8803970683940422, abs=1e-9)
