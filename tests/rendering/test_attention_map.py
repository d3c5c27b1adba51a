"""Pictures of shares of attention."""

import numpy as np

from llavataros_jax.rendering.attention_map import draw


def test_the_picture_is_written(tmp_path):
    shares = np.full((6, 12), 1 / 12)
    draw(
        tmp_path / "a.png", shares, first_seconds=2.0, fps=30,
        words=[("hello", 2.1, 2.15)], title="block 0",
    )  # fmt: skip
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_words_and_names_are_written_as_they_are(tmp_path):
    shares = np.full((6, 12), 1 / 12)
    draw(
        tmp_path / "a.png", shares, first_seconds=2.0, fps=30,
        words=[("$5_{", 2.1, 2.15), ("\\frac$", 2.1, 2.15)], title="clip$^$: block 0",
    )  # fmt: skip
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
