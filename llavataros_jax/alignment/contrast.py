"""The contrastive loss of windows of one speaker."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def contrastive_loss(
    similarity: Float[Array, "B B"], rivals: Bool[Array, "B B"]
) -> Float[Array, ""]:
    """Averages the cross-entropy of every motion finding its speech, and of the reverse (InfoNCE).

    van den Oord and others, "Representation learning with contrastive predictive coding" (2018);
    both ways as in CLIP.

    Args:
        similarity: Of motion (rows) and speech (columns); own ones are on the diagonal.
        rivals: Which others count; the diagonal always does.
    """
    counts = rivals | jnp.eye(len(similarity), dtype=bool)
    # Not -inf, of which gradients are NaN where a row has no rival.
    logits = jnp.where(counts, similarity, -1e9)
    own = jnp.diagonal(logits)
    found = jax.nn.logsumexp(logits, axis=1) + jax.nn.logsumexp(logits, axis=0) - 2 * own
    return found.mean() / 2
