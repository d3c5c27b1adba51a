"""From speech to the stream that the trunk reads: four ways to join audio and text (spec 2.1, 2.9).

The main speaker and the interlocutor share all weights here.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model.attention import Attended, Positions, RelativeAttention
from llavataros_jax.model.layers import Projection, layer_norm


class Sizes(NamedTuple):
    """The sizes that data decides and config does not."""

    audio: int
    text: int
    pose: int
    speakers: int


class FrameProjection(nnx.Module):
    """One linear layer over the concatenation [speaker; audio?; text?; word bit?] of each frame.

    The kernel is kept in a piece for each input. That is the same layer, and lets the text piece
    work on words before they are spread over frames: about a tenth of the arithmetic. They are
    spread by a product, since the gradient of a gather adds in any order on GPUs.
    """

    def __init__(
        self, config: ModelConfig, sizes: Sizes, *, audio: bool, text: bool, rngs: nnx.Rngs
    ):
        """Draws the pieces for the inputs that are asked for."""
        d, dtype = config.d_model, config.compute_dtype
        word_bit = text and config.word_bit
        fan_in = config.d_speaker + sizes.audio * audio + sizes.text * text + word_bit

        def piece(equation: str, size: int, bias: bool = False) -> Projection:
            return Projection(
                equation, (size, d), fan_in=fan_in, bias=bias, compute_dtype=dtype, rngs=rngs
            )

        self.from_speaker = piece("BC,CD->BD", config.d_speaker, bias=True)
        self.from_audio = piece("BTA,AD->BTD", sizes.audio) if audio else None
        self.from_words = piece("BWE,ED->BWD", sizes.text) if text else None
        # Checkpoints keep the weights of the word bit under this name.
        self.from_silence = piece("BTC,CD->BTD", 1) if word_bit else None

    def __call__(
        self, speech: Speech, speaker: Float[Array, "B C"], content: Float[Array, "B T A"]
    ) -> Float[Array, "B T D"]:
        """Projects every frame; a silent frame's text is zero.

        Args:
            speech: Words and the index of the word active on each frame.
            speaker: Embedding of the lane's speaker.
            content: Audio features of each frame.
        """
        total = self.from_speaker(speaker)[:, None]
        if self.from_audio is not None:
            total = total + self.from_audio(content)
        index = jnp.asarray(speech.word_index)
        if self.from_words is not None:
            of_word = self.from_words(jnp.asarray(speech.words))
            # A silent frame's row is zeros.
            said = jax.nn.one_hot(index, of_word.shape[1])
            total = total + self.from_words.products.einsum("BTW,BWD->BTD", said, of_word)
        if self.from_silence is not None:
            total = total + self.from_silence((index >= 0)[..., None].astype(jnp.float32))
        return jnp.broadcast_to(total, (*index.shape, total.shape[-1]))


class PlainFrontend(nnx.Module):
    """The variants `text`, `audio` and `plus`: one linear layer."""

    memory_slots = 0

    def __init__(self, config: ModelConfig, sizes: Sizes, *, rngs: nnx.Rngs):
        """Draws the layer for the inputs of `config.variant`."""
        self.join = FrameProjection(
            config,
            sizes,
            audio=config.variant in ("audio", "plus"),
            text=config.variant in ("text", "plus"),
            rngs=rngs,
        )

    def __call__(
        self,
        speech: Speech,
        speaker: Float[Array, "B C"],
        *,
        remembered: Float[Array, "B M D"] | None,
        visible: Bool[Array, "B T S"],
        positions: Positions,
    ) -> tuple[Float[Array, "B T D"], list[Float[Array, "B T D"]]]:
        """Returns the stream and what must be remembered (nothing)."""
        return self.join(speech, speaker, jnp.asarray(speech.audio)), []

    def step(
        self, speech: Speech, speaker: Float[Array, "B C"], past: Attended | None
    ) -> tuple[Float[Array, "B T D"], Any]:
        """Returns the stream; there is no past to keep."""
        return self.join(speech, speaker, jnp.asarray(speech.audio)), None


class CrossFrontend(nnx.Module):
    """The variant `cross`: the audio asks, the text answers, and the answer is added.

    The published description gives queries, keys and values only. Residual, norm, relative
    positions, the causal band and a memory of the text stream are ours: without them the block
    forgets timing and depends on where segments are cut (spec 10.2).
    """

    memory_slots = 1

    def __init__(self, config: ModelConfig, sizes: Sizes, *, rngs: nnx.Rngs):
        """Draws a projection for each modality, the attention and the joining layer."""
        self.audio = FrameProjection(config, sizes, audio=True, text=False, rngs=rngs)
        self.text = FrameProjection(config, sizes, audio=False, text=True, rngs=rngs)
        self.attention = RelativeAttention(config, rngs=rngs)
        self.norm = layer_norm(config.d_model, rngs)
        self.join = FrameProjection(
            config, sizes._replace(audio=config.d_model), audio=True, text=False, rngs=rngs
        )

    def __call__(
        self,
        speech: Speech,
        speaker: Float[Array, "B C"],
        *,
        remembered: Float[Array, "B M D"] | None,
        visible: Bool[Array, "B T S"],
        positions: Positions,
    ) -> tuple[Float[Array, "B T D"], list[Float[Array, "B T D"]]]:
        """Returns the stream and the text stream, which must be remembered."""
        assert remembered is not None, "the network gives this front end its memory slot"
        audio = self.audio(speech, speaker, jnp.asarray(speech.audio))
        text = self.text(speech, speaker, jnp.asarray(speech.audio))
        attended = self.attention(audio, remembered, text, visible, positions)
        answered = self.norm(audio + attended.astype(audio.dtype))
        return self.join(speech, speaker, answered), [text]

    def step(
        self, speech: Speech, speaker: Float[Array, "B C"], past: Attended | None
    ) -> tuple[Float[Array, "B T D"], Any]:
        """Returns the stream, and the past of the text with this call in it."""
        assert past is not None, "the network gives this front end its past"
        audio = self.audio(speech, speaker, jnp.asarray(speech.audio))
        text = self.text(speech, speaker, jnp.asarray(speech.audio))
        attended, kept = past.attend(self.attention, audio, text)
        return self.join(speech, speaker, self.norm(audio + attended.astype(audio.dtype))), kept


def build_frontend(
    config: ModelConfig, sizes: Sizes, *, rngs: nnx.Rngs
) -> PlainFrontend | CrossFrontend:
    """Returns the front end of `config.variant`."""
    kind = CrossFrontend if config.variant == "cross" else PlainFrontend
    return kind(config, sizes, rngs=rngs)
