"""Motion at a protocol's rate: against closed forms and SciPy's interpolation."""

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.spatial.transform import Rotation

from llavataros_jax.evaluation.protocols.rates import (
    at_rate,
    doubled_centred,
    doubled_stretched,
)
from llavataros_jax.evaluation.protocols.smplx_joints import axis_angles
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.trajectories import Trajectories, of_motion, of_positions


def turning(num_frames: int, fps: float = 15.0) -> Trajectories:
    """Nine joints that turn about axes of their own, moderately."""
    random = np.random.default_rng(3)
    time = np.arange(num_frames)[:, None, None] / fps
    vectors = 0.9 * np.sin(2 * time + random.uniform(0, 6, (1, 9, 3)))
    turns = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat().reshape(num_frames, 9, 4)
    root = np.cumsum(random.normal(0, 0.01, (num_frames, 3)), axis=0)
    offsets = AVATAROS_9.offsets
    return of_motion(motion_from_local(turns, offsets, root, fps=fps, skeleton=AVATAROS_9))


def test_places_alone_are_interpolated_along_lines():
    places = np.random.default_rng(0).normal(size=(21, 2, 3))
    motion = of_positions(places, 20, ("a", "b"))
    found = at_rate(motion, 30)
    assert (found.num_frames, found.fps) == (32, 30)
    # Frame 31 lies behind the last one, which holds.
    times = np.minimum(np.arange(32) / 30, 1.0)
    np.testing.assert_allclose(
        found.positions, interp1d(np.arange(21) / 20, motion.positions, axis=0)(times), atol=1e-12
    )
    assert at_rate(motion, 20) is motion


def test_rotations_keep_the_lengths_of_bones_and_every_second_frame():
    motion = turning(31)
    found = at_rate(motion, 30)
    assert found.num_frames == 62
    np.testing.assert_allclose(found.positions[::2], motion.positions, atol=1e-9)
    bone = np.linalg.norm(found.positions[:, 4] - found.positions[:, 3], axis=1)
    np.testing.assert_allclose(bone, bone[0], atol=1e-9)


def test_stretched_frames_lie_evenly_from_the_first_to_the_last():
    motion = turning(20)
    found = doubled_stretched(motion)
    assert (found.num_frames, found.fps) == (40, 30.0)
    vectors = axis_angles(motion.motion).reshape(20, -1)
    wanted = interp1d(np.arange(20), vectors, axis=0)(np.linspace(0, 19, 40))
    np.testing.assert_allclose(axis_angles(found.motion).reshape(40, -1), wanted, atol=1e-9)
    np.testing.assert_allclose(found.positions[[0, -1]], motion.positions[[0, -1]], atol=1e-9)


def test_centred_frames_hold_the_ends_and_lie_at_quarters():
    motion = turning(20)
    found = doubled_centred(motion)
    assert (found.num_frames, found.fps) == (40, 30.0)
    np.testing.assert_allclose(found.positions[[0, -1]], motion.positions[[0, -1]], atol=1e-9)
    # torch.nn.functional.interpolate(scale_factor=2, mode="linear") of a ramp gives these.
    ramp = of_positions(np.arange(4.0)[:, None, None] * np.ones((1, 1, 3)), 15, ("a",))
    np.testing.assert_allclose(
        doubled_centred(ramp).positions[:, 0, 0], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]
    )
    assert motion.motion is not None
    assert found.motion is not None
    columns = motion.motion.local_rotations()[..., :2]
    blended = 0.75 * columns[4, 3] + 0.25 * columns[5, 3]
    first = blended[:, 0] / np.linalg.norm(blended[:, 0])
    np.testing.assert_allclose(found.motion.local_rotations()[9, 3, :, 0], first, atol=1e-9)


@pytest.mark.parametrize("doubled", [doubled_stretched, doubled_centred])
def test_one_frame_and_places_alone_can_be_doubled(doubled):
    one = of_positions(np.ones((1, 2, 3)) * [[[1.0], [2.0]]], 15, ("a", "b"))
    assert doubled(one).positions.shape == (2, 2, 3)
