import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.kinematics import forward, local_offsets_of, local_rotations_of
from llavataros_jax.motion.selection import select

# A branching tree whose levels are not in the order of its joints.
PARENTS = (-1, 0, 1, 0, 3, 2, 3, 1)


def random_pose(frames: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    count = frames * len(PARENTS)
    local = Rotation.random(count, rng=1).as_matrix().reshape(frames, len(PARENTS), 3, 3)
    return local, random.normal(size=(frames, len(PARENTS), 3)), random.normal(size=(frames, 3))


def chained(local: np.ndarray, offsets: np.ndarray, root: np.ndarray) -> tuple:
    """Multiplies SciPy's rotations joint by joint and frame by frame."""
    positions, world = np.zeros_like(offsets), np.zeros_like(local)
    for frame in range(len(local)):
        for joint, parent in enumerate(PARENTS):
            own = Rotation.from_matrix(local[frame, joint])
            if parent < 0:
                turn, place = own, root[frame]
            else:
                above = Rotation.from_matrix(world[frame, parent])
                turn = above * own
                place = positions[frame, parent] + above.apply(offsets[frame, joint])
            positions[frame, joint], world[frame, joint] = place, turn.as_matrix()
    return positions, world


def test_forward_equals_a_chain_of_scipy_rotations() -> None:
    local, offsets, root = random_pose()
    expected_positions, expected_world = chained(local, offsets, root)
    positions, world = forward(local, offsets, root, PARENTS)
    np.testing.assert_allclose(positions, expected_positions, atol=1e-13)
    np.testing.assert_allclose(world, expected_world, atol=1e-13)


def test_quaternions_go_the_same_way_as_matrices() -> None:
    local, offsets, root = random_pose()
    quaternions = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(6, -1, 4)
    expected_positions, expected_world = chained(local, offsets, root)
    positions, world = forward(quaternions, offsets, root, PARENTS)
    np.testing.assert_allclose(positions, expected_positions, atol=1e-13)
    world = Rotation.from_quat(np.asarray(world).reshape(-1, 4)).as_matrix()
    np.testing.assert_allclose(world, expected_world.reshape(-1, 3, 3), atol=1e-13)


def test_the_way_back_gives_the_same_pose() -> None:
    local, offsets, root = random_pose()
    positions, world = chained(local, offsets, root)
    np.testing.assert_allclose(local_rotations_of(world, PARENTS), local, atol=1e-13)
    found = np.asarray(local_offsets_of(positions, world, PARENTS))
    np.testing.assert_allclose(found[:, 1:], offsets[:, 1:], atol=1e-13)
    np.testing.assert_allclose(found[:, 0], root)


def test_one_set_of_offsets_serves_all_frames() -> None:
    local, offsets, root = random_pose()
    repeated = np.tile(offsets[0], (len(offsets), 1, 1))
    positions, _ = forward(local[None], offsets[0], root[None], PARENTS)
    assert positions.shape == (1, *offsets.shape)
    np.testing.assert_allclose(positions[0], chained(local, repeated, root)[0], atol=1e-13)


def test_a_root_alone_is_a_skeleton() -> None:
    positions, world = forward(np.eye(3)[None], np.zeros((1, 3)), np.ones(3), (-1,))
    np.testing.assert_array_equal(positions, [[1, 1, 1]])
    np.testing.assert_array_equal(world, [np.eye(3)])


def test_jax_is_jittable_and_its_gradient_matches_finite_differences() -> None:
    local, offsets, root = random_pose(1)

    def total(offsets):
        return (forward(local, offsets, root, PARENTS)[0] ** 2).sum()

    with jax.enable_x64(True):
        slope = np.asarray(jax.jit(jax.grad(total))(jnp.asarray(offsets)))
    for joint in range(1, len(PARENTS)):
        step = np.zeros_like(offsets)
        step[0, joint, 1] = 1e-6
        expected = (total(offsets + step) - total(offsets - step)) / 2e-6
        np.testing.assert_allclose(slope[0, joint, 1], expected, rtol=1e-6)


def test_the_gradient_is_a_sum_in_a_fixed_order() -> None:
    local, offsets, root = (jnp.asarray(x, jnp.float32) for x in random_pose(2))

    def total(local, offsets):
        positions, world = forward(local, offsets, root, PARENTS)
        back = local_offsets_of(positions, world, PARENTS)
        return (positions**2).sum() + (back * local_rotations_of(world, PARENTS)[..., 0]).sum()

    program = jax.jit(jax.grad(total, argnums=(0, 1))).lower(local, offsets).as_text()
    assert "stablehlo.gather" in program
    assert "scatter" not in program


def test_what_is_selected_often_adds_up_and_what_is_not_gets_nothing() -> None:
    values, rows = jnp.arange(10.0).reshape(2, 5), [3, 0, 3, 4, 3]
    np.testing.assert_array_equal(select(values, rows, 1), np.take(values, rows, axis=1))
    weights = jnp.arange(1.0, 11.0).reshape(2, 5)
    slope = jax.grad(lambda x: (select(x, rows, 1) * weights).sum())(values)
    wanted = jax.grad(lambda x: (jnp.take(x, np.array(rows), axis=1) * weights).sum())(values)
    np.testing.assert_array_equal(slope, wanted)
