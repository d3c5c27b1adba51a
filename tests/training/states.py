"""Whole states of training that were drawn at random, small enough to write in milliseconds."""

import jax
import jax.numpy as jnp
import numpy as np

from llavataros_jax.model import Memory
from llavataros_jax.training.carry import Carry
from llavataros_jax.training.state import TrainState


def state_at(step: int) -> TrainState:
    """Returns a state of a step, like no other's."""
    values = np.random.default_rng(step).normal(size=(40, 30)).astype(np.float32)
    moments = (jnp.asarray(values), jnp.asarray(step))
    seen, poses = np.ones((2, 2), bool), values[2:4].reshape(2, 2, 15)
    hidden = jnp.asarray(values[:2].reshape(2, 1, 2, 15))
    memory = Memory(hidden, jnp.asarray(seen), jnp.asarray(seen))
    params = {"kernel": jnp.asarray(values), "bias": jnp.asarray(values[0])}
    # Plain arrays in place of an optimiser's moments.
    carry = Carry(memory, jnp.asarray(poses), jnp.asarray(-poses), jnp.asarray(seen))
    return TrainState(jnp.asarray(step), params, moments, jax.random.key(step), carry)


def abstract_state() -> TrainState:
    """Returns shapes and types of these states, on the first device."""
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), state_at(0)
    )


def require_equal(got: object, expected: object) -> None:
    """Requires that two trees are the same bit by bit."""

    def plain(leaf):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if is_key else leaf)

    jax.tree.map(lambda a, b: np.testing.assert_array_equal(plain(a), plain(b)), got, expected)
