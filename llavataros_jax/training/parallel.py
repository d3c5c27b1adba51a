"""How the step is spread over devices: `jit` on a mesh, or `pmap`. Layers and steps know nothing.

Both add over devices and divide once, so both take the step of one device; with dropout they draw
different bits, since `pmap` folds the device into the key.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from llavataros_jax.batch import Batch
from llavataros_jax.config import ParallelConfig
from llavataros_jax.errors import UserError
from llavataros_jax.training.state import TrainState

AXIS = "data"


@runtime_checkable
class Launcher(Protocol):
    """What both modes offer; `place` and the checkpoint pair hide how arrays are laid out.

    Attributes:
        devices: Devices of all hosts that take part.
    """

    devices: list[Any]

    def init(self, make: Callable[[], Any]) -> Any:
        """Makes a state or a carry on the devices."""
        ...

    def place(self, batch: Batch) -> Batch:
        """Puts this host's lanes on its devices."""
        ...

    def train(self, step: Callable) -> Callable:
        """Compiles `step(state, batch) -> (state, metrics)`; the old state is given up."""
        ...

    def evaluate(self, step: Callable) -> Callable:
        """Compiles `step(params, carry, batch) -> (carry, totals)`."""
        ...

    def to_checkpoint(self, state: TrainState) -> TrainState:
        """Returns the state as one array per leaf, lanes first, whatever the mode."""
        ...

    def from_checkpoint(self, state: TrainState) -> TrainState:
        """Undoes `to_checkpoint`."""
        ...

    def abstract(self, state: TrainState) -> TrainState:
        """Returns shapes, types and shardings of a checkpoint of `state`."""
        ...


def build_launcher(config: ParallelConfig, lanes: int) -> Launcher:
    """Returns the launcher that `config` asks for.

    Raises:
        UserError: When there are too few devices or the lanes do not divide among them.
    """
    devices = jax.devices()
    count = config.devices or len(devices)
    if config.devices == 0:
        count = max(n for n in range(1, len(devices) + 1) if lanes % n == 0)
    if count > len(devices):
        raise UserError(
            f"parallel.devices={count}, but only {len(devices)} {devices[0].platform} devices are "
            "here"
        )
    if lanes % count:
        raise UserError(
            f"training.lanes={lanes} does not divide among {count} devices; make it a multiple"
        )
    if config.mode == "pmap":
        if jax.process_count() > 1:
            raise UserError("parallel.mode=pmap works on one host; use parallel.mode=jit")
        return PmapLauncher(devices[:count])
    if jax.process_count() > 1 and count != len(devices):
        raise UserError(
            f"training.lanes={lanes} must be a multiple of all {len(devices)} devices of all hosts"
        )
    return JitLauncher(devices[:count])


class JitLauncher:
    """Compiles with shardings on a one-axis mesh: state replicated, lanes spread."""

    def __init__(self, devices: list[Any]):
        """Lays `devices` out on an axis."""
        self.devices = devices
        mesh = jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)
        self.replicated = NamedSharding(mesh, PartitionSpec())
        self.lanes = NamedSharding(mesh, PartitionSpec(AXIS))
        self.state = _prefix(every=self.replicated, carry=self.lanes)

    def init(self, make: Callable[[], Any]) -> Any:
        """Makes a state (or a carry) in one compiled call, each leaf where it belongs."""
        is_state = isinstance(jax.eval_shape(make), TrainState)
        return jax.jit(make, out_shardings=self.state if is_state else self.lanes)()

    def place(self, batch: Batch) -> Batch:
        """Puts this host's lanes on its devices."""
        if jax.process_count() == 1:
            return jax.device_put(batch, self.lanes)
        return jax.tree.map(
            lambda x: jax.make_array_from_process_local_data(self.lanes, np.asarray(x)), batch
        )

    def train(self, step: Callable) -> Callable:
        """Compiles the training step; its first argument is donated."""
        return jax.jit(
            step,
            in_shardings=(self.state, self.lanes),
            out_shardings=(self.state, self.replicated),
            donate_argnums=0,
        )

    def evaluate(self, step: Callable) -> Callable:
        """Compiles the validation step; the carry is donated."""
        return jax.jit(
            step,
            in_shardings=(self.replicated, self.lanes, self.lanes),
            out_shardings=(self.lanes, self.replicated),
            donate_argnums=1,
        )

    def to_checkpoint(self, state: TrainState) -> TrainState:
        """Returns `state` itself."""
        return state

    def from_checkpoint(self, state: TrainState) -> TrainState:
        """Returns `state` itself; it was restored with this launcher's shardings."""
        return state

    def abstract(self, state: TrainState) -> TrainState:
        """Returns shapes, types and shardings."""
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
        )


class PmapLauncher:
    """Compiles with `jax.pmap` on the devices of one host."""

    def __init__(self, devices: list[Any]):
        """Keeps the devices."""
        self.devices = devices
        self.axes = _prefix(every=None, carry=0)

    def init(self, make: Callable[[], Any]) -> Any:
        """Makes a state (or a carry) and spreads its lanes."""
        made = jax.jit(make)()
        return self.from_checkpoint(made) if isinstance(made, TrainState) else self._spread(made)

    def place(self, batch: Batch) -> Batch:
        """Gives every device its lanes."""
        return self._spread(batch)

    def train(self, step: Callable) -> Callable:
        """Compiles the training step; its first argument is donated."""
        return jax.pmap(
            functools.partial(step, axis_name=AXIS),
            axis_name=AXIS,
            in_axes=(self.axes, 0),
            out_axes=(self.axes, None),
            devices=self.devices,
            donate_argnums=0,
        )

    def evaluate(self, step: Callable) -> Callable:
        """Compiles the validation step."""
        return jax.pmap(
            functools.partial(step, axis_name=AXIS),
            axis_name=AXIS,
            in_axes=(None, 0, 0),
            out_axes=(0, None),
            devices=self.devices,
        )

    def to_checkpoint(self, state: TrainState) -> TrainState:
        """Joins the lanes of all devices."""
        return state.replace(carry=jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), state.carry))

    def from_checkpoint(self, state: TrainState) -> TrainState:
        """Spreads the lanes over the devices again."""
        return state.replace(carry=self._spread(state.carry))

    def abstract(self, state: TrainState) -> TrainState:
        """Returns shapes and types of the joined state, placed on the first device."""
        here = jax.sharding.SingleDeviceSharding(self.devices[0])
        joined = jax.eval_shape(self.to_checkpoint, state)
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), joined)

    def _spread(self, tree: Any) -> Any:
        count = len(self.devices)
        return jax.tree.map(lambda x: x.reshape(count, -1, *x.shape[1:]), tree)


def _prefix(*, every: Any, carry: Any) -> Any:
    """Returns a prefix tree of `TrainState` with one value for the carry and one for the rest."""
    parts = {field.name: every for field in dataclasses.fields(TrainState)}
    return TrainState(**{**parts, "carry": carry})
