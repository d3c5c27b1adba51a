"""Everything that training is at one moment, as arrays."""

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, Key

from llavataros_jax.model import GestureModel, Params
from llavataros_jax.training.carry import Carry, empty_carry


class TrainState(struct.PyTreeNode):
    """The state that a step maps to the next one; the position in the data is `step`.

    Attributes:
        step: Steps done.
        params: Parameters as a nested dictionary.
        opt_state: The optimiser's moments.
        key: Root of all randomness; folded with the step, never split.
        carry: What each lane carries from segment to segment.
        average: Moving average of the parameters; None in runs that keep none.
    """

    step: Int[Array, ""]
    params: Params
    opt_state: optax.OptState
    key: Key[Array, ""]
    carry: Carry
    average: Params | None = None

    @property
    def shown(self) -> Params:
        """The parameters that are validated and animated: the average, if there is one."""
        return self.params if self.average is None else self.average


def init_state(
    model: GestureModel,
    optimizer: optax.GradientTransformation,
    *,
    lanes: int,
    seed: int,
    dropout_bits: str,
    averaged: bool = False,
) -> TrainState:
    """Draws a fresh state, with an average when `averaged`; to be called under `jax.jit`."""
    params = model.init(jax.random.key(seed))
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimizer.init(params),
        key=jax.random.key(seed, impl=dropout_bits),
        carry=empty_carry(model, lanes),
        average=params if averaged else None,
    )
