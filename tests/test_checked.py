"""Types and shapes are checked wherever tests call the packages."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.data.lanes import plan_whole_clips
from llavataros_jax.motion.rotations import conjugate


def speech(frames: int = 4) -> Speech:
    return Speech(
        audio=jnp.zeros((2, 4, 3)),
        words=jnp.zeros((2, 5, 6)),
        word_index=jnp.zeros((2, frames), int),
        speaker=jnp.zeros(2, int),
    )


def test_shapes_of_arguments_and_of_records_are_checked() -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match=r"f32\[5,3\]"):
        conjugate(jnp.zeros((5, 3)))
    with pytest.raises(jaxtyping.TypeCheckError, match="word_index"):
        speech(frames=3)
    with pytest.raises(jaxtyping.TypeCheckError, match="word_index"):
        speech().replace(word_index=np.zeros((2, 9), np.int32))
    with pytest.raises(jaxtyping.TypeCheckError, match="lanes"):
        plan_whole_clips([90], lanes="1", segment_frames=30)  # pyright: ignore[reportArgumentType]


def test_transformations_may_put_anything_in_a_record() -> None:
    whole = speech()
    assert jax.tree.map(lambda _: None, whole).audio is None
    assert jax.tree.map(lambda leaf: leaf[None], whole).audio.shape == (1, 2, 4, 3)
    assert jax.eval_shape(lambda x: x, whole).audio.shape == (2, 4, 3)
    axes = Speech(audio=0, words=0, word_index=0, speaker=0)  # pyright: ignore
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), whole)
    assert jax.vmap(lambda x: x, in_axes=(axes,))(twice).audio.shape == (2, 2, 4, 3)


def test_a_test_may_give_what_is_wrong(unchecked: None) -> None:
    assert speech(frames=3).word_index.shape == (2, 3)


def test_no_rank_and_no_type_is_promoted() -> None:
    with pytest.raises(ValueError, match="jax_numpy_rank_promotion"):
        jnp.zeros((2, 3)) + jnp.zeros(3)
    with pytest.raises(jax.dtypes.TypePromotionError):
        jnp.zeros(3, jnp.float32) * jnp.zeros(3, jnp.int32)
