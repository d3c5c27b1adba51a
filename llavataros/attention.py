"""Draws where one head of a trained run looks: every frame of a segment at memory and segment."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.identity import difference
from llavataros_jax.data.segments import ClipSpeech, fill_speech, silence, speech_of, words_of
from llavataros_jax.errors import UserError, door
from llavataros_jax.model import GestureModel, Memory, Params
from llavataros_jax.model.attention import band, sinusoids
from llavataros_jax.rendering.plots import INK, check_picture, save_picture, subplots
from llavataros_jax.trained import open_trained

EPILOG = """\
The network is left alone: its memory before a segment and after it holds what a self block reads,
and from that the shares are computed again (docs/mathematics.md, "Attention").

  llavataros attention --checkpoint runs/demo --out docs/attention.png
"""


PROGRAM = "llavataros attention"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and draws."""
    given = build_parser(prog).parse_args(arguments)
    check_picture(Path(given.out))
    run = open_trained(given.checkpoint)
    model, params = run.animator.model, run.animator.params
    config = model.config
    require_within("--block", given.block, config.self_blocks)
    if given.head is not None:
        require_within("--head", given.head, config.heads)
    reader = ClipReader(given.records or run.config.data.records, "validation")
    if differing := difference(run.manifest, reader.manifest):
        raise UserError(
            f"these records are not those of the run ({differing}); name the right ones by "
            "--records"
        )
    if not len(reader):
        raise UserError("these records have no held-out clip to draw")
    clip, name = reader[0], reader.clips[0].name
    main_speech = speech_of(clip)
    require_within("--segment", given.segment, len(main_speech.word_index) // config.segment_frames)
    before, after = run_to(model, params, main_speech, given.segment)
    shares, _ = attention_shares(model, params, before, after, block=given.block)
    # The most decided head, by the mean entropy of its frames, unless one is asked for.
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(-1).mean((0, 2))
    head = int(entropy.argmin()) if given.head is None else given.head
    title = f"{name}: block {given.block}, head {head}"
    draw(
        Path(given.out),
        shares[0, head],
        first_seconds=given.segment * config.segment_frames / run.manifest.fps,
        fps=run.manifest.fps,
        words=words_of(clip),
        title=title,
    )
    print(f"{title}, {entropy[head]:.2f} nats of entropy a frame")
    print(f"wrote {given.out}")
    return 0


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
        fill_speech(now, 0, speech, slice(number * frames, (number + 1) * frames))
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


def draw(
    path: Path,
    shares: Float[np.ndarray, "T S"],
    *,
    first_seconds: float,
    fps: float,
    words: Sequence[tuple[str, float, float]],
    title: str,
) -> None:
    """Draws the shares with time on both axes and words on the upper one."""
    frames, keys = shares.shape
    begin, end = first_seconds - (keys - frames) / fps, first_seconds + frames / fps
    figure, (axis,) = subplots(1, 1, size=(8.0, 3.6))
    image = axis.imshow(
        np.sqrt(shares),
        extent=(begin, end, end, first_seconds),
        aspect="auto",
        cmap="magma_r",
        interpolation="nearest",
    )
    axis.axvline(first_seconds, color=INK, linewidth=1, linestyle="--")
    offset: Any = {"textcoords": "offset points", "color": INK}
    axis.annotate("memory", (begin, end), xytext=(6, 6), **offset)
    axis.annotate("segment", (end, first_seconds), xytext=(-6, -14), ha="right", **offset)
    axis.set_xlabel("frame that is looked at, seconds")
    axis.set_ylabel("frame that looks, seconds")
    spoken = [(text, start, stop) for text, start, stop in words if begin <= start < end]
    upper = axis.secondary_xaxis("top")
    upper.set_xticks([start for _, start, _ in spoken])
    upper.set_xticklabels(
        [text for text, _, _ in spoken], rotation=55, ha="left", fontsize=7, parse_math=False
    )
    figure.colorbar(image, ax=axis, label="√ share", pad=0.02)
    figure.suptitle(title, fontsize=10, parse_math=False)
    save_picture(figure, path)


def _normalised(x: np.ndarray, norm: dict[str, np.ndarray]) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * norm["scale"] + norm["bias"]


def _visible(before: Memory, frames: int, span: int) -> Bool[np.ndarray, "B T S"]:
    valid = np.asarray(before.valid)
    here = np.ones((len(valid), frames), bool)
    return band(frames, valid.shape[1], span) & np.concatenate([valid, here], axis=1)[:, None]


def require_within(option: str, given: int, count: int) -> None:
    """Refuses a number that counts none of the things there are.

    Raises:
        UserError: When it is not from 0 to `count` - 1.
    """
    if not 0 <= given < count:
        thing = option.removeprefix("--")
        among = {0: f"there is no {thing} to draw", 1: f"{option} {given} is not 0, the only one"}
        raise UserError(among.get(count, f"{option} {given} is not among 0 to {count - 1}"))


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Draw where one head of a self block looks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, metavar="RUN", help="run directory")
    parser.add_argument("--out", required=True, metavar="PNG", help="picture to write")
    parser.add_argument("--records", metavar="DIR", help="records, if not where the run had them")
    parser.add_argument("--segment", type=int, default=2, metavar="N", help="segment of the clip")
    parser.add_argument("--block", type=int, default=0, metavar="N", help="self block")
    parser.add_argument("--head", type=int, metavar="N", help="head; the most decided by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
