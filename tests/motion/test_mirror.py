import numpy as np
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.mirror import mirror
from llavataros_jax.motion.npy import read_npy

REFLECTION = np.diag([-1.0, 1.0, 1.0])


def test_places_and_axes_are_reflected_and_twins_exchanged(dance) -> None:
    image = mirror(dance)
    order = [0, 1, 2, 6, 7, 8, 3, 4, 5]
    np.testing.assert_allclose(image.positions, dance.positions[:, order] @ REFLECTION, atol=1e-15)
    for joint, twin in enumerate(order):
        turn = Rotation.from_quat(dance.quaternions[:, twin]).as_matrix()
        expected = REFLECTION @ turn @ REFLECTION
        found = Rotation.from_quat(image.quaternions[:, joint]).as_matrix()
        np.testing.assert_allclose(found, expected, atol=1e-14)


def test_twice_is_not_at_all(dance) -> None:
    again = mirror(mirror(dance))
    np.testing.assert_array_equal(again.frames, dance.frames)
    assert again.skeleton.to_dict() == dance.skeleton.to_dict()


def test_skeleton_is_reflected_with_the_motion(dance) -> None:
    image = mirror(dance)
    rigid = [2, 4, 5, 7, 8]
    expected = np.broadcast_to(image.skeleton.offsets[rigid], (90, 5, 3))
    np.testing.assert_allclose(image.local_offsets()[:, rigid], expected, atol=1e-12)


def test_bvh_skeletons_mirror_by_name(recording) -> None:
    motion = read_bvh(recording("bvh/067_Speech_2_x_1_0.bvh")).cut(0, 30)
    image = mirror(motion)
    left, right = (motion.skeleton.names.index(f"{side}Hand") for side in ("Left", "Right"))
    np.testing.assert_allclose(image.positions[:, left], motion.positions[:, right] * [-1, 1, 1])
    still = image.local_offsets()[:, 1:] - image.skeleton.offsets[1:]
    assert np.abs(still).max() < 1e-12


def test_real_mirrored_take_is_close(recording) -> None:
    # Each arm kept its own length (9 mm apart) and shoulder there, so elbows differ by centimetres,
    # while hips and hands are where, and turned as, a mirror shows them.
    plain = read_npy(recording("avataros/002_Neutral_1_x_1_0.npy"), fps=60)
    taken = read_npy(recording("avataros/002_Neutral_1_mirror_x_1_0.npy"), fps=60)
    image = mirror(plain)
    away = np.linalg.norm(image.positions - taken.positions, axis=-1)
    assert away.mean() < 0.012
    assert away[:, 0].max() < 0.004
    assert away[:, [5, 8]].max() < 0.008
    dots = np.abs(np.sum(image.quaternions * taken.quaternions, axis=-1))
    angles = 2 * np.degrees(np.arccos(np.minimum(dots, 1)))
    assert angles.mean() < 3
    assert angles[:, [0, 5, 8]].max() < 0.2
    unreflected = np.linalg.norm(plain.positions - taken.positions, axis=-1)
    assert away.mean() < 0.1 * unreflected.mean()
