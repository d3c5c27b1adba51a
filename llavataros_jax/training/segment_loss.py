"""The loss of one segment of every lane, and its gradient."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.config import LossConfig
from llavataros_jax.model import FlowErrors, GestureModel, Params
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.training.carry import TAIL_FRAMES, Carry
from llavataros_jax.training.flow_loss import flow_loss, flow_sums, flow_weights
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.losses import Terms, loss_sums, loss_weights, weighted_loss

_DROPOUT, _HIDE_INTERLOCUTOR, _HIDE_WORDS, _FLOW = 0, 1, 2, 3
# Whose weights: of the terms of the loss, and of the terms of what a sampled head reaches.
Weights = dict[str, Terms]
TERMS, REACHED = "terms", "reached"


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentLoss:
    """How a segment of every lane is scored.

    Attributes:
        model: The network.
        codec: Un-scaling and kinematics.
        loss: Weights of the terms, and what is hidden from the network.
        liveliness: The terms of the loss that are off by default.
    """

    model: GestureModel
    codec: PoseCodec
    loss: LossConfig
    liveliness: Liveliness | None = None

    def heard(self, batch: Batch, key: Key[Array, ""]) -> Batch:
        """Returns the batch with the words, or the interlocutors, of some lanes hidden."""
        lanes = batch.is_start.shape
        present = jnp.asarray(batch.interlocutor_present) & jax.random.bernoulli(
            jax.random.fold_in(key, _HIDE_INTERLOCUTOR), 1 - self.loss.drop_interlocutor, lanes
        )
        told = jax.random.bernoulli(
            jax.random.fold_in(key, _HIDE_WORDS), 1 - self.loss.drop_words, lanes
        )
        return batch.replace(
            main=without_words(batch.main, told),
            interlocutor=without_words(batch.interlocutor, told),
            interlocutor_present=present,
        )

    def weights(self, batch: Batch, carry: Carry) -> Weights:
        """Counts the elements that each term averages over; of the carry, `valid` matters alone."""
        counted = loss_weights(batch, carry, self.codec, self.liveliness)
        weights = {TERMS: counted | weights_of_flow(self.model, batch)}
        if self.model.sampling is not None and self.model.sampling.flow.geometric:
            weights[REACHED] = loss_weights(batch, _alone(carry), self.codec, self.liveliness)
        return weights

    def gradient(
        self, params: Params, carry: Carry, batch: Batch, weights: Weights, key: Key[Array, ""]
    ) -> tuple[Params, Float[Array, ""], Terms, Carry]:
        """Returns the gradient, the loss, the sums of its terms, and the carry after the segment.

        Args:
            params: Parameters.
            carry: State of the lanes, cleared where a clip starts.
            batch: As `heard` leaves it.
            weights: What sums are divided by. Those of all segments and devices of a step make
                their gradients and losses parts that add up to those of the step.
            key: Of the segment.
        """
        model, codec, loss, liveliness = self.model, self.codec, self.loss, self.liveliness

        def objective(params: Params) -> tuple[Float[Array, ""], tuple[Terms, Carry]]:
            with jax.named_scope("trunk"):
                feature, memory = model.trunk(
                    params,
                    batch.main,
                    batch.interlocutor,
                    jnp.asarray(batch.interlocutor_present),
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
                total = weighted_loss(sums, weights[TERMS], loss)
            if model.sampling is not None:
                with jax.named_scope("flow"):
                    flow = model.sampling.flow
                    errors = flow_errors(
                        *(model, params, feature, prediction, batch, codec),
                        key=jax.random.fold_in(key, _FLOW),
                        is_training=True,
                    )
                    sums = sums | flow_sums(errors, jnp.asarray(batch.frame_mask))
                    total = total + flow_loss(sums, weights[TERMS], flow)
                    if flow.geometric:
                        reached, _ = loss_sums(
                            *(errors.estimate, batch, _alone(carry)),
                            codec=codec,
                            liveliness=liveliness,
                        )
                        geometry = dataclasses.replace(loss, rotation=0.0)
                        total = total + flow.geometric * weighted_loss(
                            reached, weights[REACHED], geometry
                        )
            return total, (sums, tail.replace(memory=memory))

        (total, (sums, carry)), gradient = jax.value_and_grad(objective, has_aux=True)(params)
        return gradient, total, sums, carry


def valid_after(valid: Bool[Array, "B 2"], batch: Batch) -> Bool[Array, "B 2"]:
    """Returns `Carry.valid` after a segment, from that before it, without the network."""
    valid = valid & ~jnp.asarray(batch.is_start)[:, None]
    return jnp.concatenate([valid, jnp.asarray(batch.frame_mask)], axis=1)[:, -TAIL_FRAMES:]


def weights_of_flow(model: GestureModel, batch: Batch) -> Terms:
    """Counts what the terms of a sampled head average over; without one there are none."""
    if model.sampling is None:
        return {}
    return flow_weights(jnp.asarray(batch.frame_mask), size=model.sampling.basis.size)


def flow_errors(
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
    """Returns what a sampled head gets wrong of a batch's poses."""
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


def _alone(carry: Carry) -> Carry:
    """Returns a carry from nothing: what the segment before ended with was another draw."""
    return carry.replace(valid=jnp.zeros_like(carry.valid))
