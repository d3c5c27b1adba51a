"""Which axis of an array is cut among devices that share a copy of the parameters."""

import math
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec

from llavataros_jax.errors import UserError

# A mesh has these axes: copies of the parameters, and the devices that share one copy.
DATA, FSDP = "data", "fsdp"
# Numbers of an array that every device may keep whole, 256 KiB in float32.
_SMALL = 1 << 16


def shared_spec(shape: tuple[int, ...], fsdp: int, *, name: str) -> PartitionSpec:
    """Returns how an array is cut among `fsdp` devices: along the largest axis that they divide.

    Of axes of the same length it is the first. An array without such an axis stays whole if it is
    small. The rule knows shapes alone, so that moments and averages are cut as their parameters.

    Args:
        shape: Of the array.
        fsdp: Devices that share one copy.
        name: Of the array, for the message.

    Raises:
        UserError: When no axis divides and the array has more than 65,536 numbers.
    """
    if fsdp == 1 or not shape:
        return PartitionSpec()
    axes = [axis for axis, length in enumerate(shape) if length and length % fsdp == 0]
    if axes:
        cut = max(axes, key=lambda axis: (shape[axis], -axis))
        return PartitionSpec(*(None,) * cut, FSDP)
    if math.prod(shape) <= _SMALL:
        return PartitionSpec()
    raise UserError(
        f"parallel.fsdp={fsdp} divides no axis of {name}, which has the shape {shape} and is too "
        "large for a copy on every device; choose a parallel.fsdp that divides model.d_model"
    )


def shared_specs(tree: Any, fsdp: int) -> Any:
    """Returns `shared_spec` of every array of a tree, named by its path."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: shared_spec(leaf.shape, fsdp, name=_name(path)), tree
    )


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def local_copy(tree: Any) -> Any:
    """Returns whole arrays that this process can compute with alone, on one of its devices.

    All processes must ask at the same time, because what is cut among hosts is gathered.
    """
    return jax.tree.map(_local, tree)


def _local(array: jax.Array) -> Any:
    if array.is_fully_replicated:
        return array.addressable_data(0)
    if array.is_fully_addressable:
        return jax.device_get(array)
    whole = NamedSharding(array.sharding.mesh, PartitionSpec())  # pyright: ignore
    return jax.jit(lambda x: x, out_shardings=whole)(array).addressable_data(0)
