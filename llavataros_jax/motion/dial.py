"""A number that is turned while motion runs reaches its new value over a moment, not at once."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# A whole unit of a dial takes this long.
SECONDS_PER_UNIT = 0.3


def turned(
    now: Float[Array, " B"],
    wanted: Float[Array, " B"],
    frame_mask: Bool[Array, "B T"],
    *,
    fps: float,
) -> tuple[Float[Array, "B T"], Float[Array, " B"]]:
    """Returns a dial's value on each frame, and after the last, on its way from `now` to `wanted`.

    It is `wanted` exactly once it is there. Frames outside `frame_mask` take no time.
    """
    passed = jnp.cumsum(frame_mask, axis=1, dtype=wanted.dtype)
    most = passed / (SECONDS_PER_UNIT * fps)
    way = (wanted - now)[:, None]
    step = now[:, None] + jnp.clip(way, -most, most)
    values = jnp.where(jnp.abs(way) <= most, wanted[:, None], step)
    return values, values[:, -1]
