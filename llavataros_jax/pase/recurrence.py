"""The quasi-recurrent layer: gates by one linear map, then a first-order recurrence (section 5)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from llavataros_jax.pase.layout import CHANNELS, RECURRENT


class RecurrentState(NamedTuple):
    """What the layer hands from one chunk of a recording to the next.

    Attributes:
        previous: Its last input.
        cell: Its last cell.
    """

    previous: Float[Array, "B C"]
    cell: Float[Array, "B C"]


def initial_state(rows: int) -> RecurrentState:
    """Returns the state before a recording's first step."""
    return RecurrentState(jnp.zeros((rows, CHANNELS[-1])), jnp.zeros((rows, RECURRENT)))


class QuasiRecurrence(nnx.Module):
    """A causal QRNN of window two with an output gate.

    Its forget gate multiplies the new value, the reverse of an LSTM's.
    """

    def __init__(self, *, rngs: nnx.Rngs):
        """Draws the gates' kernel; the current step comes first in it, then the previous one."""
        self.gates = nnx.Linear(
            2 * CHANNELS[-1], 3 * RECURRENT, precision=jax.lax.Precision.HIGHEST, rngs=rngs
        )

    def __call__(
        self, x: Float[Array, "B L C"], state: RecurrentState
    ) -> tuple[Float[Array, "B L C"], RecurrentState]:
        """Runs over all steps of `x` and returns the outputs and the state after the last one."""
        before = jnp.concatenate([state.previous[:, None], x[:, :-1]], axis=1)
        gates = self.gates(jnp.concatenate([x, before], axis=-1))
        value, fresh, output = jnp.split(gates, 3, axis=-1)
        fresh = jax.nn.sigmoid(fresh)

        def compose(first: tuple[Array, Array], second: tuple[Array, Array]):
            return first[0] * second[0], first[1] * second[0] + second[1]

        kept, added = jax.lax.associative_scan(
            compose, (1 - fresh, fresh * jnp.tanh(value)), axis=1
        )
        cells = kept * state.cell[:, None] + added
        return jax.nn.sigmoid(output) * cells, RecurrentState(x[:, -1], cells[:, -1])
