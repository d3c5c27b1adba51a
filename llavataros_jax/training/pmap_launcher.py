"""The step on the devices of one host by `jax.pmap`, and what both launchers share."""

import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from llavataros_jax.batch import Batch
from llavataros_jax.training.sharding import DATA
from llavataros_jax.training.state import TrainState


class PmapLauncher:
    """Compiles with `jax.pmap` on the devices of one host."""

    def __init__(self, devices: list[Any]):
        """Keeps the devices."""
        self.devices = devices
        self.axes = prefix(every=None, carry=0)
        # Where `pmap` expects its arguments, which it takes from nowhere else.
        mesh = Mesh(np.array(devices), (DATA,))
        self._placement = prefix(
            every=NamedSharding(mesh, PartitionSpec()),
            carry=NamedSharding(mesh, PartitionSpec(DATA)),
        )
        self._single = functools.cache(self._compiled)

    def init(self, make: Callable[[], Any]) -> Any:
        """Makes a state (or a carry) and spreads its lanes."""
        made = jax.jit(make)()
        return self.from_checkpoint(made) if isinstance(made, TrainState) else self._spread(made)

    def own_lanes(self, lanes: int) -> tuple[int, ...]:
        """Returns all lanes."""
        return tuple(range(lanes))

    def place(self, batch: Batch, *, segments: int = 1) -> Batch:
        """Gives every device its lanes; several segments stay on the host, which parts them."""
        spread = self._spread(batch, axis=int(segments > 1))
        return spread if segments > 1 else jax.device_put(spread, self._placement.carry)

    def train(self, step: Callable, *, segments: int = 1, accumulate: int = 1) -> Callable:
        """Compiles the training step; its first argument is donated.

        Several steps are so many calls of the same program: in a loop on the device, sums over
        devices would round otherwise.
        """
        single = self._single(step, int(accumulate > 1))
        if segments == 1:
            return single

        def several(state: TrainState, batches: Batch) -> tuple[TrainState, Any]:
            metrics = []
            for k in range(segments):
                own = slice(k * accumulate, (k + 1) * accumulate) if accumulate > 1 else k
                state, of_step = single(state, jax.tree.map(operator.itemgetter(own), batches))
                metrics.append(of_step)
            return state, jax.tree.map(lambda *x: jnp.stack(x), *metrics)

        return several

    def _compiled(self, step: Callable, axis: int) -> Callable:
        return jax.pmap(
            functools.partial(step, axis_name=DATA),
            axis_name=DATA,
            in_axes=(self.axes, axis),
            out_axes=(self.axes, None),
            devices=self.devices,
            donate_argnums=0,
        )

    def evaluate(self, step: Callable) -> Callable:
        """Compiles the validation step."""
        return jax.pmap(
            functools.partial(step, axis_name=DATA),
            axis_name=DATA,
            in_axes=(None, 0, 0),
            out_axes=(0, None),
            devices=self.devices,
        )

    def to_checkpoint(self, state: TrainState) -> TrainState:
        """Joins the lanes of all devices."""
        return state.replace(carry=jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), state.carry))

    def from_checkpoint(self, state: TrainState) -> TrainState:
        """Spreads the lanes over the devices again, each of which gets all else."""
        spread = state.replace(carry=self._spread(state.carry))
        return jax.device_put(spread, self._placement)

    def abstract(self, state: TrainState) -> TrainState:
        """Returns shapes and types of the joined state, and where its parts are needed."""
        places = jax.tree.broadcast(self._placement, state, is_leaf=lambda x: x is None)
        return jax.tree.map(
            lambda x, place: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place), state, places
        )

    def _spread(self, tree: Any, *, axis: int = 0) -> Any:
        count = len(self.devices)
        return jax.tree.map(
            lambda x: x.reshape(*x.shape[:axis], count, -1, *x.shape[axis + 1 :]), tree
        )


def prefix(*, every: Any, carry: Any) -> Any:
    """Returns a prefix tree of `TrainState` with one value for the carry and one for the rest."""
    parts = {field.name: every for field in dataclasses.fields(TrainState)}
    return TrainState(**{**parts, "carry": carry})
