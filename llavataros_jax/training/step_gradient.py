"""The gradient of a step: of one segment of every lane, or added up over several."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from llavataros_jax.batch import Batch
from llavataros_jax.model import Params
from llavataros_jax.training.carry import Carry, reset_carry
from llavataros_jax.training.losses import Terms
from llavataros_jax.training.segment_loss import TERMS, SegmentLoss, Weights, valid_after
from llavataros_jax.training.state import TrainState


class StepGradient(NamedTuple):
    """What a step learns from, of all devices.

    Attributes:
        gradient: Of the loss.
        total: The loss.
        sums: Of its terms.
        weights: What each term averages over.
        frames: Frames that exist.
        carry: State of the lanes after the last segment.
    """

    gradient: Params
    total: Float[Array, ""]
    sums: Terms
    weights: Terms
    frames: Int[Array, ""]
    carry: Carry


def step_gradient(
    scored: SegmentLoss,
    state: TrainState,
    batch: Batch,
    *,
    accumulate: int = 1,
    axis_name: str | None = None,
) -> StepGradient:
    """Returns the gradient of the loss over one segment of every lane, or `accumulate` of them.

    Several segments follow each other: all arrays of the batch have an axis of segments in front,
    and each segment begins with the memory that the one before ended with. What terms average over
    depends on masks and speech alone, so it is counted over all segments before one is learned
    from, and gradients of sums that are divided by it are added. The loss is thus the mean over all
    elements, as of so many times the lanes. (`optax.MultiSteps` averages means, so that a segment
    with few frames weighs as much as a full one, and keeps half a step in checkpoints.)

    Segment k of step s draws the random bits that step s × `accumulate` + k draws without it.

    Under `pmap`, counts and then sums and gradients are added over devices once a step. Under `jit`
    on a mesh XLA adds gradients over devices after each segment, where it does not move that out of
    the loop (`while-loop-all-reduce-code-motion`).
    """
    mode = scored.model.config.memory_reset

    def heard_by(batch: Batch, segment: Int[Array, ""]) -> tuple[Batch, Key[Array, ""]]:
        key = jax.random.fold_in(state.key, segment)
        if axis_name is not None:
            key = jax.random.fold_in(key, jax.lax.axis_index(axis_name))
        return scored.heard(batch, key), key

    if accumulate == 1:
        heard, key = heard_by(batch, state.step)
        carry = reset_carry(state.carry, jnp.asarray(batch.is_start), mode=mode)
        weights = over_devices(scored.weights(heard, carry), axis_name)
        gradient, total, sums, carry = scored.gradient(state.params, carry, heard, weights, key)
        frames = jnp.asarray(batch.frame_mask).sum()
    else:
        given = batch, state.step * accumulate + jnp.arange(accumulate, dtype=jnp.int32)

        def count(valid: Array, given: tuple[Batch, Array]) -> tuple[Array, Weights]:
            heard, _ = heard_by(*given)
            valid = valid & ~jnp.asarray(heard.is_start)[:, None]
            counted = scored.weights(heard, state.carry.replace(valid=valid))
            return valid_after(valid, heard), counted

        def learn(so_far: tuple[Carry, Params], given: tuple[Batch, Array]) -> Any:
            (carry, gradient), (batch, _) = so_far, given
            heard, key = heard_by(*given)
            carry = reset_carry(carry, jnp.asarray(batch.is_start), mode=mode)
            more, total, sums, carry = scored.gradient(state.params, carry, heard, weights, key)
            frames = jnp.asarray(batch.frame_mask).sum()
            return (carry, jax.tree.map(jnp.add, gradient, more)), (total, sums, frames)

        _, counts = jax.lax.scan(count, state.carry.valid, given)
        weights = over_devices(_added(counts), axis_name)
        nothing = jax.tree.map(jnp.zeros_like, state.params)
        (carry, gradient), found = jax.lax.scan(learn, (state.carry, nothing), given)
        total, sums, frames = _added(found)
    found_here = total, sums, gradient, frames
    total, sums, gradient, frames = over_devices(found_here, axis_name)
    return StepGradient(gradient, total, sums, weights[TERMS], frames, carry)


def over_devices(tree: Any, axis_name: str | None) -> Any:
    """Adds over devices under `pmap`, where the axis has a name."""
    return tree if axis_name is None else jax.lax.psum(tree, axis_name)


def _added(tree: Any) -> Any:
    """Adds up numbers of segments, which are stacked."""
    return jax.tree.map(lambda x: x.sum(axis=0), tree)
