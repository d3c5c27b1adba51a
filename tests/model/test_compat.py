"""The switches between what the ancestor computes and what it should: both positions of each.

Others are tested where they work: geometric gradients in tests/training/test_losses.py, the scaler
in tests/motion/test_codec.py, the pointer to words in tests/data_prep/test_words.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.model import FeatureStatistics, build
from llavataros_jax.model.memory import reset_memory
from llavataros_jax.training.carry import empty_carry, reset_carry
from tests.model.conftest import SIZES, cut, make_probe, small_config

START = jnp.array([True, False])


def test_parameters_have_the_names_that_checkpoints_keep():
    model = build(
        small_config(variant="cross", norm="pre", word_bit=True, self_blocks=1, cross_blocks=1),
        SIZES,
    )
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    found = {
        jax.tree_util.keystr(path, simple=True, separator=".")
        for path, _ in jax.tree_util.tree_leaves_with_path(shapes)
    }
    attention = {f"attention.{n}.kernel" for n in ("key", "output", "position", "query", "value")}
    block = attention | {
        f"{layer}.{leaf}"
        for layer, leaves in (
            ("attention_norm", ("bias", "scale")),
            ("feed_forward_norm", ("bias", "scale")),
            ("feed_forward.expand", ("bias", "kernel")),
            ("feed_forward.contract", ("bias", "kernel")),
        )
        for leaf in leaves
    }
    front = attention | {"norm.bias", "norm.scale"}
    front |= {
        f"{part}.from_speaker.{leaf}"
        for part in ("audio", "join", "text")
        for leaf in ("bias", "kernel")
    }
    front |= {"audio.from_audio.kernel", "join.from_audio.kernel"}
    front |= {"text.from_words.kernel", "text.from_silence.kernel"}
    expected = {"content_bias", "position_bias", "speakers", "output.bias", "output.kernel"}
    expected |= {"output_norm.bias", "output_norm.scale"}
    expected |= {f"frontend.{name}" for name in front}
    expected |= {f"self_blocks.0.{name}" for name in block}
    query_norm = {"query_norm.bias", "query_norm.scale"}
    expected |= {f"cross_blocks.0.{name}" for name in block | query_norm}
    assert found == expected


def test_reset_by_mask_forgets_and_reset_by_zeros_leaves_zeros_to_attend_to():
    probe = make_probe()
    fresh, _ = probe.run([12])
    _, memory = probe.run([12, 12])
    by_mask = reset_memory(memory, START, mode="mask")
    by_zeros = reset_memory(memory, START, mode="zeros")
    assert not by_mask.valid[0].any()
    assert by_zeros.valid.all()
    assert not by_zeros.hidden[0].any()
    np.testing.assert_array_equal(by_zeros.hidden[1], memory.hidden[1])

    masked, _ = probe.run([12], memory=by_mask)
    zeroed, _ = probe.run([12], memory=by_zeros)
    np.testing.assert_allclose(masked[0], fresh[0], atol=1e-6)
    # The zeros win softmax mass through the position term (spec section 2.6).
    assert np.abs(zeroed[0] - fresh[0]).max() > 1e-2
    np.testing.assert_array_equal(zeroed[1], masked[1])


def test_training_resets_as_the_config_says():
    for mode, forgotten in (("mask", True), ("zeros", False)):
        model = build(small_config(memory_reset=mode), SIZES)
        carry = empty_carry(model, 2)
        carry = carry.replace(memory=carry.memory.replace(valid=jnp.ones((2, 12), bool)))
        after = reset_carry(carry, START, mode=model.config.memory_reset)
        assert bool(after.memory.valid[0].any()) != forgotten
        assert after.memory.valid[1].all()


@pytest.mark.slow
def test_memory_of_the_interlocutor_or_of_the_main_encoder():
    """Only the right one passes on what the interlocutor said in the segment before."""
    moved = {}
    for source in ("interlocutor", "main_encoder"):
        # One cross block, so that nothing but its own memory can carry the past.
        probe = make_probe(cross_memory=source, cross_blocks=1)
        other = probe.interlocutor
        audio = np.array(other.audio)
        audio[:, :12] += 1
        before, _ = probe.run([12, 12])
        after, _ = probe.run([12, 12], interlocutor=other.replace(audio=audio))
        moved[source] = np.abs(after - before)[:, 12:].max()
    assert moved["interlocutor"] > 1e-3
    assert moved["main_encoder"] == 0


@pytest.mark.slow
def test_features_are_standardised_or_taken_as_they_are():
    rng = np.random.default_rng(0)
    numbers = FeatureStatistics(
        *(
            values.astype(np.float32)
            for size in (SIZES.audio, SIZES.text)
            for values in (rng.normal(size=size), rng.uniform(0.5, 2, size))
        )
    )
    probe = make_probe()
    main = cut(probe.main, slice(0, 12))
    by_hand = main.replace(
        audio=(main.audio - numbers.audio_mean) / numbers.audio_std,
        words=(main.words - numbers.words_mean) / numbers.words_std,
    )

    def pose(standardise, speech):
        model = build(small_config(standardise_features=standardise), SIZES, numbers)
        return model.apply(
            probe.params, speech, speech, jnp.zeros(2, bool),
            frame_mask=jnp.ones((2, 12), bool), memory=model.empty_memory(2),
        )[0]  # fmt: skip

    np.testing.assert_allclose(pose(True, main), pose(False, by_hand), atol=1e-5)
    assert np.abs(pose(True, main) - pose(False, main)).max() > 1e-2
