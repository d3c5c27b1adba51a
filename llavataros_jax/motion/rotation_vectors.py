"""Rotation vectors, axis times angle in radians: the logarithm of a rotation and its exponential.

NumPy in, NumPy out; JAX in, JAX out. Both are finite at every angle, none and half a turn included.
"""

from jaxtyping import Float

from llavataros_jax.motion.rotations import AnyArray, namespace

# Half angles below this have no axis in float32, and need none: sin(x) is x there.
_TINY = 1e-6


def to_rotation_vector(q: Float[AnyArray, "... 4"]) -> Float[AnyArray, "... 3"]:
    """Returns the shortest rotation vector of unit quaternions (x, y, z, w), at most pi long."""
    xp = namespace(q)
    q = xp.where(q[..., 3:] < 0, -q, q)
    sine = xp.sqrt(xp.sum(q[..., :3] ** 2, axis=-1, keepdims=True))
    tiny = sine < _TINY
    ratio = 2 * xp.atan2(sine, q[..., 3:]) / xp.where(tiny, 1.0, sine)
    return q[..., :3] * xp.where(tiny, 2.0, ratio)


def from_rotation_vector(vector: Float[AnyArray, "... 3"]) -> Float[AnyArray, "... 4"]:
    """Returns the unit quaternions (x, y, z, w) of rotation vectors of any length."""
    xp = namespace(vector)
    half = xp.sqrt(xp.sum(vector**2, axis=-1, keepdims=True)) / 2
    tiny = half < _TINY
    ratio = xp.where(tiny, 0.5, xp.sin(half) / xp.where(tiny, 1.0, 2 * half))
    return xp.concat((vector * ratio, xp.cos(half)), axis=-1)
