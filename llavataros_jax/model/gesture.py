"""The whole network: front end, self blocks, cross blocks and heads (spec section 2)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key

from llavataros_jax.batch import Speech
from llavataros_jax.config import FlowConfig, ModelConfig
from llavataros_jax.model.attention import Positions, band, sinusoids
from llavataros_jax.model.blocks import CrossBlock, SelfBlock
from llavataros_jax.model.flow import FlowHead
from llavataros_jax.model.frontend import Sizes, build_frontend
from llavataros_jax.model.layers import Dropout, Projection, layer_norm
from llavataros_jax.model.memory import Memory, remember
from llavataros_jax.model.products import products
from llavataros_jax.model.remat import rematerialised


class GestureNetwork(nnx.Module):
    """The cross-attentive Transformer-XL from speech features to what heads make poses of.

    Memory slots, in order: the input of each self block, the attended stream of each cross block
    (the interlocutor's for the first), then the front end's text streams of the main speaker and
    of the interlocutor when the variant is `cross`.
    """

    def __init__(
        self,
        config: ModelConfig,
        sizes: Sizes,
        *,
        flow: tuple[FlowConfig, int] | None = None,
        rngs: nnx.Rngs,
    ):
        """Draws all parameters; u and v are shared by all blocks and start at zero.

        Args:
            config: Options of the trunk.
            sizes: What data decides.
            flow: Options of a sampled head, and the components of its poses.
            rngs: Source of randomness.
        """
        self.config = config
        d, n, h = config.d_model, config.heads, config.d_head
        self.speakers = nnx.Param(
            nnx.initializers.normal(1.0)(rngs.params(), (sizes.speakers, config.d_speaker))
        )
        self.frontend = build_frontend(config, sizes, rngs=rngs)
        self.content_bias = nnx.Param(jnp.zeros((n, h)))
        self.position_bias = nnx.Param(jnp.zeros((n, h)))
        self.self_blocks = nnx.List(SelfBlock(config, rngs=rngs) for _ in range(config.self_blocks))
        self.cross_blocks = nnx.List(
            CrossBlock(config, rngs=rngs) for _ in range(config.cross_blocks)
        )
        self.output_norm = layer_norm(d, rngs) if config.norm == "pre" else None
        self.output = Projection(
            "BTD,DP->BTP",
            (d, sizes.pose),
            fan_in=d,
            bias=True,
            # Whatever the others compute in: bfloat16's steps would be seen as jitter.
            compute_dtype="float32",
            rngs=rngs,
        )
        # Training starts from the mean pose held still. Drawn like the others, this kernel would
        # start from noise, whose jitter the velocity terms punish tenfold (the ancestor does).
        self.output.kernel[...] = jnp.zeros((d, sizes.pose))
        # Drawn last, so that the trunk is the same with any head.
        self.flow = (
            FlowHead(
                flow[0], d_model=d, size=flow[1], compute_dtype=config.compute_dtype, rngs=rngs
            )
            if flow is not None
            else None
        )

    def __call__(
        self,
        main: Speech,
        interlocutor: Speech,
        interlocutor_present: Bool[Array, " B"],
        *,
        frame_mask: Bool[Array, "B T"],
        memory: Memory,
        dropout_key: Key[Array, ""] | None = None,
    ) -> tuple[Float[Array, "B T D"], Memory]:
        """Returns the feature of every frame, of which heads make poses, and the next memory."""
        config, frame_mask = self.config, jnp.asarray(frame_mask)
        drop = Dropout(config.dropout, dropout_key)
        frames, past_frames = frame_mask.shape[1], memory.valid.shape[1]
        distances = drop(jnp.asarray(sinusoids(past_frames + frames, config.d_model)), "positions")
        positions = Positions(distances, self.content_bias[...], self.position_bias[...])
        here = frame_mask & interlocutor_present[:, None]
        in_band = jnp.asarray(band(frames, past_frames, config.span))[None]
        main_visible = in_band & _span(memory.valid, frame_mask)[:, None]
        other_visible = in_band & _span(memory.interlocutor_valid, here)[:, None]
        blocks = config.self_blocks + config.cross_blocks

        def embed(speech: Speech, who: str, visible: Array, slot: int):
            speaker = self.embedded(speech.speaker)
            remembered = memory.hidden[:, slot] if self.frontend.memory_slots else None
            x, kept = self.frontend(
                speech, speaker, remembered=remembered, visible=visible, positions=positions
            )
            return drop(x, who), kept

        x, text_streams = embed(main, "main", main_visible, blocks)
        streams, exist = [], []
        for slot, block in enumerate(self.self_blocks):
            streams.append(x)
            exist.append(frame_mask)
            step = functools.partial(block, drop=drop, place=f"self/{slot}")
            past = memory.hidden[:, slot]
            x = rematerialised(step, config.remat)(x, past, main_visible, positions)
        text_exist = [frame_mask] * len(text_streams)
        if config.cross_blocks:
            other, kept = embed(interlocutor, "interlocutor", other_visible, blocks + 1)
            text_streams = text_streams + kept
            text_exist += [here] * len(kept)
            visible, encoded = other_visible, x
            quirk = config.cross_memory == "main_encoder"
            if quirk:
                visible = in_band & _span(memory.valid, here)[:, None]
            for number, block in enumerate(self.cross_blocks):
                is_other = number == 0 and not quirk
                streams.append(encoded if quirk and number == 0 else other)
                exist.append(here if is_other else frame_mask)
                step = functools.partial(block, drop=drop, place=f"cross/{number}")
                past = memory.hidden[:, config.self_blocks + number]
                other = rematerialised(step, config.remat)(encoded, past, other, visible, positions)
                # From the second block on, keys come from the main speaker's own stream.
                visible = main_visible
            x = other
        if self.output_norm is not None:
            x = self.output_norm(x)
        memory = remember(
            memory,
            streams + text_streams,
            exist + text_exist,
            frame_mask=frame_mask,
            interlocutor_mask=here,
        )
        return drop(x, "output"), memory

    def embedded(self, speaker: Int[Array | np.ndarray, " B"]) -> Float[Array, "B C"]:
        """Returns the embeddings of speakers, by a product: a gather's gradient is no fixed sum."""
        table = self.speakers[...]
        chosen = jax.nn.one_hot(jnp.asarray(speaker), len(table))
        # In the type in which the next product would take them anyway.
        return products(self.config.compute_dtype).einsum("BI,IC->BC", chosen, table)


def memory_slots(config: ModelConfig) -> int:
    """Returns how many streams the network remembers."""
    fusion = 0 if config.variant != "cross" else 1 + bool(config.cross_blocks)
    return config.self_blocks + config.cross_blocks + fusion


def _span(past: Bool[Array, "B M"], present: Bool[Array, "B T"]) -> Bool[Array, "B S"]:
    return jnp.concatenate([past, present], axis=1)
