"""The loss of spec section 4 as sums and weights, so that lanes and devices cannot bias a mean.

Departures from the public ancestor: gradients pass through un-scaling and kinematics (a switch);
rotation and position terms count a frame once, not again at the next segment; differences never
cross from one clip into another; dimensions that never change are left out of the rotation term;
end sites are left out of the positions.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from llavataros_jax.batch import Batch
from llavataros_jax.config import LossConfig
from llavataros_jax.config.loss import LIVELY_TERMS, TERMS
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.training.carry import TAIL_FRAMES, Carry
from llavataros_jax.training.liveliness import (
    Liveliness,
    energy_sum,
    variance_sum,
    variance_weights,
    voice_sum,
    voice_weights,
    voiced_and_silent,
)

# Sums are real numbers, weights are counts.
Terms = dict[str, Num[Array, ""]]

CENTIMETRES_PER_METRE = 100.0


def loss_weights(
    batch: Batch, carry: Carry, codec: PoseCodec, liveliness: Liveliness | None = None
) -> Terms:
    """Counts the elements that each term averages over; they depend on masks and speech alone."""
    now, pair, triple = _validity(batch, carry)
    positions = 3 * (codec.skeleton.num_joints - 1)
    changing = int((~codec.constant).sum())
    weights = {
        "rotation": now.sum() * changing,
        "position": now.sum() * positions,
        "root_position": now.sum() * 3,
        "velocity": pair.sum() * positions,
        "root_velocity": pair.sum() * 3,
        "acceleration": triple.sum() * positions,
        "kinetic": pair.sum() * positions,
    }
    if liveliness is None:
        return weights
    terms, fps = liveliness.terms, liveliness.fps
    if "energy" in terms:
        weights["energy"] = pair.sum() * (codec.skeleton.num_joints - 1)
    if "variance" in terms:
        weights["variance"] = variance_weights(now).sum() * changing
    if "voice" in terms:
        voices = voiced_and_silent(batch, pair, lookahead_frames=liveliness.lookahead_frames)
        weights["voice"] = voice_weights(*voices, fps=fps).sum()
    if liveliness.contrast is not None:
        weights["contrastive"] = liveliness.contrast.weight(batch)
    return weights


def loss_sums(
    prediction: Float[Array, "B T P"],
    batch: Batch,
    carry: Carry,
    *,
    codec: PoseCodec,
    geometric_gradient: bool = True,
    liveliness: Liveliness | None = None,
) -> tuple[Terms, Carry]:
    """Sums each term's absolute errors over a segment.

    Args:
        prediction: Normalised poses.
        batch: Targets and masks.
        carry: Last two frames of the segment before.
        codec: Un-scaling and kinematics.
        geometric_gradient: When False, all terms but `rotation` pass no gradient, as the ancestor.
        liveliness: Terms that are off by default; without it they are not computed.

    Returns:
        The sums, and the carry with the last two frames of this segment (its memory is untouched).
    """
    now, pair, triple = _validity(batch, carry)
    # Before anything is computed of it: padding may hold anything, and the gradient of what is
    # left out afterwards would be 0 × NaN.
    target = _where_valid(jnp.asarray(batch.pose, jnp.float32), jnp.asarray(batch.frame_mask))
    normal = jnp.asarray(codec.normalise(target))
    error = jnp.abs(prediction - normal)
    error = jnp.where(codec.constant[None, None], 0.0, error)
    predicted = codec.denormalise(prediction)
    if not geometric_gradient:
        predicted = jax.lax.stop_gradient(predicted)
    predicted = jnp.concatenate([carry.prediction, predicted], axis=1)
    wanted = jnp.concatenate([carry.target, target], axis=1)

    speaker = jnp.asarray(batch.main.speaker)[:, None]
    bones, root = _geometry(predicted, speaker, codec)
    true_bones, true_root = _geometry(wanted, speaker, codec)
    velocity, true_velocity = jnp.diff(bones, axis=1), jnp.diff(true_bones, axis=1)
    acceleration, true_acceleration = jnp.diff(velocity, axis=1), jnp.diff(true_velocity, axis=1)
    velocity, true_velocity = velocity[:, 1:], true_velocity[:, 1:]

    sums = {
        "rotation": _total(error, now),
        "position": _total(jnp.abs(bones - true_bones)[:, TAIL_FRAMES:], now),
        "root_position": _total(jnp.abs(root - true_root)[:, TAIL_FRAMES:], now),
        "velocity": _total(jnp.abs(velocity - true_velocity), pair),
        "root_velocity": _total(jnp.abs(jnp.diff(root - true_root, axis=1))[:, 1:], pair),
        "acceleration": _total(jnp.abs(acceleration - true_acceleration), triple),
        "kinetic": _total(jnp.abs(jnp.square(velocity) - jnp.square(true_velocity)), pair),
    }
    if liveliness is not None:
        terms, fps = liveliness.terms, liveliness.fps
        if "energy" in terms:
            sums["energy"] = energy_sum(velocity, true_velocity, pair, fps=fps)
        if "variance" in terms:
            sums["variance"] = variance_sum(prediction, normal, now, jnp.asarray(codec.constant))
        if "voice" in terms:
            voices = voiced_and_silent(batch, pair, lookahead_frames=liveliness.lookahead_frames)
            sums["voice"] = voice_sum(velocity, true_velocity, *voices, fps=fps)
        if liveliness.contrast is not None:
            places, true_places = (
                _places(joints, where)[:, TAIL_FRAMES:]
                for joints, where in ((bones, root), (true_bones, true_root))
            )
            sums["contrastive"] = liveliness.contrast.sum(places, true_places, batch)
    valid = jnp.concatenate([carry.valid, batch.frame_mask], axis=1)[:, -TAIL_FRAMES:]
    last = jax.lax.stop_gradient(predicted[:, -TAIL_FRAMES:])
    tail = carry.replace(
        prediction=_where_valid(last, valid),
        target=_where_valid(wanted[:, -TAIL_FRAMES:], valid),
        valid=valid,
    )
    return sums, tail


def weighted_loss(
    sums: Terms | dict[str, float], weights: Terms | dict[str, float], config: LossConfig
) -> Float[Array, ""]:
    """Divides sums by weights, once, and adds the terms as `config` weighs them."""
    terms = (*TERMS, *(term for term in LIVELY_TERMS if getattr(config, term)))
    return sum(
        (getattr(config, term) * sums[term] / _divisor(weights[term]) for term in terms),
        start=jnp.zeros(()),
    )


def mean(total: Float[Array, ""], weight: Array) -> Float[Array, ""]:
    """Divides a sum by its count of elements; without elements it is zero."""
    return total / _divisor(weight)


def _divisor(weight: Array | float) -> Float[Array, ""]:
    return jnp.maximum(weight, 1).astype(jnp.float32)


def _geometry(
    pose: Float[Array, "B T P"], speaker: Array, codec: PoseCodec
) -> tuple[Float[Array, "B T K 3"], Float[Array, "B T 3"]]:
    """Returns joints relative to the root (which is left out) and the root, in centimetres."""
    joints = jnp.asarray(codec.joint_positions(pose, speaker, root_at_origin=True))
    return joints[..., 1:, :] * CENTIMETRES_PER_METRE, pose[..., :3] * CENTIMETRES_PER_METRE


def _places(bones: Float[Array, "B T K 3"], root: Float[Array, "B T 3"]) -> Float[Array, "B T J 3"]:
    """Returns all joints where they are, in metres."""
    joints = jnp.concatenate([jnp.zeros_like(bones[:, :, :1]), bones], axis=2)
    return (joints + root[:, :, None]) / CENTIMETRES_PER_METRE


def _total(errors: Float[Array, "B T ..."], valid: Bool[Array, "B T"]) -> Float[Array, ""]:
    return _where_valid(errors, valid).sum()


def _where_valid(
    values: Float[Array, "B T ..."], valid: Bool[Array, "B T"]
) -> Float[Array, "B T ..."]:
    """Puts zeros in the place of frames that are not valid; a product would keep their NaN."""
    return jnp.where(valid.reshape(*valid.shape, *[1] * (values.ndim - 2)), values, 0.0)


def _validity(
    batch: Batch, carry: Carry
) -> tuple[Bool[Array, "B T"], Bool[Array, "B T"], Bool[Array, "B T"]]:
    """Returns the frames that exist, that have a predecessor, and that have two."""
    valid = jnp.concatenate([carry.valid, batch.frame_mask], axis=1)
    now, before, long_before = valid[:, 2:], valid[:, 1:-1], valid[:, :-2]
    return now, now & before, now & before & long_before
