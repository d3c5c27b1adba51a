import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.rotation_vectors import from_rotation_vector, to_rotation_vector

AXES = np.random.default_rng(0).normal(size=(50, 3))
AXES /= np.linalg.norm(AXES, axis=1, keepdims=True)
SPECIAL = [1e-12, 1e-7, 1e-4, np.pi - 1e-7, 3, 2, 1, 0.5, 0.2, 0.1]
ANGLES = np.concatenate([np.linspace(0, np.pi, 40), SPECIAL])


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_logarithm_and_exponential_are_scipys(xp) -> None:
    vectors = AXES * ANGLES[:, None]
    theirs = Rotation.from_rotvec(vectors)
    quaternions = from_rotation_vector(xp.asarray(vectors, dtype=np.float32))
    ours = Rotation.from_quat(np.asarray(quaternions))
    np.testing.assert_allclose((ours.inv() * theirs).magnitude(), 0, atol=1e-6)
    either_sign = theirs.as_quat() * np.where(np.arange(50) % 2, 1, -1)[:, None]
    back = np.asarray(to_rotation_vector(xp.asarray(either_sign, dtype=np.float32)))
    np.testing.assert_allclose(
        (Rotation.from_rotvec(back).inv() * theirs).magnitude(), 0, atol=1e-6
    )
    assert np.linalg.norm(back, axis=1).max() <= np.pi + 1e-6
