"""The pure step of training and of validation; neither knows a device, a file or a config file."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Key

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import LossConfig
from llavataros_jax.model import FlowErrors, GestureModel, Params
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.training.carry import Carry, reset_carry
from llavataros_jax.training.flow_loss import flow_loss, flow_sums, flow_weights
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.losses import Terms, loss_sums, loss_weights, mean, weighted_loss
from llavataros_jax.training.moving_average import moving_average
from llavataros_jax.training.state import TrainState

Metrics = dict[str, Float[Array, ""]]

_DROPOUT, _HIDE_INTERLOCUTOR, _HIDE_WORDS, _FLOW = 0, 1, 2, 3
# Of what is drawn in validation: the same for all parameters, so that they can be compared.
_VALIDATION_SEED = 0


def train_step(
    state: TrainState,
    batch: Batch,
    *,
    model: GestureModel,
    codec: PoseCodec,
    optimizer: optax.GradientTransformation,
    loss: LossConfig,
    liveliness: Liveliness | None = None,
    ema_decay: float = 0.0,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """Learns from one segment of every lane; `ema_decay` is of the average, if the state has one.

    Under `pmap`, give `axis_name`: element counts, then sums and gradients are added over devices
    and divided once, so that any number of devices takes the same step.
    """
    key = jax.random.fold_in(state.key, state.step)
    if axis_name is not None:
        key = jax.random.fold_in(key, jax.lax.axis_index(axis_name))
    carry = reset_carry(state.carry, jnp.asarray(batch.is_start), mode=model.config.memory_reset)
    lanes = batch.is_start.shape
    present = jnp.asarray(batch.interlocutor_present) & jax.random.bernoulli(
        jax.random.fold_in(key, _HIDE_INTERLOCUTOR), 1 - loss.drop_interlocutor, lanes
    )
    told = jax.random.bernoulli(jax.random.fold_in(key, _HIDE_WORDS), 1 - loss.drop_words, lanes)
    batch = batch.replace(
        main=without_words(batch.main, told), interlocutor=without_words(batch.interlocutor, told)
    )
    counted = loss_weights(batch, carry, codec, liveliness) | _flow_weights(model, batch)
    weights = _over_devices(counted, axis_name)

    def objective(params: Params) -> tuple[Float[Array, ""], tuple[Terms, Carry]]:
        with jax.named_scope("trunk"):
            feature, memory = model.trunk(
                params,
                batch.main,
                batch.interlocutor,
                present,
                frame_mask=jnp.asarray(batch.frame_mask),
                memory=carry.memory,
                dropout_key=jax.random.fold_in(key, _DROPOUT),
            )
        with jax.named_scope("head"):
            prediction = model.regress(params, feature)
        with jax.named_scope("loss"):
            sums, tail = loss_sums(
                prediction,
                batch,
                carry,
                codec=codec,
                geometric_gradient=loss.geometric_gradient,
                liveliness=liveliness,
            )
            total = weighted_loss(sums, weights, loss)
        if model.sampling is not None:
            with jax.named_scope("flow"):
                flow = model.sampling.flow
                errors = _flow_errors(
                    *(model, params, feature, prediction, batch, codec),
                    key=jax.random.fold_in(key, _FLOW),
                    is_training=True,
                )
                sums = sums | flow_sums(errors, jnp.asarray(batch.frame_mask))
                total = total + flow_loss(sums, weights, flow)
                if flow.geometric:
                    # What the segment before ended with was another draw: nothing is carried over.
                    alone = carry.replace(valid=jnp.zeros_like(carry.valid))
                    reached, _ = loss_sums(
                        errors.estimate, batch, alone, codec=codec, liveliness=liveliness
                    )
                    apart = _over_devices(loss_weights(batch, alone, codec, liveliness), axis_name)
                    geometry = dataclasses.replace(loss, rotation=0.0)
                    total = total + flow.geometric * weighted_loss(reached, apart, geometry)
        return total, (sums, tail.replace(memory=memory))

    (total, (sums, carry)), gradient = jax.value_and_grad(objective, has_aux=True)(state.params)
    total, sums, gradient = _over_devices((total, sums, gradient), axis_name)
    # Optax raises a float to the count of steps.
    with jax.named_scope("optimizer"), jax.numpy_dtype_promotion("standard"):
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
    frames = _over_devices(jnp.asarray(batch.frame_mask).sum(), axis_name)
    metrics = {
        "loss": total,
        **{f"loss/{name}": mean(sums[name], weights[name]) for name in sums},
        "gradient_norm": optax.global_norm(gradient),
        "frames": frames.astype(jnp.float32),
    }
    params = optax.apply_updates(state.params, updates)
    metrics["parameter_norm"] = optax.global_norm(params)
    average = state.average
    if average is not None:
        average = moving_average(average, params, state.step, decay=ema_decay)
    after = state.replace(
        step=state.step + 1, params=params, opt_state=opt_state, carry=carry, average=average
    )
    return after, metrics


def evaluate_step(
    params: Params,
    carry: Carry,
    batch: Batch,
    *,
    model: GestureModel,
    codec: PoseCodec,
    liveliness: Liveliness | None = None,
    constant_pose: Float[Array | np.ndarray, " P"] | None = None,
    axis_name: str | None = None,
) -> tuple[Carry, dict[str, Terms]]:
    """Measures one segment of every lane without dropout.

    Args:
        params: Parameters.
        carry: State of the lanes; memory is the validation's own.
        batch: One segment of held-out clips.
        model: The network.
        codec: Un-scaling and kinematics.
        liveliness: The terms of the loss that are off by default.
        constant_pose: When given, this normalised pose is measured instead of the network's.
        axis_name: As in `train_step`.

    Returns:
        The carry, and the loss's `sums` and `weights`, each by term.
    """
    carry = reset_carry(carry, jnp.asarray(batch.is_start), mode=model.config.memory_reset)
    weights = loss_weights(batch, carry, codec, liveliness)
    of_flow: Terms = {}
    if constant_pose is None:
        feature, memory = model.trunk(
            params,
            batch.main,
            batch.interlocutor,
            jnp.asarray(batch.interlocutor_present),
            frame_mask=jnp.asarray(batch.frame_mask),
            memory=carry.memory,
        )
        prediction = model.regress(params, feature)
        if model.sampling is not None:
            errors = _flow_errors(
                *(model, params, feature, prediction, batch, codec),
                key=jax.random.key(_VALIDATION_SEED),
                is_training=False,
            )
            of_flow = flow_sums(errors, jnp.asarray(batch.frame_mask))
            weights = weights | _flow_weights(model, batch)
    else:
        prediction, memory = jnp.broadcast_to(constant_pose, batch.pose.shape), carry.memory
    sums, carry = loss_sums(prediction, batch, carry, codec=codec, liveliness=liveliness)
    totals = _over_devices({"sums": sums | of_flow, "weights": weights}, axis_name)
    return carry.replace(memory=memory), totals


def _flow_weights(model: GestureModel, batch: Batch) -> Terms:
    """Counts what the terms of a sampled head average over; without one there are none."""
    if model.sampling is None:
        return {}
    return flow_weights(jnp.asarray(batch.frame_mask), size=model.sampling.basis.size)


def _flow_errors(
    model: GestureModel,
    params: Params,
    feature: Float[Array, "B T D"],
    regressed: Float[Array, "B T P"],
    batch: Batch,
    codec: PoseCodec,
    *,
    key: Key[Array, ""],
    is_training: bool,
) -> FlowErrors:
    exists = jnp.asarray(batch.frame_mask)
    # Padding may hold anything, and the gradient of what is left out later would be 0 × NaN.
    poses = jnp.where(exists[..., None], jnp.asarray(batch.pose, jnp.float32), 0.0)
    return model.flow_errors(
        params,
        feature,
        regressed,
        jnp.asarray(codec.normalise(poses)),
        frame_mask=exists,
        key=key,
        is_training=is_training,
    )


def without_words(speech: Speech, told: Bool[Array, " B"]) -> Speech:
    """Returns speech in which only the lanes in `told` have words; the others have sound alone."""
    index = jnp.asarray(speech.word_index)
    return speech.replace(word_index=jnp.where(told[:, None], index, -1))


def _over_devices(tree, axis_name: str | None):
    return tree if axis_name is None else jax.lax.psum(tree, axis_name)
