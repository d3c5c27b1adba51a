"""A picture of where one head looks: every frame of a segment at memory and segment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.rendering.plots import INK, save_picture, subplots


def draw(
    path: Path,
    shares: Float[np.ndarray, "T S"],
    *,
    first_seconds: float,
    fps: float,
    words: Sequence[tuple[str, float, float]],
    title: str,
) -> None:
    """Draws the shares with time on both axes and words on the upper one.

    What a frame cannot see stays empty.
    """
    frames, keys = shares.shape
    begin, end = first_seconds - (keys - frames) / fps, first_seconds + frames / fps
    figure, (axis,) = subplots(1, 1, size=(8.0, 3.6))
    image = axis.imshow(
        np.ma.masked_equal(np.sqrt(shares), 0),
        vmin=0,
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
