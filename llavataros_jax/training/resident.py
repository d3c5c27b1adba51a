"""Batches that devices gather from clips that lie there whole, so that the host only names rows.

Each device of each host holds all clips of the split: what a lane reads next may be any of them.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from llavataros_jax.batch import Batch
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.data.resident import Resident, gather_batch, load_resident, resident_bytes
from llavataros_jax.errors import UserError
from llavataros_jax.training.feed import Feed, HostFeed
from llavataros_jax.training.hosts_same import from_leader
from llavataros_jax.training.parallel import JitLauncher, Launcher

# Of a device's memory; the rest is for parameters, activations and XLA.
MOST_SHARE = 1 / 3
Choice = Literal["auto", "on", "off"]


def is_resident(choice: Choice, reader: ClipReader, launcher: Launcher) -> bool:
    """Returns whether the clips of training shall lie on the devices (`data.resident`).

    `auto` keeps them on the host where that is the same memory, and where a device does not say how
    much it has.

    Raises:
        UserError: When it is `on`, but the mode is pmap or the clips exceed a device's memory.
    """
    if choice == "off":
        return False
    memory = min(_memory_bytes(device) for device in jax.local_devices())
    needed = resident_bytes(reader) if choice == "on" or memory else 0
    if choice == "auto":
        # One answer for all hosts, which must run the same programs.
        fits = isinstance(launcher, JitLauncher) and 0 < needed <= MOST_SHARE * memory
        return bool(from_leader(fits))
    if not isinstance(launcher, JitLauncher):
        raise UserError(
            "data.resident=on works with parallel.mode=jit; choose that, or data.resident=auto"
        )
    if memory and needed > memory:
        raise UserError(
            f"data.resident=on puts {needed / 1e9:.1f} GB of {reader.records} on each device, "
            f"which has {memory / 1e9:.1f}; set it to auto or off"
        )
    return True


def open_feed(
    choice: Choice, source: LaneSource, launcher: Launcher, *, start: int, stop: int
) -> Feed:
    """Returns what gives the batches of the lanes' segments from `start` to before `stop`.

    Raises:
        UserError: As `is_resident`.
    """
    resident = is_resident(choice, source.reader, launcher)
    if resident and isinstance(launcher, JitLauncher) and start < stop:
        return ResidentFeed(source, launcher, start=start)
    return HostFeed(source, launcher, start=start, stop=stop)


class ResidentFeed(Feed):
    """Gathers batches on the devices; takes the place of what reads them on the host."""

    def __init__(self, source: LaneSource, launcher: JitLauncher, *, start: int):
        """Puts the clips on the devices and begins with segment `start` of the lanes."""
        super().__init__()
        self._source, self._launcher, self._segment = source, launcher, start
        whole = NamedSharding(launcher.lanes.mesh, PartitionSpec())
        self._resident = load_resident(
            source.reader,
            segment_frames=source.segment_frames,
            lookahead_frames=source.lookahead_frames,
            place=functools.partial(_placed, sharding=whole),
        )
        self._gather = functools.cache(self._compiled)

    def _read(self, segments: int) -> Batch:
        sharding = self._launcher.lanes if segments == 1 else self._launcher.lanes_of_steps
        rows = np.stack([self._source.plan.row(self._segment + k) for k in range(segments)])
        self._segment += segments
        named = _placed(rows[0] if segments == 1 else rows, sharding=sharding)
        return self._gather(segments)(self._resident, named)

    def _compiled(self, segments: int) -> Callable[[Resident, jax.Array], Batch]:
        launcher = self._launcher
        if segments == 1:
            return jax.jit(gather_batch, out_shardings=launcher.lanes)
        several = jax.vmap(gather_batch, in_axes=(None, 0))
        return jax.jit(several, out_shardings=launcher.lanes_of_steps)


def _placed(array: np.ndarray, *, sharding: NamedSharding) -> jax.Array:
    """Puts an array that all hosts have on the devices, each of which takes its part."""
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def _memory_bytes(device: Any) -> int:
    """Returns the memory that JAX may use of an accelerator; 0 on a CPU, or where nothing tells."""
    if device.platform == "cpu":
        return 0
    return (device.memory_stats() or {}).get("bytes_limit", 0)
