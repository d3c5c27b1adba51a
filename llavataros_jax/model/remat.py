"""Rematerialisation: a block's numbers that the backward pass computes again instead of keeping."""

from collections.abc import Callable
from typing import Any

import jax

_POLICIES = {
    # Products of a stream with a kernel. Those of attention have lanes and heads as batch axes.
    "products": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
    "blocks": jax.checkpoint_policies.nothing_saveable,
}


def rematerialised(block: Callable[..., Any], remat: str) -> Callable[..., Any]:
    """Returns the block as `model.remat` wants it; what it computes stays the same.

    Args:
        block: A function of arrays.
        remat: `none`, `products` or `blocks`.
    """
    return block if remat == "none" else jax.checkpoint(block, policy=_POLICIES[remat])
