"""The dial of expressiveness against SciPy's rotations, on bundled and on invented motion."""

from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.expressiveness import Expressiveness, resting_rotations
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.rotations import matrix_to_sixd, sixd_to_matrix
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton

CORPUS = Path(__file__).parents[2] / "corpus"
ELBOWS = (4, 7)


@cache
def bundled() -> tuple[PoseCodec, np.ndarray]:
    """Returns a codec of two speakers and the poses of one clip of each."""
    motions = [read_npy(CORPUS / f"{name}.npz", audio_seconds=None) for name in ("ada_1", "ben_1")]
    codec = PoseCodec.measure([(motion, n) for n, motion in enumerate(motions)], 2)
    poses = [codec.encode(motion) for motion in motions]
    return codec.fit(poses), np.stack([pose[:450] for pose in poses])


def local(codec: PoseCodec, poses: np.ndarray) -> np.ndarray:
    """Returns the local rotation matrices of poses, in double precision."""
    joints = codec.skeleton.num_joints
    sixd = np.asarray(poses, np.float64)[..., 3 : 3 + 6 * joints]
    return np.asarray(sixd_to_matrix(sixd.reshape(*poses.shape[:-1], joints, 6)))


def from_rest(codec: PoseCodec, poses: np.ndarray) -> np.ndarray:
    """Returns each joint's angle from the resting pose, radians, by SciPy."""
    matrices = local(codec, poses)
    relative = np.swapaxes(resting_rotations(codec), 1, 2) @ matrices
    angles = Rotation.from_matrix(relative.reshape(-1, 3, 3)).magnitude()
    return angles.reshape(matrices.shape[:-2])


def posed(codec: PoseCodec, matrices: np.ndarray) -> np.ndarray:
    """Returns poses of local rotations, with the codec's mean elsewhere."""
    poses = np.tile(codec.mean, (len(matrices), 1)).astype(np.float64)
    joints = codec.skeleton.num_joints
    poses[:, 3 : 3 + 6 * joints] = np.asarray(matrix_to_sixd(matrices)).reshape(len(matrices), -1)
    return poses


