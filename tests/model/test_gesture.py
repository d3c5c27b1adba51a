"""What the whole network must not change under: cuts, futures, absences; and its exact size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.config import ModelConfig
from llavataros_jax.model import Sizes, build
from llavataros_jax.model.layers import Dropout
from llavataros_jax.model.memory import reset_memory
from tests.model.conftest import FRAMES, make_probe, random_speech


@pytest.mark.parametrize("norm", [pytest.param("post", marks=pytest.mark.slow), "pre"])
def test_segments_may_be_cut_anywhere(variant, norm):
    probe = make_probe(variant=variant, norm=norm)
    whole, _ = probe.run([36])
    for cuts in ([6, 30], [30, 6], [6] * 6):
        pose, _ = probe.run(cuts)
        np.testing.assert_allclose(pose, whole, atol=1e-5)


@pytest.mark.slow
def test_the_ancestors_cross_memory_depends_on_the_cuts():
    probe = make_probe(cross_memory="main_encoder")
    assert np.abs(probe.run([12, 12, 12])[0] - probe.run([6] * 6)[0]).max() > 1e-2


@pytest.mark.parametrize("who", ["main", "interlocutor"])
def test_no_frame_hears_the_future_and_the_band_ends(variant, who):
    """Differentiates one frame by all audio and words: zero after it and beyond the reach."""
    probe = make_probe(variant=variant, self_blocks=1, cross_blocks=1)
    frame, blocks = 34, 2 + (variant == "cross")

    def output(x):
        speech = getattr(probe, who)
        heard = speech.replace(audio=speech.audio + x[..., :1])
        # One word per frame, so that the gradient by words is a gradient by time.
        heard = heard.replace(
            words=jnp.asarray(spread[who]) + x[..., 1:2],
            word_index=jnp.broadcast_to(jnp.arange(FRAMES), (2, FRAMES)),
        )
        arguments = {"main": probe.main, "interlocutor": probe.interlocutor, who: heard}
        pose, _ = probe.apply(
            probe.params,
            arguments["main"],
            arguments["interlocutor"],
            jnp.ones(2, bool),
            frame_mask=jnp.ones((2, FRAMES), bool),
            memory=probe.model.empty_memory(2),
        )
        return jnp.sum(jnp.sin(pose[:, frame]))

    rng = np.random.default_rng(3)
    spread = {who: rng.normal(size=(2, FRAMES, 7)).astype(np.float32)}
    gradient = np.abs(jax.jit(jax.grad(output))(jnp.zeros((2, FRAMES, 2)))).sum((0, 2))
    reach = blocks * (12 - 1)
    assert (gradient[frame + 1 :] == 0).all()
    assert (gradient[: frame - reach] == 0).all()
    assert (gradient[max(0, frame - 11) : frame + (who == "main")] > 0).all()


def test_a_lane_after_reset_equals_a_fresh_run_and_leaves_others_alone():
    probe = make_probe(variant="cross")
    fresh, _ = probe.run([12])
    _, memory = probe.run([12, 12])
    again, _ = probe.run([12], memory=reset_memory(memory, jnp.array([True, False])))
    continued, _ = probe.run([12], memory=memory)
    np.testing.assert_allclose(again[0], fresh[0], atol=1e-6)
    np.testing.assert_array_equal(again[1], continued[1])
    assert np.abs(continued[1] - fresh[1]).max() > 1e-3


def test_an_absent_interlocutor_is_one_whose_speech_does_not_matter():
    probe = make_probe()
    absent = np.array([False, True])
    one, _ = type(probe)(**{**vars(probe), "present": absent}).run([12, 24])
    other, _ = type(probe)(
        **{**vars(probe), "present": absent, "interlocutor": random_speech(9)}
    ).run([12, 24])
    np.testing.assert_array_equal(one[0], other[0])
    assert np.abs(one[1] - other[1]).max() > 1e-3


def test_padding_does_not_reach_the_frames_before_it_nor_the_memory():
    probe = make_probe()
    mask = np.arange(12) < 7

    def last(main):
        pose, memory = probe.apply(
            probe.params, main, probe.interlocutor.replace(
                audio=probe.interlocutor.audio[:, :12],
                word_index=probe.interlocutor.word_index[:, :12],
            ),
            jnp.ones(2, bool),
            frame_mask=jnp.broadcast_to(jnp.asarray(mask), (2, 12)),
            memory=probe.model.empty_memory(2),
        )  # fmt: skip
        return np.asarray(pose), memory

    speech = random_speech(1, frames=12)
    noisy = speech.replace(audio=np.where(mask[None, :, None], speech.audio, 99.0))
    (one, memory), (other, _) = last(speech), last(noisy)
    np.testing.assert_array_equal(one[:, :7], other[:, :7])
    np.testing.assert_array_equal(memory.valid, np.broadcast_to(mask, (2, 12)))


@pytest.mark.slow
def test_no_gradient_reaches_memory_but_memory_reaches_the_pose():
    probe = make_probe()
    _, memory = probe.run([12])

    def through_memory(params):
        _, memory = probe.apply(
            params, random_speech(5, frames=12), random_speech(6, frames=12),
            jnp.ones(2, bool), frame_mask=jnp.ones((2, 12), bool),
            memory=probe.model.empty_memory(2),
        )  # fmt: skip
        return sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(memory.hidden))

    def second_segment(params):
        moved = jax.tree.map(jnp.asarray, memory)
        pose, _ = probe.apply(
            params, random_speech(5, frames=12), random_speech(6, frames=12),
            jnp.ones(2, bool), frame_mask=jnp.ones((2, 12), bool), memory=moved,
        )  # fmt: skip
        return jnp.sum(jnp.square(pose))

    def total(tree):
        return sum(float(jnp.abs(leaf).sum()) for leaf in jax.tree.leaves(tree))

    assert total(jax.grad(through_memory)(probe.params)) == 0
    assert total(jax.grad(second_segment)(probe.params)) > 0


def test_dropout_needs_a_key_and_keeps_the_expectation():
    x = jnp.ones((200, 500))
    np.testing.assert_array_equal(Dropout(0.2, None)(x, "here"), x)
    for kind in ("threefry2x32", "rbg"):
        dropped = Dropout(0.2, jax.random.key(0, impl=kind))(x, "here")
        share = float((dropped == 0).mean())
        # Five standard deviations of a binomial share of 100 000 draws.
        assert abs(share - 0.2) < 5 * np.sqrt(0.2 * 0.8 / x.size)
        np.testing.assert_allclose(np.unique(dropped), [0, 1.25], rtol=1e-4)
        elsewhere = Dropout(0.2, jax.random.key(0, impl=kind))(x, "there")
        assert float((dropped == elsewhere).mean()) < 0.75
        # An odd length does not fill its last word; a word's halves are independent.
        odd = Dropout(0.2, jax.random.key(0, impl=kind))(x[:, :499], "here") == 0
        both = float((odd[:, :498:2] & odd[:, 1:498:2]).mean())
        assert abs(both - 0.04) < 5 * np.sqrt(0.04 * 0.96 / (200 * 249))


@pytest.mark.parametrize(
    ("variant", "text", "count"),
    [("plus", 300, 83_462_781), ("text", 4096, 86_563_453), ("audio", 1, 83_155_581),
     ("plus", 4096, 87_349_885)],
)  # fmt: skip
@pytest.mark.slow
def test_the_published_size_is_exact(variant, text, count):
    """Spec section 2.8: the ancestor's 83 462 781 used parameters, and the paper's inputs."""
    model = build(ModelConfig(variant=variant), Sizes(audio=768, text=text, pose=501, speakers=17))
    assert model.parameter_count() == count
