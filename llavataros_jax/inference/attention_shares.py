"""Shares of attention of a self block, computed from the memory before and after a segment."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax

from llavataros_jax.data.segments import ClipSpeech, fill_speech, silence
from llavataros_jax.errors import UserError
from llavataros_jax.model import GestureModel, Memory, Params
from llavataros_jax.model.attention import band, sinusoids


def run_to(
    model: GestureModel, params: Params, speech: ClipSpeech, segment: int
) -> tuple[Memory, Memory]:
    """Returns the memory before and after a segment of somebody who speaks alone."""
    frames, sizes = model.config.segment_frames, model.sizes
    nobody = silence(1, frames=frames, rows=frames, sizes=(sizes.audio, sizes.text))
    apply = jax.jit(model.apply)
    before = after = model.empty_memory(1)
    for number in range(segment + 1):
        now = silence(1, frames=frames, rows=frames, sizes=(sizes.audio, sizes.text))
        fill_speech(
            now,
            0,
            speech,
            slice(number * frames, (number + 1) * frames),
            lookahead_frames=model.config.lookahead_frames,
        )
        before = after
        _, after = apply(
            params,
            now,
            nobody,
            jnp.zeros(1, bool),
            frame_mask=jnp.ones((1, frames), bool),
            memory=before,
        )
    return before, after


def attention_shares(
    model: GestureModel, params: Params, before: Memory, after: Memory, *, block: int
) -> tuple[Float[np.ndarray, "B N T S"], Float[np.ndarray, "B T D"]]:
    """Computes a self block's shares of attention, and its answer before residual and norm.

    Args:
        model: The network.
        params: Its parameters.
        before: Memory before a segment of `model.config.segment_frames`.
        after: Memory after it.
        block: Which self block.

    Raises:
        UserError: When the memory is shorter than a segment, so that it has lost its beginning.
    """
    config = model.config
    frames, past = config.segment_frames, config.memory_frames
    if past < frames:
        raise UserError(
            f"the run's memory of {past} frames is shorter than its segment of {frames}, so what "
            "the segment's first frames read is gone; draw another run"
        )
    weights: Any = jax.tree.map(np.asarray, params["self_blocks"][block])
    hidden = np.concatenate([before.hidden[:, block], after.hidden[:, block, -frames:]], axis=1)
    if config.norm == "pre":
        hidden = _normalised(hidden, weights["attention_norm"])
    kernel = {name: part["kernel"] for name, part in weights["attention"].items()}
    query = np.einsum("BTD,DNH->BTNH", hidden[:, past:], kernel["query"])
    key, value = (np.einsum("BSD,DNH->BSNH", hidden, kernel[name]) for name in ("key", "value"))
    distances = sinusoids(past + frames, config.d_model)[::-1]
    position = np.einsum("SD,DNH->SNH", distances, kernel["position"])
    content = np.einsum("BTNH,BSNH->BNTS", query + np.asarray(params["content_bias"]), key)
    by_distance = np.einsum("BTNH,SNH->BNTS", query + np.asarray(params["position_bias"]), position)
    distance = np.arange(frames)[:, None] + past - np.arange(past + frames)
    rows = np.arange(frames)[:, None]
    scores = content + by_distance[:, :, rows, np.maximum(distance, 0)]
    visible = _visible(before, frames, config.span)
    scores = np.where(visible[:, None], scores / np.sqrt(config.d_head), -np.inf)
    shares = softmax(scores, axis=-1)
    answer = np.einsum("BNTS,BSNH->BTNH", shares, value)
    return shares, np.einsum("BTNH,NHD->BTD", answer, kernel["output"])


def head_entropies(shares: Float[np.ndarray, "B N T S"]) -> Float[np.ndarray, " N"]:
    """Returns the mean entropy in nats of every head's frames."""
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(-1).mean((0, 2))


def _normalised(x: np.ndarray, norm: dict[str, np.ndarray]) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * norm["scale"] + norm["bias"]


def _visible(before: Memory, frames: int, span: int) -> Bool[np.ndarray, "B T S"]:
    valid = np.asarray(before.valid)
    here = np.ones((len(valid), frames), bool)
    return band(frames, valid.shape[1], span) & np.concatenate([valid, here], axis=1)[:, None]
