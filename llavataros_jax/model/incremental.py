"""The whole network in its incremental form: a few frames a call, with cached keys and values."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model.attention import Nobody, Past, RelativeAttention, sinusoids
from llavataros_jax.model.cache import (
    Cache,
    Window,
    advance,
    empty_ring,
    in_turn,
    split_turns,
    window_of_call,
    write_mask,
)
from llavataros_jax.model.frontend import CrossFrontend
from llavataros_jax.model.gesture import GestureNetwork
from llavataros_jax.model.layers import Projection
from llavataros_jax.model.products import products


def empty_cache(
    config: ModelConfig, *, lanes: int, call_frames: int, is_alone: bool = False
) -> Cache:
    """Returns a cache in which nothing can be attended to.

    Args:
        config: Options of the network.
        lanes: Streams side by side.
        call_frames: Frames that a call may have.
        is_alone: Whether no interlocutor will ever be given.
    """
    frames = config.span + call_frames
    ring_lanes = [lanes] * (config.self_blocks + config.cross_blocks)
    if config.variant == "cross":
        ring_lanes.append(lanes * (1 + bool(config.cross_blocks and not is_alone)))
    return Cache(
        rings=tuple(
            empty_ring(
                lanes=count,
                heads=config.heads,
                frames=frames,
                width=config.d_head,
                dtype=products(config.compute_dtype).dtype,
            )
            for count in ring_lanes
        ),
        valid=jnp.zeros((lanes, frames), bool),
        interlocutor_valid=jnp.zeros((lanes, frames), bool),
        head=jnp.zeros(lanes, jnp.int32),
    )


def position_keys(network: GestureNetwork) -> tuple[Float[Array, "N S H"], ...]:
    """Projects the distances 0 ... span-1 for each attention, in the order of the rings."""
    distances = jnp.asarray(sinusoids(network.config.span, network.config.d_model)[::-1])
    return tuple(attention.position_keys(distances) for attention in _attentions(network))


def in_product_types(network: GestureNetwork) -> GestureNetwork:
    """Casts each kernel to the type in which its products take it: a call reads all of them."""
    for _, module in nnx.iter_modules(network):
        if isinstance(module, Projection):
            module.kernel = nnx.Param(module.kernel[...].astype(module.products.dtype))
    return network


def advance_trunk(
    network: GestureNetwork,
    main: Speech,
    interlocutor: Speech | None,
    interlocutor_present: Bool[Array, " B"],
    *,
    frame_mask: Bool[Array, "B T"],
    position_keys: tuple[Float[Array, "N S H"], ...],
    cache: Cache,
) -> tuple[Float[Array, "B T D"], Cache]:
    """Returns the feature of the frames of a call and what the next call needs.

    Frames outside `frame_mask` do not advance their lane: their features mean nothing and nothing
    of them is kept.
    A call must not be longer than the cache allows; both speeches must have as many word rows.
    Without an interlocutor, nobody may be present and the cache must be of lanes that are alone.
    """
    config = network.config
    here = frame_mask & interlocutor_present[:, None]
    quirk = config.cross_memory == "main_encoder"
    biases = network.content_bias[...], network.position_bias[...]
    before = cache.valid
    cache, slots = advance(cache, frame_mask=frame_mask, interlocutor_mask=here)
    rings = list(cache.rings)

    def window(valid: Array) -> Window:
        return window_of_call(
            valid, cache.head, slots=slots, frame_mask=frame_mask, span=config.span
        )

    def past(number: int, window: Window) -> Past:
        return Past(rings[number], window, position_keys[number], *biases)

    main_window, other_window = window(cache.valid), window(cache.interlocutor_valid)
    is_dyadic = bool(config.cross_blocks) and interlocutor is not None
    if is_dyadic:
        # Both persons go through the front end together, so that its weights are read once.
        speech = jax.tree.map(in_turn, main, interlocutor)
        both_window = jax.tree.map(in_turn, main_window, other_window)
    else:
        speech, both_window = main, main_window
    fusion = past(-1, both_window) if isinstance(network.frontend, CrossFrontend) else None
    x, ring = network.frontend.step(speech, network.embedded(speech.speaker), fusion)
    if ring is not None:
        rings[-1] = ring
    x, other = split_turns(x) if is_dyadic else (x, x)

    for number, block in enumerate(network.self_blocks):
        x, rings[number] = block.step(x, past(number, main_window))
    # The ancestor's past of the first cross block is the main speaker's.
    seen = window(write_mask(before, slots, here)) if quirk else other_window
    encoded, remembered = x, x if quirk else None
    for number, block in enumerate(network.cross_blocks, config.self_blocks):
        attended = past(number, seen)
        if interlocutor is None and number == config.self_blocks and not quirk:
            attended = Nobody(rings[number])
        x, rings[number] = block.step(encoded, other, attended, remembered=remembered)
        # From the second block on, keys come from the main speaker's own stream.
        other, seen, remembered = x, main_window, None
    if network.output_norm is not None:
        x = network.output_norm(x)
    return x, cache.replace(rings=tuple(rings))


def _attentions(network: GestureNetwork) -> list[RelativeAttention]:
    blocks = [block.attention for block in (*network.self_blocks, *network.cross_blocks)]
    if isinstance(network.frontend, CrossFrontend):
        blocks.append(network.frontend.attention)
    return blocks
