"""Checkpoints of processes each of which has a folder of its own, because the run is in a bucket.

What is cut among devices comes together first, so that each process writes all of it, and the
folder of the first is copied to the bucket. To go on, each reads of its own copy of the newest
state what its devices hold. So the whole state must fit into the memory of each device.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from llavataros_jax.errors import UserError
from llavataros_jax.training.hosts_same import from_leader


def whole(tree: Any) -> Any:
    """Returns arrays of which every device has all; all processes must ask at the same time."""
    leaves, structure = jax.tree.flatten(tree)
    cut = [k for k, leaf in enumerate(leaves) if not leaf.is_fully_replicated]
    if cut:
        gathered = _gather(leaves[cut[0]].sharding.mesh)([leaves[k] for k in cut])
        for k, leaf in zip(cut, gathered, strict=True):
            leaves[k] = leaf
    return jax.tree.unflatten(structure, leaves)


@functools.cache
def _gather(mesh: Mesh) -> Callable[[list[jax.Array]], list[jax.Array]]:
    """Returns what is compiled once for each tree, and not for each leaf of each checkpoint."""
    return jax.jit(lambda arrays: arrays, out_shardings=NamedSharding(mesh, PartitionSpec()))


def require_same_step(step: int | None, folder: Path) -> None:
    """Requires that all processes go on from the same step.

    Raises:
        UserError: When the newest checkpoint that is whole is another here than on host 0.
    """
    first = from_leader(step)
    if first != step:
        raise UserError(
            f"host {jax.process_index()} has copied the checkpoint of step {step} to {folder}, but "
            f"host 0 goes on from step {first}; run the same command again, and if this stays, "
            "remove the cache (LLAVATAROS_CACHE) on both"
        )
