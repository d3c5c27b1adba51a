"""The terms against freezing beside NumPy, and that each asks for the movement its name says."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import LossConfig
from llavataros_jax.config.loss import LIVELY_TERMS, TERMS
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.training.carry import empty_carry
from llavataros_jax.training.liveliness import (
    Liveliness,
    energy_sum,
    open_liveliness,
    variance_sum,
    variance_weights,
    voice_sum,
    voice_weights,
    voiced_and_silent,
)
from llavataros_jax.training.losses import loss_sums, loss_weights, mean, weighted_loss
from tests.training.records import toy_config
from tests.training.test_losses import CODEC, FRAMES, LANES, MODEL, TARGET, batch_of, prediction

FPS, JOINTS = 30, CODEC.skeleton.num_joints - 1
DRAWN = np.random.default_rng(3)
VELOCITY, TRUE = (DRAWN.normal(size=(2, 40, 3, 3)).astype(np.float32) * s for s in (0.2, 1.0))
PAIR = np.ones((2, 40), bool)
PAIR[0, 0], PAIR[1, 33:] = False, False
ALL = Liveliness(("energy", "variance", "voice"), FPS)
WORDS = np.where(np.arange(FRAMES) % 16 < 8, 0, -1)[None].repeat(LANES, 0).astype(np.int32)


def said(batch, word_index=WORDS):
    return batch.replace(main=batch.main.replace(word_index=word_index))


def spoken(word_index):
    """Returns a batch of 40 frames with these words and nothing else."""
    features = np.zeros((*word_index.shape, 1), np.float32)
    lanes = np.zeros(len(word_index), bool)
    speech = Speech(features, features, word_index, lanes.astype(np.int32))
    return Batch(
        main=speech, interlocutor=speech, interlocutor_present=lanes, pose=features,
        frame_mask=np.ones(word_index.shape, bool), is_start=lanes,
    )  # fmt: skip


def log_speed(squares):
    return 0.5 * np.log(np.mean(squares) * FPS**2 + 1)


def test_energy_is_numpys():
    total, frames = 0.0, 0
    for lane, start in np.ndindex(2, 3):
        part = slice(15 * start, 15 * start + 15)
        real = PAIR[lane, part]
        for joint in range(3):
            squares = [
                np.square(v[lane, part, joint][real].astype(np.float64)).sum(-1)
                for v in (VELOCITY, TRUE)
            ]
            total += real.sum() * abs(log_speed(squares[0]) - log_speed(squares[1]))
        frames += real.sum()
    assert frames == PAIR.sum()
    got = energy_sum(*map(jnp.asarray, (VELOCITY, TRUE, PAIR)), fps=FPS)
    np.testing.assert_allclose(got, total, rtol=1e-5)


def test_half_and_twice_the_speed_cost_the_logarithm_of_two():
    fast = jnp.asarray(TRUE) * 1e3  # far above what counts as still
    for factor in (0.5, 2.0):
        got = energy_sum(fast * factor, fast, jnp.asarray(PAIR), fps=FPS) / float(3 * PAIR.sum())
        np.testing.assert_allclose(got, np.log(2), rtol=1e-5)


def test_variance_is_numpys():
    pose, true = DRAWN.normal(size=(2, 2, 40, 5)).astype(np.float32)
    constant = np.array([False, True, False, False, False])

    def deviation(x):
        return np.sqrt(np.var(x.astype(np.float64), axis=0) + 1e-4)

    expected = sum(
        real.sum() * np.abs(deviation(p[real]) - deviation(t[real]))[~constant].sum()
        for p, t, real in zip(pose, true, PAIR, strict=True)
    )
    got = variance_sum(*map(jnp.asarray, (pose, true, PAIR, constant)))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_one_frame_has_no_deviation():
    now = jnp.asarray(np.arange(4)[None] < np.array([[0], [1], [2]]))
    np.testing.assert_array_equal(variance_weights(now), [0, 0, 2])


def test_voice_is_numpys_and_leaves_out_lanes_without_both():
    index = np.full((2, 40), -1, np.int32)
    index[0, 10:25] = 3
    index[1, :5] = 0  # too little to say anything
    batch = spoken(index)
    voiced, silent = voiced_and_silent(batch, jnp.asarray(PAIR))
    weights = voice_weights(voiced, silent, fps=FPS)
    np.testing.assert_array_equal(weights, [15, 0])
    ratio = []
    for v in (VELOCITY, TRUE):
        squares = np.square(v[0].astype(np.float64)).sum(-1)
        ratio.append(log_speed(squares[10:25]) - log_speed(np.r_[squares[1:10], squares[25:]]))
    got = voice_sum(jnp.asarray(VELOCITY), jnp.asarray(TRUE), voiced, silent, fps=FPS)
    np.testing.assert_allclose(got, 15 * abs(ratio[0] - ratio[1]), rtol=1e-4)


def test_with_lookahead_a_pose_is_spoken_at_its_own_time():
    index = np.full((2, 40), -1, np.int32)
    index[:, 10:25] = 3
    ahead = np.roll(index, -4, axis=1)  # what the batch then holds
    whole = jnp.ones((2, 40), bool)
    expected = voiced_and_silent(spoken(index), whole)
    got = voiced_and_silent(spoken(ahead), whole, lookahead_frames=4)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a[:, 4:], b[:, 4:])
        assert not np.asarray(a[:, :4]).any()


def measured(pose, batch, liveliness, **given):
    carry = empty_carry(MODEL, LANES)
    weights = loss_weights(batch, carry, CODEC, liveliness)
    sums, _ = loss_sums(pose, batch, carry, codec=CODEC, liveliness=liveliness, **given)
    return sums, weights


def test_what_is_off_is_not_computed_and_changes_no_other_term():
    batch = said(batch_of(slice(None)))
    plain, plain_weights = jax.jit(lambda p: measured(p, batch, None))(prediction())
    assert set(plain) == set(plain_weights) == set(TERMS)
    with_all, weights = jax.jit(lambda p: measured(p, batch, ALL))(prediction())
    assert set(with_all) == set(weights) == {*TERMS, *ALL.terms}
    for term in TERMS:
        np.testing.assert_array_equal(with_all[term], plain[term])
    assert weighted_loss(plain, plain_weights, LossConfig()) == weighted_loss(
        with_all, weights, LossConfig()
    )


def test_a_body_that_hardly_moves_learns_to_move_and_more_in_speech():
    """Descends each term alone from the mean pose with a hundredth of the movement."""
    batch = said(batch_of(slice(None)))
    normal = jnp.asarray(CODEC.normalise(TARGET))
    # The mean pose alone is even: from exactly still, no direction is better than another.
    frozen = normal.mean(axis=1, keepdims=True) + 0.01 * (
        normal - normal.mean(axis=1, keepdims=True)
    )

    @jax.jit
    def taught(pose):
        def losses(pose):
            sums, weights = measured(pose, batch, ALL)
            return {term: mean(sums[term], weights[term]) for term in ALL.terms}

        return losses(pose), jax.jacrev(losses)(pose)

    @jax.jit
    def by_frame(pose):
        joints = CODEC.joint_positions(CODEC.denormalise(pose), np.zeros((LANES, 1), int))
        return jnp.square(jnp.diff(joints, axis=1)).mean(axis=(0, 2, 3))

    def movement(pose, where=slice(None)):
        return np.asarray(by_frame(pose))[where].mean()

    values, gradients = taught(frozen)
    for term in ("energy", "variance"):
        step = 1e-3 * gradients[term] / jnp.abs(gradients[term]).max()
        assert movement(frozen - step) > movement(frozen), term
        assert taught(normal)[0][term] == pytest.approx(0, abs=1e-6)
        assert values[term] > 0.1, term
    # Of a body that moves in silence alone, the ratio asks for movement in speech.
    voiced = WORDS[0] >= 0
    swapped = jnp.where(voiced[None, :, None], frozen, normal)
    values, gradients = taught(swapped)
    step = 1e-3 * gradients["voice"] / jnp.abs(gradients["voice"]).max()
    assert movement(swapped - step, voiced[1:]) > movement(swapped, voiced[1:])
    assert values["voice"] > 0.1


def test_padding_that_is_not_finite_counts_for_nothing():
    mask = np.broadcast_to(np.arange(FRAMES) < 20, (LANES, FRAMES))
    poisoned = TARGET.copy()
    poisoned[:, 20:] = np.nan
    batch = said(batch_of(slice(None), mask)).replace(pose=poisoned)
    carry = empty_carry(MODEL, LANES)

    def total(pose, batch):
        sums, _ = loss_sums(pose, batch, carry, codec=CODEC, liveliness=ALL)
        lively = {term: sums[term] for term in ALL.terms}
        return sum(lively.values(), start=jnp.zeros(())), lively

    (_, got), gradient = jax.jit(jax.value_and_grad(total, has_aux=True))(prediction(), batch)
    short = said(batch_of(slice(0, 20)), WORDS[:, :20])
    _, expected = jax.jit(total)(prediction()[:, :20], short)
    for term in ALL.terms:
        assert expected[term] > 0
        np.testing.assert_allclose(got[term], expected[term], rtol=1e-5, err_msg=term)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[:, :20]).max() > 0
    assert not np.asarray(gradient[:, 20:]).any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({term: -1.0}, rf"loss\.{term} must not be negative") for term in LIVELY_TERMS),
        ({"energy": float("nan")}, r"loss\.energy must not be negative"),
        ({"contrastive": 1.0}, "belong together"),
        ({"contrastive_encoder": "al.safetensors"}, "belong together"),
        ({"voice": 1.0, "geometric_gradient": False}, r"loss\.voice teaches through kinematics"),
    ],
)
def test_weights_that_make_no_sense_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        LossConfig(**options)


def test_terms_are_opened_by_their_weights(tmp_path):
    config = toy_config(tmp_path, tmp_path / "run")
    manifest = Manifest(
        name="toy", fps=25, features=(), codec={}, speakers=(), statistics={}, feature_config={},
        clips=(),
    )  # fmt: skip
    assert open_liveliness(config, manifest) is None
    lively = dataclasses.replace(config, loss=LossConfig(energy=1.0, variance=0.5))
    opened = open_liveliness(lively, manifest)
    assert opened is not None
    assert (opened.terms, opened.fps, opened.contrast) == (("energy", "variance"), 25, None)
    wordless = dataclasses.replace(config, loss=LossConfig(voice=1.0))
    with pytest.raises(UserError, match=r"loss\.voice=1\.0 takes voice from words, but none of"):
        open_liveliness(wordless, manifest)
