"""Segments of a step are added exactly, by whichever launcher: on a network of three numbers."""

import functools
from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Batch
from llavataros_jax.config import LossConfig, ParallelConfig
from llavataros_jax.model import Memory
from llavataros_jax.training.carry import Carry
from llavataros_jax.training.losses import mean
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.segment_loss import TERMS, SegmentLoss
from llavataros_jax.training.state import TrainState
from llavataros_jax.training.step_gradient import step_gradient

# What stands for a network is none.
pytestmark = pytest.mark.usefixtures("unchecked")

LANES, FRAMES, SIZE, RATE, STEPS = 8, 5, 3, 0.01, 2


class Line(SegmentLoss):
    """Squares of pose · w + h, where h counts the segments of a lane since its clip began."""

    def heard(self, batch, key):
        return batch

    def weights(self, batch, carry):
        return {TERMS: {"square": batch.frame_mask.sum()}}

    def gradient(self, params, carry, batch, weights, key):
        def objective(params):
            error = jnp.einsum("btp,p->bt", batch.pose, params["w"])
            square = jnp.square(error + carry.memory.hidden[:, 0, 0, :1])
            sums = {"square": jnp.where(batch.frame_mask, square, 0.0).sum()}
            return mean(sums["square"], weights[TERMS]["square"]), sums

        (total, sums), gradient = jax.value_and_grad(objective, has_aux=True)(params)
        memory = carry.memory.replace(hidden=carry.memory.hidden + 1)
        sums["drawn"] = jax.random.uniform(key)
        return gradient, total, sums, carry.replace(memory=memory)


def start() -> TrainState:
    memory = Memory(jnp.zeros((LANES, 1, 1, 1)), *(jnp.zeros((LANES, 1), bool),) * 2)
    poses = jnp.zeros((LANES, 2, SIZE))
    carry = Carry(memory, poses, poses, jnp.zeros((LANES, 2), bool))
    return TrainState(jnp.int32(0), {"w": jnp.ones(SIZE)}, (), jax.random.key(1), carry)


def segments(accumulate: int) -> Batch:
    draw = np.random.default_rng(0)
    count = STEPS * accumulate
    mask = draw.random((count, LANES, FRAMES)) < np.linspace(0.9, 0.1, count)[:, None, None]
    speech = cast(Any, {})
    return Batch(
        *(speech, speech, speech),
        pose=draw.normal(size=(count, LANES, FRAMES, SIZE)).astype(np.float32),
        frame_mask=mask,
        is_start=draw.random((count, LANES)) < 0.3,
    )


def descend(state, batch, *, accumulate, axis_name=None):
    network = cast(Any, SimpleNamespace(config=SimpleNamespace(memory_reset="zeros")))
    scored = Line(network, cast(Any, None), LossConfig())
    found = step_gradient(scored, state, batch, accumulate=accumulate, axis_name=axis_name)
    params = {"w": state.params["w"] - RATE * found.gradient["w"]}
    after = state.replace(step=state.step + 1, params=params, carry=found.carry)
    return after, {"loss": found.total, "frames": found.frames, "drawn": found.sums["drawn"]}


def by_hand(batch: Batch, accumulate: int):
    """Returns losses and parameters after the steps, in float64."""
    w, h, losses = np.ones(SIZE), np.zeros(LANES), []
    for step in range(STEPS):
        total, slope, frames = 0.0, np.zeros(SIZE), 0
        for k in range(step * accumulate, (step + 1) * accumulate):
            h = np.where(batch.is_start[k], 0, h)
            pose, mask = batch.pose[k].astype(np.float64), batch.frame_mask[k]
            error = (pose @ w + h[:, None]) * mask
            total, frames = total + np.square(error).sum(), frames + mask.sum()
            slope = slope + 2 * np.einsum("bt,btp->p", error, pose)
            h = h + 1
        losses.append(total / frames)
        w = w - RATE * slope / frames
    return losses, w, h


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 (simulated) devices")
@pytest.mark.parametrize("at_once", [1, STEPS])
@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(("mode", "devices", "fsdp"), [("jit", 8, 2), ("pmap", 4, 1)])
def test_all_elements_of_all_segments_count_alike(mode, devices, fsdp, accumulate, at_once):
    launcher = build_launcher(ParallelConfig(mode=mode, devices=devices, fsdp=fsdp), LANES)
    program = launcher.train(
        functools.partial(descend, accumulate=accumulate), segments=at_once, accumulate=accumulate
    )
    batches, state, losses = segments(accumulate), launcher.init(start), []
    count = at_once * accumulate
    for first in range(0, STEPS * accumulate, count):
        batch = jax.tree.map(lambda x, a=first: x[a : a + count], batches)
        batch = batch if count > 1 else jax.tree.map(lambda x: x[0], batch)
        state, metrics = program(state, launcher.place(batch, segments=count))
        losses += np.ravel(metrics["loss"]).tolist()
    wanted, w, h = by_hand(batches, accumulate)
    state = launcher.to_checkpoint(state)
    assert int(state.step) == STEPS
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    np.testing.assert_allclose(state.params["w"], w, rtol=1e-5)
    np.testing.assert_array_equal(state.carry.memory.hidden[:, 0, 0, 0], h)


def test_each_segment_draws_the_bits_of_its_number():
    batches, state = segments(3), start().replace(step=jnp.int32(1))
    last = jax.tree.map(lambda x: x[3:], batches)
    _, together = descend(state, last, accumulate=3)
    alone = [
        descend(state.replace(step=jnp.int32(k)), jax.tree.map(lambda x: x[0], last), accumulate=1)
        for k in (3, 4, 5)
    ]
    drawn = [float(metrics["drawn"]) for _, metrics in alone]
    assert len(set(drawn)) == 3
    np.testing.assert_allclose(together["drawn"], sum(drawn), rtol=1e-6)
