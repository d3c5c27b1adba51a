"""How the step is spread over devices: `jit` on a mesh, or `pmap`. Layers and steps know nothing.

Both add over devices and divide once, so both take the step of one device; with dropout they draw
different bits, since `pmap` folds the device into the key. Under `jit` the bits do not depend on
the mesh.

The mesh has two axes: the lanes are dealt over both, the parameters are cut along `fsdp` alone
(`training/sharding.py`). Which lanes a process holds is asked of the sharding, because a mesh may
order devices by their topology.
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
from llavataros_jax.training.pmap_launcher import PmapLauncher, prefix
from llavataros_jax.training.sharding import DATA, FSDP, shared_specs
from llavataros_jax.training.state import TrainState


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

    def own_lanes(self, lanes: int) -> tuple[int, ...]:
        """Returns which of `lanes` lanes this process holds, in the order that `place` expects."""
        ...

    def place(self, batch: Batch, *, segments: int = 1) -> Batch:
        """Puts this host's lanes on its devices.

        With `segments` above 1, all arrays have an axis of so many before that of the lanes.
        """
        ...

    def train(self, step: Callable, *, segments: int = 1, accumulate: int = 1) -> Callable:
        """Compiles `step(state, batch) -> (state, metrics)`; the old state is given up.

        With `segments` above 1, one call takes so many steps, one after another; batches and
        metrics have an axis of steps in front. With `accumulate` above 1, the batch of each step
        has itself an axis of so many segments, and those of all steps come as one axis.
        """
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
        """Returns shapes, types and shardings of the checkpoint of a state of such shapes."""
        ...


def build_launcher(config: ParallelConfig, lanes: int) -> Launcher:
    """Returns the launcher that `config` asks for.

    Raises:
        UserError: When there are too few devices, or the lanes or `parallel.fsdp` do not fit them.
    """
    devices = jax.devices()
    count = config.devices or max(
        (n for n in range(1, len(devices) + 1) if lanes % n == 0 and n % config.fsdp == 0),
        default=0,
    )
    if not count:
        raise UserError(
            f"parallel.fsdp={config.fsdp} must divide training.lanes={lanes} and be at most the "
            f"{len(devices)} {devices[0].platform} devices that are here"
        )
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
            f"training.lanes={lanes} must be a multiple of all {len(devices)} devices of all "
            f"hosts, and parallel.fsdp={config.fsdp} must divide them, because each host takes part"
        )
    return JitLauncher(devices[:count], fsdp=config.fsdp)


class JitLauncher:
    """Compiles with shardings on a mesh: lanes spread, parameters whole or cut along `fsdp`."""

    def __init__(self, devices: list[Any], *, fsdp: int = 1):
        """Lays `devices` out on two axes, of which the second has `fsdp`."""
        self.devices, self.fsdp = devices, fsdp
        mesh = jax.make_mesh(
            (len(devices) // fsdp, fsdp),
            (DATA, FSDP),
            axis_types=(AxisType.Auto, AxisType.Auto),
            devices=devices,
        )
        self.replicated = NamedSharding(mesh, PartitionSpec())
        self.lanes = NamedSharding(mesh, PartitionSpec((DATA, FSDP)))
        self.lanes_of_steps = NamedSharding(mesh, PartitionSpec(None, (DATA, FSDP)))
        self.own_lanes = functools.cache(self._own_lanes)

    def init(self, make: Callable[[], Any]) -> Any:
        """Makes a state (or a carry) in one compiled call, each leaf where it belongs."""
        abstract = jax.eval_shape(make)
        is_state = isinstance(abstract, TrainState)
        return jax.jit(make, out_shardings=self._of_state(abstract) if is_state else self.lanes)()

    def _own_lanes(self, lanes: int) -> tuple[int, ...]:
        of_device = self.lanes.addressable_devices_indices_map((lanes,)).values()
        parts = [range(*index[0].indices(lanes)) for index in of_device if index]
        return tuple(sorted({lane for part in parts for lane in part}))

    def place(self, batch: Batch, *, segments: int = 1) -> Batch:
        """Puts this host's lanes on its devices."""
        sharding = self.lanes if segments == 1 else self.lanes_of_steps
        if jax.process_count() == 1:
            return jax.device_put(batch, sharding)
        axis = int(segments > 1)
        return jax.tree.map(lambda x: self._assembled(np.asarray(x), axis, sharding), batch)

    def _assembled(self, own: np.ndarray, axis: int, sharding: NamedSharding) -> jax.Array:
        """Returns the array of all hosts, of which this one holds the lanes `own` along `axis`."""
        lanes = own.shape[axis] // len(sharding.addressable_devices) * len(self.devices)
        row = {lane: k for k, lane in enumerate(self.own_lanes(lanes))}

        def part(index: tuple[slice, ...] | None) -> np.ndarray:
            assert index is not None
            first, last, _ = index[axis].indices(lanes)
            return np.take(own, range(row[first], row[first] + last - first), axis)

        shape = (*own.shape[:axis], lanes, *own.shape[axis + 1 :])
        return jax.make_array_from_callback(shape, sharding, part)

    def train(self, step: Callable, *, segments: int = 1, accumulate: int = 1) -> Callable:
        """Compiles the training step; its first argument is donated."""

        def several(state: TrainState, batches: Batch) -> tuple[TrainState, Any]:
            if accumulate > 1:
                shape = segments, accumulate
                batches = jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), batches)
            return jax.lax.scan(step, state, batches)

        def compiled(state: Any) -> Callable:
            return jax.jit(
                step if segments == 1 else several,
                in_shardings=(
                    state,
                    self.lanes if segments * accumulate == 1 else self.lanes_of_steps,
                ),
                out_shardings=(state, self.replicated),
                donate_argnums=0,
            )

        if self.fsdp == 1:
            return compiled(prefix(every=self.replicated, carry=self.lanes))
        return _with_first(lambda state: compiled(self._of_state(state)))

    def evaluate(self, step: Callable) -> Callable:
        """Compiles the validation step; the carry is donated."""

        def compiled(params: Any) -> Callable:
            return jax.jit(
                step,
                in_shardings=(params, self.lanes, self.lanes),
                out_shardings=(self.lanes, self.replicated),
                donate_argnums=1,
            )

        if self.fsdp == 1:
            return compiled(self.replicated)
        return _with_first(lambda params: compiled(self._shared(params)))

    def to_checkpoint(self, state: TrainState) -> TrainState:
        """Returns `state` itself."""
        return state

    def from_checkpoint(self, state: TrainState) -> TrainState:
        """Returns `state` itself; it was restored with this launcher's shardings."""
        return state

    def abstract(self, state: TrainState) -> TrainState:
        """Returns shapes, types and shardings."""
        return jax.tree.map(
            lambda x, sharding: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding),
            state,
            self._of_state(state),
        )

    def _of_state(self, state: TrainState) -> TrainState:
        """Returns the sharding of each array of a state, of which shapes matter alone."""
        names = [field.name for field in dataclasses.fields(state) if field.name != "carry"]
        cut = {name: self._shared(getattr(state, name)) for name in names}
        return TrainState(**cut, carry=jax.tree.map(lambda _: self.lanes, state.carry))

    def _shared(self, tree: Any) -> Any:
        mesh = self.lanes.mesh
        specs = shared_specs(tree, self.fsdp)
        return jax.tree.map(
            lambda spec: NamedSharding(mesh, spec),
            specs,
            is_leaf=lambda x: isinstance(x, PartitionSpec),
        )


def _with_first(compiled: Callable[[Any], Callable]) -> Callable:
    """Returns a function that is compiled at its first call, for what its first argument is."""
    program: list[Callable] = []

    def call(first: Any, *rest: Any) -> Any:
        if not program:
            program.append(compiled(first))
        return program[0](first, *rest)

    return call
