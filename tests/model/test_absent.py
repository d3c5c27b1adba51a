"""Padding and absent people may hold NaN: nothing of them reaches pose, memory or gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.model import reset_memory
from tests.model.conftest import cut, make_probe, random_speech

LENGTH = 12
MASK = np.arange(LENGTH) < np.array([[7], [12]])
PRESENT = np.array([True, False])


def padded(filling: float, seed: int, exists: np.ndarray):
    """Returns speech that is `filling` on frames that do not exist and in words never said."""
    speech = cut(random_speech(seed), slice(0, LENGTH))
    index = np.where(exists, speech.word_index, 4)
    said = (np.where(exists, index, -1)[:, :, None] == np.arange(5)).any(1)
    return speech.replace(
        audio=np.where(exists[..., None], speech.audio, np.float32(filling)),
        words=np.where(said[..., None], speech.words, np.float32(filling)),
        word_index=index,
    )


def learner(probe):
    """Returns pose, memory and gradient of a segment as a function of what absent parts hold."""

    @jax.jit
    def learn(params, memory, main, other):
        def loss(params):
            pose, after = probe.model.apply(
                params, main, other, jnp.asarray(PRESENT), frame_mask=jnp.asarray(MASK),
                memory=memory,
            )  # fmt: skip
            return jnp.sum(jnp.where(MASK[..., None], jnp.sin(pose), 0)), (pose, after)

        (_, (pose, after)), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        return jnp.where(MASK[..., None], pose, 0), after, gradient

    def run(filling: float, memory):
        main = padded(filling, 1, MASK)
        return learn(probe.params, memory, main, padded(filling, 2, MASK & PRESENT[:, None]))

    return run


@pytest.mark.parametrize(
    "options",
    [
        {"variant": "plus", "cross_memory": "main_encoder"},
        {"variant": "cross", "word_bit": True},
    ],
    ids=lambda options: options["variant"],
)
@pytest.mark.slow
def test_what_is_not_there_changes_nothing(options):
    probe = make_probe(self_blocks=1, cross_blocks=1, **options)
    learn, (_, before) = learner(probe), probe.run([LENGTH])
    clean = learn(0.0, before)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(clean))
    for filling in (np.nan, np.inf):
        for got, expected in zip(
            jax.tree.leaves(learn(filling, before)), jax.tree.leaves(clean), strict=True
        ):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.slow
def test_frames_that_do_not_exist_are_remembered_as_zeros():
    probe = make_probe()
    main, other = padded(0.0, 1, MASK), padded(0.0, 2, MASK & PRESENT[:, None])
    _, memory = probe.apply(
        probe.params, main, other, PRESENT, frame_mask=MASK, memory=probe.model.empty_memory(2)
    )
    hidden = np.asarray(memory.hidden)
    # Slots: two self blocks, the interlocutor's input, the second cross block's.
    for slot, exists in enumerate((MASK, MASK, MASK & PRESENT[:, None], MASK)):
        assert not hidden[:, slot][~exists].any()
        assert np.abs(hidden[:, slot][exists]).max(-1).min() > 0


@pytest.mark.parametrize("mode", ["mask", "zeros"])
def test_a_lane_that_starts_anew_forgets_nan(mode):
    probe = make_probe()
    _, memory = probe.run([LENGTH])
    spoiled = memory.replace(hidden=memory.hidden.at[0].set(jnp.nan))
    start = jnp.array([True, False])
    got, _ = probe.run([LENGTH], memory=reset_memory(spoiled, start, mode=mode))
    expected, _ = probe.run([LENGTH], memory=reset_memory(memory, start, mode=mode))
    np.testing.assert_array_equal(got, expected)
    assert np.isfinite(got).all()
