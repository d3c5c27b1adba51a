"""Features of clips, beside NumPy and the published ones."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.embedding.checkpoint import read_checkpoint
from llavataros_jax.embedding.features import encoded, features, standardised_windows, window_starts
from llavataros_jax.embedding.positions import (
    doubled_positions,
    joints_with_places,
    positions_for,
)
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh, write_bvh
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.embedding.oracle import run, seeded_state
from tests.embedding.people import ARM, JOINTS, seeded_embedding, waving
from tests.embedding.real_files import CHECKPOINT, SAMPLE, needs_files, reference
from tests.embedding.test_checkpoint import ours


@needs_files
def test_the_sample_has_the_published_positions_and_features():
    embedding, expected = read_checkpoint(CHECKPOINT), reference("ref_sample1_ckpt30.npz")
    clip = of_motion(read_bvh(SAMPLE))
    positions = positions_for(embedding, clip)
    np.testing.assert_allclose(
        positions.reshape(-1, 168), expected["positions56"], rtol=0, atol=1e-4
    )
    found = features(embedding, clip)
    assert found.shape == (49, 32)
    np.testing.assert_allclose(found, expected["feat"], rtol=0, atol=1e-4)
    windows = jnp.asarray(standardised_windows(embedding, positions))
    _, rebuilt = ours(embedding.layout, embedding.params, windows)
    np.testing.assert_allclose(jnp.abs(rebuilt - windows).mean(), expected["recon_l1"], rtol=1e-6)


@needs_files
def test_offsets_are_doubled_by_a_switch():
    embedding = read_checkpoint(CHECKPOINT, doubled_offsets=False)
    motion = read_bvh(SAMPLE)
    names = motion.skeleton.names
    found = positions_for(embedding, of_motion(motion))
    place = embedding.joints.index("b_r_wrist")
    np.testing.assert_allclose(found[:, place], 100 * motion.positions[:, names.index("b_r_wrist")])
    # Positions alone will do for it, too.
    positions = of_positions(motion.positions, 30, names)
    np.testing.assert_allclose(positions_for(embedding, positions), found)


def test_doubled_offsets_by_hand():
    motion = waving(5)
    local = motion.local_rotations()
    upper = local[:, 0] @ (2 * ARM.offsets[1])
    lower = local[:, 0] @ local[:, 1] @ (2 * ARM.offsets[2])
    root = motion.positions[:, 0]
    found = doubled_positions(motion)
    np.testing.assert_allclose(found[:, 0], root)
    np.testing.assert_allclose(found[:, 2], root + upper + lower)
    found = doubled_positions(motion, {"hips", "hand"})
    np.testing.assert_allclose(found[:, 2], root + upper / 2 + lower)


def test_joints_with_position_channels_are_found(tmp_path):
    write_bvh(tmp_path / "a.bvh", waving(5))
    assert joints_with_places(tmp_path / "a.bvh") == {"hips"}
    motion = waving(5)
    frames = motion.frames.copy()
    frames[2:, 2, :3] += 0.1
    write_bvh(tmp_path / "a.bvh", dataclasses.replace(motion, frames=frames))
    assert joints_with_places(tmp_path / "a.bvh") == {"hips", "hand"}


@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("num_frames", [13, 14, 15, 21, 63, 2500])
def test_features_are_numpys(drops, num_frames):
    embedding = seeded_embedding(14, drops_last_window=drops)
    motion = waving(num_frames)
    starts = [
        start for start in range(0, num_frames, 7) if start + 14 <= num_frames - (1 if drops else 0)
    ]
    flat = motion.positions.reshape(num_frames, 9)
    windows = [(flat[start : start + 14] - embedding.mean) / embedding.std for start in starts]
    found = features(embedding, of_motion(motion))
    assert found.shape == (len(starts), 32)
    if starts:
        expected, _ = run(seeded_state(14, 9), np.stack(windows))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_starts_are_those_of_the_original():
    for frames in range(100):
        found = window_starts(frames, window_frames=30, stride_frames=15, drops_last=True)
        assert found.tolist() == list(range(0, frames - 30, 15))
    assert window_starts(30, window_frames=30, stride_frames=15).tolist() == [0]
    assert window_starts(1, window_frames=30, stride_frames=15).tolist() == []


def test_joints_are_found_by_name():
    motion, embedding = waving(40), seeded_embedding()
    turned = [2, 0, 1]
    mixed = of_positions(motion.positions[:, turned], 30, [JOINTS[joint] for joint in turned])
    np.testing.assert_array_equal(
        features(embedding, mixed), features(embedding, of_motion(motion))
    )


def test_the_unit_is_the_embeddings():
    motion = waving(40)
    metres = seeded_embedding()
    millimetres = metres.replace(
        mean=1000 * metres.mean, std=1000 * metres.std, units_per_metre=1000.0
    )
    np.testing.assert_allclose(
        features(millimetres, of_motion(motion)), features(metres, of_motion(motion)), atol=1e-4
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"joints": ("hips", "wrist", "hand")},
            "needs 3 joints, but wrist are missing among the 3",
        ),
        ({"fps": 60.0}, "has 30 frames per second, but the embedding was trained at 60; resample"),
        ({"doubled_offsets": True}, "cannot be had from positions alone"),
    ],
)
def test_other_motion_is_refused(values, said):
    with pytest.raises(UserError, match=said):
        features(seeded_embedding(**values), of_positions(waving().positions, 30, JOINTS))


def test_rates_of_ntsc_pass():
    clip = of_positions(waving().positions, 30000 / 1001, JOINTS)
    assert len(features(seeded_embedding(), clip)) == 7


def test_a_single_frame_has_no_features():
    assert encoded(seeded_embedding(), waving(1).positions).shape == (0, 32)
