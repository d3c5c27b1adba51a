"""Bytes that a step of training needs on a device, by part."""

import functools
from typing import Any

import jax
import numpy as np

from llavataros_jax.batch import Batch
from llavataros_jax.config import Config
from llavataros_jax.data.segments import silence
from llavataros_jax.model import GestureModel
from llavataros_jax.training.optimizer import build_optimizer
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
_FLOAT32 = 4


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
    """Returns a batch of the types in which training reads it."""
    lanes, frames, sizes = config.training.lanes, config.model.segment_frames, model.sizes

    def speech() -> Any:
        features = (sizes.audio, sizes.text)
        return silence(lanes, frames=frames, rows=segment_words, sizes=features)

    return Batch(
        main=speech(),
        interlocutor=speech(),
        interlocutor_present=np.zeros(lanes, bool),
        pose=np.zeros((lanes, frames, sizes.pose), np.float32),
        frame_mask=np.zeros((lanes, frames), bool),
        is_start=np.zeros(lanes, bool),
    )


def bytes_by_part(config: Config, model: GestureModel, *, segment_words: int) -> dict[str, int]:
    """Returns the bytes of each part; all but the activations are exact for one device."""
    state = abstract_state(config, model)
    return {
        "parameters": nbytes(state.params),
        "gradients": nbytes(state.params),
        "moments": nbytes(state.opt_state),
        "average": nbytes(state.average),
        "carry": nbytes((state.carry, state.step, state.key)),
        "batch": nbytes(batch_of(config, model, segment_words)),
        "activations": activation_bytes(config, model),
    }


def nbytes(tree: Any) -> int:
    """Adds up the bytes of arrays, concrete or abstract."""
    return sum(_bytes(leaf) for leaf in jax.tree.leaves(tree))


def _bytes(leaf: Any) -> int:
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.eval_shape(jax.random.key_data, leaf)
    return leaf.size * leaf.dtype.itemsize


def activation_bytes(config: Config, model: GestureModel) -> int:
    """Estimates what the backward pass reads of the forward pass, without rematerialisation.

    Counted as float32: of each attention its inputs, queries, keys, values, scores and weights; of
    each feed-forward layer both hidden layers; of each block eight streams (residuals, norms and
    what dropout kept); of each block of the sampled head twelve for each draw. A compiler that
    fuses, or computes again, needs less, and while it works a little more.
    """
    network, sizes = model.config, model.sizes
    lanes, frames = config.training.lanes, network.segment_frames
    keys = network.memory_frames + frames
    width = network.heads * network.d_head
    people = 1 + bool(network.cross_blocks)
    attention = (
        keys * (network.d_model + 2 * width)
        + frames * (2 * network.d_model + 3 * width)
        + 2 * network.heads * frames * keys
    )
    block = attention + frames * (6 * network.d_model + 2 * network.d_inner)
    blocks = network.self_blocks + network.cross_blocks
    numbers = blocks * block
    numbers += people * frames * (sizes.audio + 2 * network.d_model)
    if network.variant == "cross":
        numbers += people * attention
    # Poses and joints' matrices and places, predicted and real.
    numbers += frames * 12 * sizes.pose
    if model.sampling is not None:
        flow = model.sampling.flow
        numbers += flow.repeats * frames * flow.width * (12 * flow.blocks + 2)
        numbers += frames * flow.width * (3 * flow.blocks + 2)
    return _FLOAT32 * lanes * numbers
