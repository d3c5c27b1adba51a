"""What is outside of frames, lanes and people takes no part, whatever numbers lie there."""

import functools

import jax
import numpy as np
import optax
import pytest

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.network import build_model, with_pose_basis
from llavataros_jax.training.liveliness import open_liveliness
from llavataros_jax.training.state import init_state
from llavataros_jax.training.step import evaluate_step, train_step
from tests.training.records import toy_config, write_records

LANES = 8
FIELDS = ("pose", *(f"{who}.{what}" for who in ("main", "interlocutor")
                    for what in ("audio", "words", "word_index", "speaker")))  # fmt: skip


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Returns steps, a state in which clips go on, and a batch with padding and people alone."""
    folder = tmp_path_factory.mktemp("records")
    manifest = write_records(folder)
    lively = {"energy": 0.1, "variance": 0.1, "voice": 0.1}
    head = {"width": 8, "blocks": 1, "history_frames": 1, "geometric": 0.1}
    config = toy_config(
        *(folder, folder / "run"), model={"dropout": 0.1, "head": "flow"}, flow=head, loss=lively
    )
    manifest = with_pose_basis(config, manifest)
    model, optimizer = build_model(config, manifest), optax.sgd(0.1)
    codec, liveliness = manifest.pose_codec(), open_liveliness(config, manifest)
    state = init_state(model, optimizer, lanes=LANES, seed=1, dropout_bits="threefry2x32")
    source = LaneSource(
        ClipReader(folder, "train"), lanes=LANES, segment_frames=20, seed=1, random_phase=False
    )
    learn = jax.jit(
        functools.partial(
            train_step,
            model=model,
            codec=codec,
            optimizer=optimizer,
            loss=config.loss,
            liveliness=liveliness,
        )
    )
    measure = jax.jit(
        functools.partial(evaluate_step, model=model, codec=codec, liveliness=liveliness)
    )
    for step in range(2):
        state, _ = learn(state, source[step])
    batch = source[2]
    present = batch.interlocutor_present
    padded = ~batch.frame_mask
    assert padded.any()
    assert (~padded).all(1).any(), "no lane is whole"
    assert padded.all(1).any(), "no lane is idle"
    assert (present & ~padded[:, 0]).any()
    assert (~present & ~padded[:, 0]).any()
    return learn, measure, state, batch


def with_garbage(batch: Batch, field: str, garbage: float) -> Batch:
    """Fills a field with garbage where the batch says that nothing is there."""
    who, _, what = field.partition(".")
    exists = np.asarray(batch.frame_mask)
    if field == "pose":
        return batch.replace(pose=np.where(exists[..., None], batch.pose, garbage))
    speech: Speech = getattr(batch, who)
    if who == "interlocutor":
        exists = exists & np.asarray(batch.interlocutor_present)[:, None]
    values = np.array(getattr(speech, what))
    if what == "audio":
        values[~exists] = garbage
    elif what == "words":
        index = np.where(exists, speech.word_index, -1)
        said = (index[:, :, None] == np.arange(values.shape[1])).any(1)
        assert not said.all()
        values[~said] = garbage
    elif what == "word_index":
        values[~exists] = 0 if np.isnan(garbage) else 10**6
    else:
        values[~exists.any(1)] = 2 if np.isnan(garbage) else 10**6
    return batch.replace(**{who: speech.replace(**{what: values})})


def require_same(got, expected):
    def compare(a, b):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)

    jax.tree.map(compare, jax.device_get(got), jax.device_get(expected))


@pytest.mark.parametrize("garbage", [np.nan, np.inf], ids=["nan", "inf"])
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.slow
def test_garbage_outside_leaves_gradient_and_carry_as_they_are(toy, field, garbage):
    learn, measure, state, batch = toy
    other = with_garbage(batch, field, garbage)
    expected, metrics = learn(state, batch)
    got, other_metrics = learn(state, other)
    require_same(other_metrics, metrics)
    require_same(got.params, expected.params)
    require_same(got.carry, expected.carry)
    require_same(
        measure(state.params, state.carry, other), measure(state.params, state.carry, batch)
    )


@pytest.mark.slow
def test_garbage_in_the_carry_of_a_clip_that_ended_does_no_harm(toy):
    learn, _, state, batch = toy
    ended = np.asarray(batch.is_start)
    assert ended.any()
    assert not ended.all()
    poisoned = state.replace(
        carry=jax.tree.map(
            lambda x: np.where(
                ended.reshape(-1, *[1] * (x.ndim - 1)), True if x.dtype == bool else np.nan, x
            ).astype(x.dtype),
            state.carry,
        )
    )
    got, expected = learn(poisoned, batch)[0], learn(state, batch)[0]
    require_same(got.params, expected.params)
    require_same(
        (got.carry.prediction, got.carry.target), (expected.carry.prediction, expected.carry.target)
    )


@pytest.mark.slow
def test_other_lanes_change_nothing_in_a_lane(toy):
    """Prediction, memory and terms of the loss are each lane's own."""
    learn, measure, state, batch = toy
    lane = int(np.flatnonzero(batch.interlocutor_present & batch.frame_mask.all(1))[0])
    order = np.roll(np.arange(LANES), 3)
    order = np.array([lane if i == lane else order[i] for i in range(LANES)])
    assert (order != np.arange(LANES)).sum() >= LANES - 2

    def others(tree):
        return jax.tree.map(lambda x: x[order], tree)

    def of_lane(tree):
        return jax.tree.map(lambda x: x[lane], tree)

    # Training draws dropout by place, so only what the lanes hold is exchanged.
    changed = state.replace(carry=others(state.carry))
    require_same(
        of_lane(learn(changed, others(batch))[0].carry), of_lane(learn(state, batch)[0].carry)
    )

    def alone(batch):
        mask = np.zeros_like(batch.frame_mask)
        mask[lane] = batch.frame_mask[lane]
        return batch.replace(frame_mask=mask)

    carry = empty_carry_like(state)
    _, expected = measure(state.params, carry, alone(batch))
    _, got = measure(state.params, carry, alone(others(batch)))
    require_same(got, expected)
    _, whole = measure(state.params, carry, batch)
    assert float(whole["weights"]["rotation"]) > float(expected["weights"]["rotation"]) > 0


def empty_carry_like(state):
    return jax.tree.map(lambda x: np.zeros_like(x), state.carry)
