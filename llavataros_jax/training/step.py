"""The pure step of training and of validation; neither knows a device, a file or a config file."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from llavataros_jax.batch import Batch
from llavataros_jax.config import LossConfig
from llavataros_jax.model import GestureModel, Params
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.training.carry import Carry, reset_carry
from llavataros_jax.training.flow_loss import flow_sums
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.losses import Terms, loss_sums, loss_weights, mean
from llavataros_jax.training.moving_average import moving_average
from llavataros_jax.training.segment_loss import SegmentLoss, flow_errors, weights_of_flow
from llavataros_jax.training.state import TrainState
from llavataros_jax.training.step_gradient import over_devices, step_gradient

Metrics = dict[str, Float[Array, ""]]

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
    accumulate: int = 1,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """Learns from one segment of every lane, or from several one after another (`step_gradient`).

    Args:
        state: All that training is.
        batch: What is learned from; with an axis of segments in front if `accumulate` is above 1.
        model: The network.
        codec: Un-scaling and kinematics.
        optimizer: What makes updates of gradients.
        loss: Weights of the terms of the loss.
        liveliness: The terms of the loss that are off by default.
        ema_decay: Of the average, if the state has one.
        accumulate: Segments whose gradients are added.
        axis_name: Under `pmap`; element counts, then sums and gradients are added over devices and
            divided once, so that any number of devices takes the same step.
    """
    scored = SegmentLoss(model, codec, loss, liveliness)
    found = step_gradient(scored, state, batch, accumulate=accumulate, axis_name=axis_name)
    # Optax raises a float to the count of steps.
    with jax.named_scope("optimizer"), jax.numpy_dtype_promotion("standard"):
        updates, opt_state = optimizer.update(found.gradient, state.opt_state, state.params)
    metrics = {
        "loss": found.total,
        **{f"loss/{name}": mean(found.sums[name], found.weights[name]) for name in found.sums},
        "gradient_norm": optax.global_norm(found.gradient),
        "frames": found.frames.astype(jnp.float32),
    }
    params = optax.apply_updates(state.params, updates)
    metrics["parameter_norm"] = optax.global_norm(params)
    average = state.average
    if average is not None:
        average = moving_average(average, params, state.step, decay=ema_decay)
    after = state.replace(
        step=state.step + 1,
        params=params,
        opt_state=opt_state,
        carry=found.carry,
        average=average,
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
            errors = flow_errors(
                *(model, params, feature, prediction, batch, codec),
                key=jax.random.key(_VALIDATION_SEED),
                is_training=False,
            )
            of_flow = flow_sums(errors, jnp.asarray(batch.frame_mask))
            weights = weights | weights_of_flow(model, batch)
    else:
        prediction, memory = jnp.broadcast_to(constant_pose, batch.pose.shape), carry.memory
    sums, carry = loss_sums(prediction, batch, carry, codec=codec, liveliness=liveliness)
    totals = over_devices({"sums": sums | of_flow, "weights": weights}, axis_name)
    return carry.replace(memory=memory), totals