def hinge(codec: PoseCodec, joint: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns an elbow's axis and the directions of upper arm and forearm, by their lengths."""
    upper, lower = codec.rest_offsets.mean(axis=0)[[joint, joint + 1]]
    upper, lower = upper / np.linalg.norm(upper), lower / np.linalg.norm(lower)
    axis = np.cross(upper, resting_rotations(codec)[joint] @ lower)
    return axis / np.linalg.norm(axis), upper, lower


def bends(codec: PoseCodec, poses: np.ndarray, joint: int) -> np.ndarray:
    """Returns how far an elbow is bent, radians."""
    axis, upper, lower = hinge(codec, joint)
    along = local(codec, poses)[..., joint, :, :] @ lower
    return np.arctan2(along @ np.cross(axis, upper), along @ upper)


@pytest.mark.slow
def test_one_leaves_every_bit() -> None:
    codec, poses = bundled()
    dial = Expressiveness(codec)
    np.testing.assert_array_equal(dial(poses, 1.0), poses)
    same = jax.jit(dial)(jnp.asarray(poses), jnp.array([[1.0], [1.5]]))
    np.testing.assert_array_equal(same[0], poses[0])
    assert np.abs(np.asarray(same[1]) - poses[1]).max() > 0.01


def test_scaled_about_rest_as_scipys_slerp() -> None:
    codec, poses = bundled()
    dial = Expressiveness(codec)
    rest = resting_rotations(codec)
    some = poses[0, ::45].astype(np.float64)
    for scale in (0.0, 0.3, 0.7):
        ours = local(codec, np.asarray(dial(some, scale)))
        for joint in range(codec.skeleton.num_joints):
            for frame, matrix in enumerate(local(codec, some)[:, joint]):
                ends = Rotation.from_matrix(np.stack([rest[joint], matrix]))
                wanted = Slerp([0, 1], ends)(scale)
                off = (wanted.inv() * Rotation.from_matrix(ours[frame, joint])).magnitude()
                assert off < 1e-6, (scale, joint, frame)
    # Above 1 Slerp does not go on; the logarithm does. Small turns are far from every limit.
    small = Rotation.from_rotvec(np.random.default_rng(1).uniform(-0.04, 0.04, (20 * 9, 3)))
    moved = rest @ small.as_matrix().reshape(20, 9, 3, 3)
    ours = local(codec, np.asarray(dial(posed(codec, moved), 1.8)))
    more = Rotation.from_rotvec(1.8 * small.as_rotvec()).as_matrix().reshape(20, 9, 3, 3)
    np.testing.assert_allclose(ours, rest @ more, atol=1e-7)


def test_root_is_scaled_about_its_mean_and_offsets_stay() -> None:
    codec, poses = bundled()
    scaled = Expressiveness(codec)(poses, 2.0)
    root = codec.mean[:3] + 2 * (poses[..., :3] - codec.mean[:3])
    np.testing.assert_allclose(scaled[..., :3], root, atol=1e-6)
    np.testing.assert_array_equal(scaled[..., 57:], poses[..., 57:])


def test_turns_grow_with_the_dial() -> None:
    codec, poses = bundled()
    dial = Expressiveness(codec)
    scales = (0.0, 0.5, 0.8, 1.0, 1.3, 1.6, 2.0, 3.0)
    angles = np.stack([from_rest(codec, np.asarray(dial(poses, scale))) for scale in scales])
    assert angles[0].max() < 1e-3
    means = angles.mean(axis=(1, 2))
    assert (np.diff(means, axis=0) > -1e-6).all(), "no joint turns less"
    total = means.mean(axis=1)
    np.testing.assert_allclose(total[1] / total[3], 0.5, atol=1e-3)
    assert (np.diff(total) > 0.03 * total[3]).all()
    assert 1.45 < total[5] / total[3] < 1.6, "limits take a little"


def test_lanes_have_scales_of_their_own_live_as_whole() -> None:
    codec, poses = bundled()
    dial = Expressiveness(codec)
    live = jax.jit(dial)
    scales = np.array([1.7, 0.4], np.float32)
    parts = [live(jnp.asarray(poses[:, k : k + 90]), scales[:, None]) for k in range(0, 450, 90)]
    together = np.concatenate(parts, axis=1)
    for lane, scale in enumerate(scales):
        whole = dial(poses[lane], float(scale))
        np.testing.assert_allclose(together[lane], whole, atol=1e-5)


@pytest.mark.slow
def test_elbows_never_bend_backwards_nor_too_far() -> None:
    codec, poses = bundled()
    dial = Expressiveness(codec)
    random = np.random.default_rng(2)
    bent = np.radians(random.uniform(0, 150, 3000))
    for joint in ELBOWS:
        axis, upper, lower = hinge(codec, joint)
        turns = Rotation.from_rotvec(bent[:, None] * axis) * Rotation.from_rotvec(
            np.radians(random.uniform(-60, 60, (3000, 1))) * upper
        )
        straight = Rotation.align_vectors(upper, lower)[0]
        matrices = np.tile(resting_rotations(codec), (3000, 1, 1, 1))
        matrices[:, joint] = (turns * straight).as_matrix()
        invented = posed(codec, matrices)
        np.testing.assert_allclose(bends(codec, invented, joint), bent, atol=1e-6)
        for scale in (1.3, 2.0, 3.0):
            for moved in (invented, poses.reshape(-1, poses.shape[-1])):
                before = bends(codec, moved, joint)
                after = bends(codec, np.asarray(dial(moved.astype(np.float64), scale)), joint)
                assert after.min() > min(0, before.min()) - 1e-6
                assert after.max() < max(np.radians(150), before.max()) + 1e-6
        middle = bends(codec, codec.mean[None].astype(np.float64), joint)
        assert (middle + 2 * (bent - middle)).min() < -0.2, "without limits they would"


def test_what_is_beyond_a_limit_is_left_where_it_was() -> None:
    codec, _ = bundled()
    rest = resting_rotations(codec)
    matrices = np.tile(rest, (2, 1, 1, 1))
    trunk = Rotation.from_rotvec([[0, np.radians(100), 0], [0, np.radians(10), 0]]).as_matrix()
    matrices[:, 1] = rest[1] @ trunk
    angles = from_rest(codec, np.asarray(Expressiveness(codec)(posed(codec, matrices), 3.0)))[:, 1]
    np.testing.assert_allclose(angles[0], np.radians(100), atol=1e-3)
    assert np.radians(10) < angles[1] < np.radians(22.5 + 6), "two joints share 45 degrees"


def test_motion_into_a_limit_slows_down_without_a_corner() -> None:
    codec, _ = bundled()
    dial = Expressiveness(codec)
    rest = resting_rotations(codec)
    steps = []
    for count in (601, 1201):
        sweep = np.radians(np.linspace(-60, 60, count))
        matrices = np.tile(rest, (count, 1, 1, 1))
        matrices[:, 2] = rest[2] @ Rotation.from_rotvec(sweep[:, None] * [0, 1, 0]).as_matrix()
        out = local(codec, np.asarray(dial(posed(codec, matrices), 2.0)))[:, 2]
        turned = Rotation.from_matrix(rest[2].T @ out).as_rotvec()[:, 1]
        speed = np.diff(turned) / np.diff(sweep)
        assert speed.min() > -1e-6, "what turns further comes out further"
        assert speed.max() < 2 + 1e-6
        steps.append(np.abs(np.diff(speed)).max())
    assert steps[1] < 0.1, "a hard limit's step is 2"
    assert steps[1] < 0.6 * steps[0], "the speed's step at a corner would be as high"
    fine = np.linspace(0.5, 3.0, 501)
    one = posed(codec, matrices[700:701])
    by_scale = from_rest(codec, np.asarray(dial(np.repeat(one, 501, 0), fine)))[:, 2]
    assert (np.diff(by_scale) > -1e-9).all()
    assert np.abs(np.diff(by_scale, 2)).max() < 2e-3 * by_scale.max()


def test_whole_turns_stay_finite_and_do_not_jump() -> None:
    codec, _ = bundled()
    rest = resting_rotations(codec)
    sweep = np.linspace(-np.pi - 0.2, np.pi + 0.2, 721)
    for joint, axis in ((0, [0, 1, 0]), (3, [0.6, 0.8, 0])):
        matrices = np.tile(rest, (721, 1, 1, 1))
        matrices[:, joint] = rest[joint] @ Rotation.from_rotvec(sweep[:, None] * axis).as_matrix()
        for scale in (0.4, 2.5) if joint == 0 else (2.5,):
            scaled = Expressiveness(codec)(posed(codec, matrices).astype(np.float32), scale)
            assert np.isfinite(scaled).all()
            out = Rotation.from_matrix(local(codec, np.asarray(scaled))[:, joint])
            assert (out[1:].inv() * out[:-1]).magnitude().max() < np.radians(5)


def test_names_that_say_nothing_have_no_limits() -> None:
    names = tuple(f"j{n}" for n in range(9))
    strange = Skeleton(names, AVATAROS_9.parents, AVATAROS_9.offsets, AVATAROS_9.rest_rotations)
    codec, poses = bundled()
    motion = codec.decode(poses[0], 30)
    unknown = PoseCodec.measure([(Motion(motion.frames, 30, strange), 0)], 1)
    codec = unknown.fit([unknown.encode(Motion(motion.frames, 30, strange))])
    dial = Expressiveness(codec)
    assert dial.limits.high.min() > np.pi
    assert not dial.limits.is_hinge.any()
    assert np.isfinite(dial(poses[0], 2.0)).all()


@pytest.mark.parametrize("name", ["bvh/067_Speech_2_x_1_0.bvh", "bvh/gac_sample1.bvh"])
def test_real_bodies_of_other_skeletons_keep_their_elbows_and_knees(recording, name) -> None:
    from llavataros_jax.motion.bvh import read_bvh

    motion = read_bvh(recording(name), metres_per_unit=0.01).cut(0, 300)
    codec = PoseCodec.measure([(motion, 0)], 1)
    poses = codec.encode(motion)
    codec = codec.fit([poses])
    dial = Expressiveness(codec)
    hinges = [codec.skeleton.names[j] for j in np.flatnonzero(dial.limits.is_hinge)]
    assert sum("arm" in hinge.lower() or "elbow" in hinge.lower() for hinge in hinges) == 2, hinges
    before = from_rest(codec, poses).mean()
    after = from_rest(codec, np.asarray(dial(poses, 1.6))).mean()
    assert 1.3 * before < after < 1.6 * before
