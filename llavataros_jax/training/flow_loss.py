"""The loss of the sampled head, as sums and weights like the other terms (`losses`)."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from llavataros_jax.config import FlowConfig
from llavataros_jax.model import FlowErrors
from llavataros_jax.training.losses import Terms, mean

FLOW_TERMS = ("flow", "flow_change", "pace")


def flow_weights(frame_mask: Bool[Array, "B T"], *, size: int) -> Terms:
    """Counts what each term averages over, of poses of `size` components."""
    pairs = (frame_mask[:, 1:] & frame_mask[:, :-1]).sum()
    return {"flow": frame_mask.sum() * size, "flow_change": pairs * size, "pace": pairs}


def flow_sums(errors: FlowErrors, frame_mask: Bool[Array, "B T"]) -> Terms:
    """Sums absolute errors of the velocity and of its change, and squares of those of the pace.

    L1 on the velocity as in Seamless Interaction's motion model (2025): its few wild frames do not
    rule the rest.
    """
    pairs = frame_mask[:, 1:] & frame_mask[:, :-1]
    return {
        "flow": _over(jnp.abs(errors.velocity).mean(axis=0), frame_mask[..., None]),
        "flow_change": _over(jnp.abs(errors.change).mean(axis=0), pairs[..., None]),
        "pace": _over(jnp.square(errors.pace), pairs),
    }


def flow_loss(
    sums: Terms | dict[str, float], weights: Terms | dict[str, float], flow: FlowConfig
) -> Float[Array, ""]:
    """Divides sums by weights, once, and adds the terms as `flow` weighs them."""
    velocity, change, pace = (
        mean(jnp.asarray(sums[name]), jnp.asarray(weights[name])) for name in FLOW_TERMS
    )
    return velocity + flow.difference * change + flow.pace_weight * pace


def _over(values: Float[Array, "B T ..."], exists: Bool[Array, "B T ..."]) -> Float[Array, ""]:
    return jnp.where(exists, values, 0.0).sum()
