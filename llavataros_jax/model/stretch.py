"""The whole network over several segments at once, when all of their speech is known.

Segment by segment, an attention projects its memory anew each time: two thirds of its keys and
values at the published size. Here those of a stretch of segments are projected once, in products of
many rows, and its last M frames' are kept for the next stretch. Queries stay in their segments,
which lie beside each other as lanes do (axis R: streams by segments, in this order), so that each
sees exactly the keys that it sees segment by segment, with `cross_memory=main_encoder` too.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model.attention import Nobody, RelativeAttention, band, by_head, moved
from llavataros_jax.model.frontend import CrossFrontend
from llavataros_jax.model.gesture import GestureNetwork
from llavataros_jax.model.kernels import KERNELS, Heads
from llavataros_jax.model.products import products


class Kept(struct.PyTreeNode):
    """Keys and values of the last M frames that one attention attended to."""

    keys: Float[Array, "B M N H"]
    values: Float[Array, "B M N H"]


class PastKeys(struct.PyTreeNode):
    """What a stretch leaves to the next one.

    Attributes:
        kept: Of the self blocks, of the cross blocks, and of the front end if it attends (first the
            main speakers' lanes, then the others').
        valid: Frames that the stream really has.
        interlocutor_valid: Frames in which the interlocutor was there.
    """

    kept: tuple[Kept, ...]
    valid: Bool[Array, "B M"]
    interlocutor_valid: Bool[Array, "B M"]


class StretchPast(NamedTuple):
    """What one attention needs to attend from the segments of a stretch.

    Attributes:
        kept: Keys and values before the stretch.
        visible: Which of the M frames before a segment, and of its own, each query sees.
        position_keys: W_r R of the distances 0 ... span-1.
        content_bias: u, added to the query of the content term.
        position_bias: v, added to the query of the position term.
    """

    kept: Kept
    visible: Bool[Array, "R T S"]
    position_keys: Float[Array, "N K H"]
    content_bias: Float[Array, "N H"]
    position_bias: Float[Array, "N H"]

    def attend(
        self,
        attention: RelativeAttention,
        queries: Float[Array, "R T D"],
        present: Float[Array, "R T D"],
        *,
        remembered: Float[Array, "R T D"] | None = None,
    ) -> tuple[Float[Array, "R T D"], Kept]:
        """Attends from each segment to itself and the M frames before.

        Args:
            attention: Whose projections are used.
            queries: What asks.
            present: What a segment's own keys and values are made of.
            remembered: What later segments find in place of `present`.
        """
        dtype, query = attention.products.dtype, attention.query(queries)

        def seen(project: Any, kept: Array) -> tuple[Array, Array]:
            now = project(present).astype(dtype)
            later = now if remembered is None else project(remembered).astype(dtype)
            return _seen(kept, later, now)

        keys, keys_kept = seen(attention.key, self.kept.keys)
        values, values_kept = seen(attention.value, self.kept.values)
        heads = Heads(
            content_query=by_head(moved(query, self.content_bias)),
            position_query=by_head(moved(query, self.position_bias)),
            keys=by_head(keys),
            values=by_head(values),
            position_keys=_padded(self.position_keys[:, ::-1], keys.shape[1] + 1)
            if attention.kernel_name == "xla"
            else self.position_keys[:, ::-1],
        )
        answers = KERNELS[attention.kernel_name](heads, self.visible, attention.products)
        attended = attention.output(answers.transpose(1, 2, 0, 3))
        sees_any = self.visible.any(-1)[..., None]
        return jnp.where(sees_any, attended, 0.0), Kept(keys_kept, values_kept)


def empty_past(config: ModelConfig, *, lanes: int, is_alone: bool) -> PastKeys:
    """Returns a past in which nothing can be attended to."""
    frames = config.memory_frames
    all_lanes = [lanes] * (config.self_blocks + config.cross_blocks)
    if config.variant == "cross":
        all_lanes.append(lanes if is_alone else 2 * lanes)

    def nothing(count: int) -> Array:
        shape = (count, frames, config.heads, config.d_head)
        return jnp.zeros(shape, products(config.compute_dtype).dtype)

    return PastKeys(
        kept=tuple(Kept(nothing(count), nothing(count)) for count in all_lanes),
        # Two masks, not one twice: a buffer can only be donated once.
        valid=jnp.zeros((lanes, frames), bool),
        interlocutor_valid=jnp.zeros((lanes, frames), bool),
    )


def reset_past(past: PastKeys, is_start: Bool[Array, " B"]) -> PastKeys:
    """Clears the lanes in which a recording starts; contents too, as 0 × NaN is NaN."""

    def cleared(x: Array) -> Array:
        starts = jnp.tile(is_start, len(x) // len(is_start))
        return jnp.where(starts.reshape(-1, *[1] * (x.ndim - 1)), jnp.zeros((), x.dtype), x)

    return jax.tree.map(cleared, past)


def stretch_trunk(
    network: GestureNetwork,
    main: Speech,
    interlocutor: Speech | None,
    interlocutor_present: Bool[Array, " B"],
    *,
    position_keys: tuple[Float[Array, "N K H"], ...],
    past: PastKeys,
) -> tuple[Float[Array, "R T D"], PastKeys]:
    """Returns the feature of every frame of a stretch, and the past of the next one.

    Args:
        network: The network.
        main: Speech of the segments (axis R).
        interlocutor: The other persons'; None where no lane has one.
        interlocutor_present: Lanes that have one.
        position_keys: Of `incremental.position_keys`.
        past: Of the stretch before.
    """
    config, lanes = network.config, len(past.valid)
    rows, frames = main.word_index.shape
    exists = jnp.ones((rows, frames), bool)
    here = exists & jnp.repeat(interlocutor_present, rows // lanes)[:, None]
    in_band = jnp.asarray(band(frames, config.memory_frames, config.span))[None]
    quirk = config.cross_memory == "main_encoder"
    kept = list(past.kept)

    def visible(before: Array, later: Array, now: Array) -> tuple[Array, Array]:
        seen, after = _seen(before, later, now)
        return in_band & seen[:, None], after

    main_visible, valid = visible(past.valid, exists, exists)
    other_visible, interlocutor_valid = visible(past.interlocutor_valid, here, here)

    def through(number: int, visible: Array) -> StretchPast:
        biases = network.content_bias[...], network.position_bias[...]
        return StretchPast(kept[number], visible, position_keys[number], *biases)

    def embed(speech: Speech, visible: Array) -> Array:
        fusion = through(-1, visible) if isinstance(network.frontend, CrossFrontend) else None
        x, after = network.frontend.step(speech, network.embedded(speech.speaker), fusion)
        if after is not None:
            kept[-1] = after
        return x

    if interlocutor is None:
        x = other = embed(main, main_visible)
    else:
        both = jax.tree.map(_beside, main, interlocutor)
        x, other = jnp.split(embed(both, _beside(main_visible, other_visible)), 2)
    for number, block in enumerate(network.self_blocks):
        x, kept[number] = block.step(x, through(number, main_visible))
    # The ancestor's past of the first cross block is the main speaker's.
    seen = visible(past.valid, exists, here)[0] if quirk else other_visible
    encoded, remembered = x, x if quirk else None
    for number, block in enumerate(network.cross_blocks, config.self_blocks):
        attended = through(number, seen)
        if interlocutor is None and number == config.self_blocks and not quirk:
            attended = Nobody(kept[number])
        x, kept[number] = block.step(encoded, other, attended, remembered=remembered)
        # From the second block on, keys come from the main speaker's own stream.
        other, seen, remembered = x, main_visible, None
    if network.output_norm is not None:
        x = network.output_norm(x)
    return x, PastKeys(tuple(kept), valid, interlocutor_valid)


def _seen(kept: Array, later: Array, now: Array) -> tuple[Array, Array]:
    """Returns what each segment sees, and what is kept of the last M frames.

    Args:
        kept: (B, M, ...) of the frames before the stretch.
        later: (R, T, ...) what later segments find of each segment.
        now: (R, T, ...) what a segment finds of itself.
    """
    (lanes, past), (rows, frames) = kept.shape[:2], now.shape[:2]
    whole = jnp.concatenate([kept, later.reshape(lanes, -1, *kept.shape[2:])], axis=1)
    starts = range(0, rows // lanes * frames, frames)
    before = jnp.stack([whole[:, start : start + past] for start in starts], axis=1)
    before = before.reshape(rows, past, *kept.shape[2:])
    return jnp.concatenate([before, now], axis=1), whole[:, -past:]


def _beside(first: Array, second: Array) -> Array:
    return jnp.concatenate([jnp.asarray(first), jnp.asarray(second)])


def _padded(position_keys: Float[Array, "N K H"], distances: int) -> Float[Array, "N K2 H"]:
    """Adds zeros for longer distances, with which `relative_shift` only needs to move its rows."""
    return jnp.pad(position_keys, [(0, 0), (distances - position_keys.shape[1], 0), (0, 0)])
