import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from llavataros_jax.motion import rotations


def random_rotations(count: int = 200, seed: int = 0) -> Rotation:
    """Draws rotations, half turns about each axis and the identity among them."""
    edges = Rotation.from_rotvec(np.pi * np.concatenate((np.eye(3), -np.eye(3), np.zeros((1, 3)))))
    near = Rotation.from_rotvec(1e-9 * np.eye(3))
    return Rotation.concatenate([edges, near, Rotation.random(count, rng=seed)])


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    return float((Rotation.from_quat(a).inv() * Rotation.from_quat(b)).magnitude().max())


def test_products_and_inverses_are_scipys() -> None:
    a, b = random_rotations(seed=1), random_rotations(seed=2)
    product = rotations.multiply(a.as_quat(), b.as_quat())
    assert angle_between(np.asarray(product), (a * b).as_quat()) < 1e-14
    assert angle_between(np.asarray(rotations.conjugate(a.as_quat())), a.inv().as_quat()) < 1e-14
    matrices = rotations.multiply_matrices(a.as_matrix(), b.as_matrix())
    np.testing.assert_allclose(matrices, (a * b).as_matrix(), atol=1e-14)


def test_vectors_turn_as_scipys() -> None:
    turns = random_rotations()
    vectors = np.random.default_rng(0).normal(size=(len(turns), 3))
    expected = turns.apply(vectors)
    np.testing.assert_allclose(rotations.rotate(turns.as_quat(), vectors), expected, atol=1e-14)
    applied = rotations.apply_matrices(turns.as_matrix(), vectors)
    np.testing.assert_allclose(applied, expected, atol=1e-14)
    one_vector = rotations.rotate(turns.as_quat(), vectors[0])
    np.testing.assert_allclose(one_vector, turns.apply(vectors[0]), atol=1e-14)


def test_matrices_are_scipys_in_both_directions() -> None:
    turns = random_rotations()
    np.testing.assert_allclose(rotations.to_matrix(turns.as_quat()), turns.as_matrix(), atol=1e-14)
    quaternions = np.asarray(rotations.from_matrix(turns.as_matrix()))
    assert angle_between(quaternions, turns.as_quat()) < 1e-14


def test_sixd_holds_the_first_two_columns() -> None:
    matrices = random_rotations().as_matrix()
    sixd = np.asarray(rotations.matrix_to_sixd(matrices))
    np.testing.assert_array_equal(sixd[:, :3], matrices[:, :, 0])
    np.testing.assert_array_equal(sixd[:, 3:], matrices[:, :, 1])
    np.testing.assert_allclose(rotations.sixd_to_matrix(sixd), matrices, atol=1e-14)


def test_any_six_numbers_give_a_rotation() -> None:
    random = np.random.default_rng(3)
    sixd = random.normal(size=(50, 6)) * 10 ** random.uniform(-2, 2, size=(50, 1))
    sixd[0] = 0
    sixd[1, 3:] = 2 * sixd[1, :3]
    sixd[2, :3] = 0
    sixd[3] = [1, 0, 0, 0, 0, 0]
    matrices = np.asarray(rotations.sixd_to_matrix(sixd))
    identities = np.broadcast_to(np.eye(3), (50, 3, 3))
    np.testing.assert_allclose(matrices @ matrices.swapaxes(1, 2), identities, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-12)
    # Gram-Schmidt is the QR factorisation with a positive diagonal.
    q, r = np.linalg.qr(np.stack((sixd[10, :3], sixd[10, 3:]), axis=1))
    np.testing.assert_allclose(matrices[10, :, :2], q * np.sign(np.diag(r)), atol=1e-12)


@pytest.mark.parametrize("sixd", [np.zeros(6), np.array([1.0, 0, 0, 2, 0, 0]), np.ones(6)])
def test_gradient_of_sixd_is_finite_without_a_direction(sixd: np.ndarray) -> None:
    jacobian = jax.jacobian(rotations.sixd_to_matrix)(jnp.asarray(sixd))
    assert jnp.isfinite(jacobian).all()


def test_gradient_of_from_matrix_is_finite_at_half_turns() -> None:
    turns = jnp.asarray(random_rotations(3).as_matrix())
    assert jnp.isfinite(jax.jit(jax.vmap(jax.jacobian(rotations.from_matrix)))(turns)).all()


def test_gradient_of_sixd_matches_finite_differences() -> None:
    sixd = np.random.default_rng(5).normal(size=6)
    with jax.enable_x64(True):
        jacobian = jax.jit(jax.jacobian(rotations.sixd_to_matrix))(jnp.asarray(sixd))
    step = 1e-6 * np.eye(6)
    above, below = rotations.sixd_to_matrix(sixd + step), rotations.sixd_to_matrix(sixd - step)
    slope = (np.asarray(above) - np.asarray(below)) / 2e-6
    np.testing.assert_allclose(jacobian, np.moveaxis(slope, 0, -1), atol=1e-8)


