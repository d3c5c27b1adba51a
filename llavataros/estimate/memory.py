"""Bytes that a step of training needs on a device, by part."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from llavataros.estimate.residuals import kept_by_part
from llavataros.estimate.workload import Workload
from llavataros_jax.batch import Batch
from llavataros_jax.config import Config
from llavataros_jax.data.segments import silence
from llavataros_jax.model import GestureModel
from llavataros_jax.training.optimizer import build_optimizer
from llavataros_jax.training.sharding import shared_specs
from llavataros_jax.training.state import TrainState, init_state

PARTS: tuple[str, ...] = (
    "speakers",
    "front end",
    "attention",
    "feed-forward",
    "norms",
    "output",
    "flow head",
)
# Begins the names of what the forward pass keeps for the backward pass.
KEPT = "kept: "


def parameters_by_part(model: GestureModel) -> dict[str, int]:
    """Counts the parameters of each part of the network."""
    counts: dict[str, int] = dict.fromkeys(PARTS, 0)
    abstract = jax.eval_shape(model.init, jax.random.key(0))
    for path, leaf in jax.tree_util.tree_leaves_with_path(abstract):
        part = _part([str(getattr(key, "key", key)) for key in path])
        counts[part] += leaf.size
    return {part: count for part, count in counts.items() if count}


def _part(names: list[str]) -> str:
    if names[0] in ("self_blocks", "cross_blocks"):
        inside = names[2]
        return {"attention": "attention", "feed_forward": "feed-forward"}.get(inside, "norms")
    return {
        "speakers": "speakers",
        "frontend": "front end",
        "content_bias": "attention",
        "position_bias": "attention",
        "output_norm": "norms",
        "output": "output",
        "flow": "flow head",
    }[names[0]]


def abstract_state(config: Config, model: GestureModel) -> TrainState:
    """Returns shapes and types of all that training keeps from step to step."""
    optimizer = build_optimizer(config.optimizer, config.schedule_steps)
    return jax.eval_shape(
        functools.partial(
            init_state,
            model,
            optimizer,
            lanes=config.training.lanes,
            seed=config.training.seed,
            dropout_bits=config.training.dropout_bits,
            averaged=config.optimizer.ema_decay > 0,
        )
    )


def batch_of(config: Config, model: GestureModel, segment_words: int) -> Batch:
    """Returns what a step learns from, in the types in which training reads it."""
    lanes, frames, sizes = config.training.lanes, config.model.segment_frames, model.sizes
    segments = config.training.accumulate_segments

    def speech() -> Any:
        features = (sizes.audio, sizes.text)
        return silence(lanes, frames=frames, rows=segment_words, sizes=features)

    batch = Batch(
        main=speech(),
        interlocutor=speech(),
        interlocutor_present=np.zeros(lanes, bool),
        pose=np.zeros((lanes, frames, sizes.pose), np.float32),
        frame_mask=np.zeros((lanes, frames), bool),
        is_start=np.zeros(lanes, bool),
    )
    if segments == 1:
        return batch
    return jax.tree.map(lambda x: np.broadcast_to(x, (segments, *x.shape)), batch)


def bytes_by_part(workload: Workload) -> dict[str, int]:
    """Returns the bytes of each part on one of the devices that the config names."""
    config, model = workload.config, workload.model
    fsdp = config.parallel.fsdp
    lanes = math.ceil(config.training.lanes / devices_of(config))
    config = dataclasses.replace(config, training=dataclasses.replace(config.training, lanes=lanes))
    state = abstract_state(config, model)
    batch = batch_of(config, model, workload.segment_words)
    kept = kept_by_part(dataclasses.replace(workload, config=config), state, batch)
    return {
        "parameters": nbytes(state.params, fsdp),
        # Where gradients of segments are added, there are the sum and what is added to it.
        "gradients": nbytes(state.params, fsdp) * (1 + (config.training.accumulate_segments > 1)),
        "moments": nbytes(state.opt_state, fsdp),
        "average": nbytes(state.average, fsdp),
        "carry": nbytes((state.carry, state.step, state.key)),
        "batch": nbytes(batch),
        **{f"{KEPT}{part}": size for part, size in kept.items()},
    }


def devices_of(config: Config) -> int:
    """Returns how many devices the config asks for, one where it takes what there are."""
    return max(config.parallel.devices, config.parallel.fsdp)


def memory_of(parts: Mapping[str, int]) -> int:
    """Returns the bytes that a device must have."""
    return sum(size for part, size in parts.items() if part != "update_traffic")


def nbytes(tree: Any, fsdp: int = 1) -> int:
    """Adds up the bytes of arrays, concrete or abstract, that each of `fsdp` devices holds."""
    cuts = jax.tree.leaves(shared_specs(tree, fsdp), is_leaf=_is_spec)
    sizes = [_bytes(leaf) for leaf in jax.tree.leaves(tree)]
    return sum(size // fsdp if cut else size for size, cut in zip(sizes, cuts, strict=True))


def _bytes(leaf: Any) -> int:
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.eval_shape(jax.random.key_data, leaf)
    return leaf.size * leaf.dtype.itemsize


def _is_spec(value: Any) -> bool:
    return isinstance(value, PartitionSpec)
