"""Every term against forward kinematics by SciPy, and what sums must not change under."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import LossConfig, ModelConfig
from llavataros_jax.config.loss import TERMS
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.training.carry import empty_carry
from llavataros_jax.training.losses import loss_sums, loss_weights, weighted_loss
from tests.training.records import waving

LANES, FRAMES = 2, 24
MOTIONS = [waving(seed, FRAMES) for seed in (1, 2)]
CODEC = PoseCodec.measure([(motion, 0) for motion in MOTIONS], 1)
TARGET = np.stack([CODEC.encode(motion) for motion in MOTIONS])
CODEC = CODEC.fit(TARGET)
# Network and speech play no part here.
MODEL = build(
    ModelConfig(d_model=4, heads=1, d_head=4, d_inner=4, self_blocks=1, cross_blocks=0),
    Sizes(1, 1, CODEC.pose_size, 1),
)
WEIGHTS = jax.jit(functools.partial(loss_weights, codec=CODEC))
SUMS = jax.jit(functools.partial(loss_sums, codec=CODEC))


def batch_of(part: slice, mask: np.ndarray | None = None) -> Batch:
    frames = len(range(*part.indices(FRAMES)))
    features = np.zeros((LANES, frames, 1), np.float32)
    nothing = np.zeros((LANES, frames), np.int32), np.zeros(LANES, np.int32)
    speech = Speech(features, features, *nothing)
    mask = np.ones((LANES, frames), bool) if mask is None else mask[:, part]
    return Batch(
        main=speech, interlocutor=speech, interlocutor_present=np.zeros(LANES, bool),
        pose=TARGET[:, part], frame_mask=mask, is_start=np.zeros(LANES, bool),
    )  # fmt: skip


def prediction() -> jax.Array:
    noise = np.random.default_rng(5).normal(size=TARGET.shape)
    return jnp.asarray(np.asarray(CODEC.normalise(TARGET)) + 0.3 * noise, jnp.float32)


def means(cuts: list[int], mask: np.ndarray | None = None) -> dict[str, float]:
    carry, start = empty_carry(MODEL, LANES), 0
    sums, weights = dict.fromkeys(TERMS, 0.0), dict.fromkeys(TERMS, 0.0)
    for length in cuts:
        part = slice(start, start + length)
        batch = batch_of(part, mask)
        counted = WEIGHTS(batch, carry)
        summed, carry = SUMS(prediction()[:, part], batch, carry)
        sums = {term: sums[term] + float(summed[term]) for term in TERMS}
        weights = {term: weights[term] + float(counted[term]) for term in TERMS}
        start += length
    return {term: sums[term] / weights[term] for term in TERMS}


def positions_by_scipy(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns joints relative to the root, and the root, in centimetres, by joint and by frame."""
    joints = CODEC.skeleton.num_joints
    sixd = pose[:, 3 : 3 + 6 * joints].reshape(-1, joints, 6).astype(np.float64)
    first = sixd[..., :3] / np.linalg.norm(sixd[..., :3], axis=-1, keepdims=True)
    second = sixd[..., 3:] - (first * sixd[..., 3:]).sum(-1, keepdims=True) * first
    second /= np.linalg.norm(second, axis=-1, keepdims=True)
    local = np.stack([first, second, np.cross(first, second)], axis=-1)
    offsets = np.repeat(CODEC.rest_offsets[:1], len(pose), axis=0)
    flexible = pose[:, 3 + 6 * joints :].reshape(len(pose), -1, 3)
    offsets[:, list(CODEC.flexible_joints)] = flexible
    place = np.zeros((len(pose), joints, 3))
    turn = [Rotation.from_matrix(local[:, 0])]
    for joint in range(1, joints):
        parent = CODEC.skeleton.parents[joint]
        place[:, joint] = place[:, parent] + turn[parent].apply(offsets[:, joint])
        turn.append(turn[parent] * Rotation.from_matrix(local[:, joint]))
    return 100 * place[:, 1:], 100 * pose[:, :3].astype(np.float64)


def test_every_term_equals_scipy():
    expected = {term: [] for term in TERMS}
    for lane in range(LANES):
        normal = prediction()[lane]
        expected["rotation"].append(
            np.abs(normal - CODEC.normalise(TARGET[lane]))[:, ~CODEC.constant]
        )
        got, root = positions_by_scipy(np.asarray(CODEC.denormalise(normal)))
        true, true_root = positions_by_scipy(TARGET[lane])
        expected["position"].append(np.abs(got - true))
        expected["root_position"].append(np.abs(root - true_root))
        expected["velocity"].append(np.abs(np.diff(got - true, axis=0)))
        expected["root_velocity"].append(np.abs(np.diff(root - true_root, axis=0)))
        expected["acceleration"].append(np.abs(np.diff(got - true, n=2, axis=0)))
        kinetic = np.diff(got, axis=0) ** 2 - np.diff(true, axis=0) ** 2
        expected["kinetic"].append(np.abs(kinetic))
    measured = means([FRAMES])
    for term in TERMS:
        np.testing.assert_allclose(measured[term], np.mean(expected[term]), rtol=2e-4, err_msg=term)


@pytest.mark.parametrize("cuts", [[12, 12], [1, 1, 10, 12], [23, 1]])
def test_cuts_between_segments_lose_no_difference(cuts):
    whole, parts = means([FRAMES]), means(cuts)
    for term in TERMS:
        np.testing.assert_allclose(parts[term], whole[term], rtol=1e-5, err_msg=term)


def test_padding_counts_for_nothing_even_when_it_is_not_finite():
    mask = np.broadcast_to(np.arange(FRAMES) < 9, (LANES, FRAMES))
    poisoned = TARGET.copy()
    poisoned[:, 9:] = np.nan
    batch = batch_of(slice(None), mask).replace(pose=poisoned)
    sums, _ = SUMS(prediction(), batch, empty_carry(MODEL, LANES))
    short = batch_of(slice(0, 9))
    expected, _ = SUMS(prediction()[:, :9], short, empty_carry(MODEL, LANES))
    for term in TERMS:
        np.testing.assert_allclose(sums[term], expected[term], rtol=1e-6, err_msg=term)


@functools.cache
def taught(geometric_gradient: bool) -> dict[str, float]:
    """Returns how much the prediction learns from each term alone."""
    batch, carry = batch_of(slice(None)), empty_carry(MODEL, LANES)
    weights = WEIGHTS(batch, carry)

    def losses(predicted):
        sums, _ = loss_sums(
            predicted, batch, carry, codec=CODEC, geometric_gradient=geometric_gradient
        )
        return {
            term: weighted_loss(
                sums, weights, LossConfig(**{name: float(name == term) for name in TERMS})
            )
            for term in TERMS
        }

    gradients = jax.jit(jax.jacrev(losses))(prediction())
    return {term: float(jnp.abs(gradient).sum()) for term, gradient in gradients.items()}


@pytest.mark.slow
@pytest.mark.parametrize("term", TERMS)
def test_every_term_teaches_unless_the_switch_forbids_it(term):
    assert np.isfinite(taught(True)[term])
    assert taught(True)[term] > 0
    assert (taught(False)[term] > 0) == (term == "rotation")