def test_slerp_is_scipys() -> None:
    a, b = random_rotations(seed=1), random_rotations(seed=2)
    weights = np.random.default_rng(0).random(len(a))
    expected = [
        Slerp([0, 1], Rotation.concatenate([a[k], b[k]]))(weights[k]).as_quat()
        for k in range(len(a))
    ]
    # A rotation apart by exactly half a turn has two shorter arcs.
    unclear = (a.inv() * b).magnitude() > np.pi - 1e-9
    between = np.asarray(rotations.slerp(a.as_quat(), -b.as_quat(), weights))
    assert angle_between(between[~unclear], np.array(expected)[~unclear]) < 1e-13
    p, q = a.as_quat(), b.as_quat()
    for start, end, weight, expected in ((p, q, 0.0, p), (p, q, 1.0, q), (p, p, 0.3, p)):
        assert angle_between(np.asarray(rotations.slerp(start, end, weight)), expected) < 1e-13


def test_continuous_turns_signs_and_nothing_else() -> None:
    path = Rotation.from_rotvec(np.linspace([0, 0, 0], [7, 3, -5], 100)).as_quat()
    flips = np.where(np.random.default_rng(0).random((100, 1)) < 0.5, -1, 1)
    smooth = np.asarray(rotations.continuous(path * flips))
    assert (np.sum(smooth[1:] * smooth[:-1], axis=-1) >= 0).all()
    np.testing.assert_array_equal(np.abs(smooth), np.abs(path))
    np.testing.assert_array_equal(smooth[0], (path * flips)[0])
    np.testing.assert_array_equal(rotations.continuous(path[:1]), path[:1])


def test_normalise_keeps_direction_and_survives_zero() -> None:
    quaternions = np.array([[0, 0, 0, 0], [0, 3, 0, 4.0]])
    np.testing.assert_allclose(rotations.normalise(quaternions), [[0, 0, 0, 1], [0, 0.6, 0, 0.8]])


def test_jax_agrees_with_numpy_under_jit() -> None:
    turns = random_rotations(20)
    quaternions, vectors = turns.as_quat(), np.random.default_rng(0).normal(size=(len(turns), 3))
    cases = [
        (rotations.multiply, (quaternions, quaternions[::-1])),
        (rotations.rotate, (quaternions, vectors)),
        (rotations.to_matrix, (quaternions,)),
        (rotations.matrix_to_sixd, (turns.as_matrix(),)),
        (rotations.sixd_to_matrix, (turns.as_matrix().reshape(-1, 9)[:, :6],)),
        (rotations.multiply_matrices, (turns.as_matrix(), turns.as_matrix()[::-1])),
        (rotations.continuous, (quaternions,)),
        (rotations.slerp, (quaternions, np.roll(quaternions, 1, 0), np.full(len(turns), 0.3))),
    ]
    for function, inputs in cases:
        expected = function(*inputs)
        assert isinstance(expected, np.ndarray)
        result = jax.jit(function)(*inputs)
        assert isinstance(result, jax.Array)
        np.testing.assert_allclose(result, expected, atol=3e-6, err_msg=function.__name__)


def test_gradients_of_small_products_are_those_of_einsum() -> None:
    """Against JAX's own gradient of one contraction, where broadcasting has spread something."""
    random = np.random.default_rng(0)
    full, thin = (jnp.asarray(random.normal(size=s)) for s in ((4, 5, 3, 3), (4, 1, 3, 3)))
    vectors, few = (jnp.asarray(random.normal(size=s)) for s in ((4, 5, 3), (1, 5, 3)))
    cases = [
        (rotations.multiply_matrices, "...ij,...jk->...ik", (full, thin)),
        (rotations.multiply_matrices, "...ij,...jk->...ik", (thin, full)),
        (rotations.apply_matrices, "...ij,...j->...i", (full, few)),
        (rotations.apply_matrices, "...ij,...j->...i", (thin, vectors)),
    ]
    for ours, equation, given in cases:

        def total(*inputs, product):
            return jnp.sin(product(*inputs)).sum()

        plain = functools.partial(jnp.einsum, equation, precision="highest")
        for product in (ours, jax.jit(ours)):
            found = jax.grad(functools.partial(total, product=product), argnums=(0, 1))(*given)
            wanted = jax.grad(functools.partial(total, product=plain), argnums=(0, 1))(*given)
            for mine, theirs in zip(found, wanted, strict=True):
                np.testing.assert_allclose(mine, theirs, atol=2e-6)
