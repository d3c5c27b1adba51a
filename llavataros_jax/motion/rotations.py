"""Rotations as unit quaternions (x, y, z, w), matrices and 6D vectors, for NumPy and JAX alike.

Every function speaks the array API: NumPy in, NumPy out; JAX in, JAX out, differentiable and
jittable. Matrices act on column vectors. In JAX products are written out element by element,
because accelerators round the inputs of `matmul` to bfloat16 or TF32 unless told otherwise, and
geometry must stay in full precision.

The 6D form is that of Zhou et al., "On the Continuity of Rotation Representations in Neural
Networks" (CVPR 2019): the first two columns of the matrix, one after the other.
"""

from typing import Any

import numpy as np
from jax import Array
from jaxtyping import Float, Shaped

from llavataros_jax.motion.small_products import matrix_by_matrix, matrix_by_vector

AnyArray = Array | np.ndarray

# Squared lengths below this have no direction in float32.
_TINY = 1e-12


def namespace(*arrays: AnyArray) -> Any:
    """Returns the array module to compute with: JAX's if any of `arrays` is JAX's, else NumPy."""
    for array in arrays:
        if not isinstance(array, np.ndarray | np.generic):
            return array.__array_namespace__()
    return np


def along_last_axis(values: Shaped[AnyArray, " N"], axes: int) -> Any:
    """Gives numbers as many axes as an array has with whose last axis they go."""
    return namespace(values).reshape(values, (1,) * (axes - 1) + (-1,))


def normalise(q: Float[AnyArray, "... 4"]) -> Float[AnyArray, "... 4"]:
    """Scales quaternions to unit length; a zero quaternion becomes the identity."""
    return _unit(q, _numbers([0.0, 0.0, 0.0, 1.0], like=q))


def conjugate(q: Float[AnyArray, "... 4"]) -> Float[AnyArray, "... 4"]:
    """Inverts unit quaternions."""
    return q * _numbers([-1.0, -1.0, -1.0, 1.0], like=q)


def multiply(a: Float[AnyArray, "... 4"], b: Float[AnyArray, "... 4"]) -> Float[AnyArray, "... 4"]:
    """Composes rotations: first `b`, then `a`."""
    xp = namespace(a, b)
    ax, ay, az, aw = (a[..., i] for i in range(4))
    bx, by, bz, bw = (b[..., i] for i in range(4))
    return xp.stack(
        (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ),
        axis=-1,
    )


def rotate(q: Float[AnyArray, "... 4"], v: Float[AnyArray, "... 3"]) -> Float[AnyArray, "... 3"]:
    """Rotates vectors by unit quaternions."""
    xp = namespace(q, v)
    qx, qy, qz, qw = (q[..., i] for i in range(4))
    vx, vy, vz = (v[..., i] for i in range(3))
    tx, ty, tz = 2 * (qy * vz - qz * vy), 2 * (qz * vx - qx * vz), 2 * (qx * vy - qy * vx)
    return xp.stack(
        (
            vx + qw * tx + qy * tz - qz * ty,
            vy + qw * ty + qz * tx - qx * tz,
            vz + qw * tz + qx * ty - qy * tx,
        ),
        axis=-1,
    )


def multiply_matrices(
    a: Float[AnyArray, "... 3 3"], b: Float[AnyArray, "... 3 3"]
) -> Float[AnyArray, "... 3 3"]:
    """Composes rotation matrices in full precision: first `b`, then `a`."""
    if namespace(a, b) is np:
        return a @ b
    return matrix_by_matrix(a, b)


def apply_matrices(
    m: Float[AnyArray, "... 3 3"], v: Float[AnyArray, "... 3"]
) -> Float[AnyArray, "... 3"]:
    """Rotates vectors by matrices in full precision."""
    if namespace(m, v) is np:
        return (m * v[..., None, :]).sum(-1)
    return matrix_by_vector(m, v)


def to_matrix(q: Float[AnyArray, "... 4"]) -> Float[AnyArray, "... 3 3"]:
    """Returns the matrices of unit quaternions."""
    xp = namespace(q)
    x, y, z, w = (q[..., i] for i in range(4))
    x2, y2, z2 = 2 * x, 2 * y, 2 * z
    xx, yy, zz, xy, xz, yz = x * x2, y * y2, z * z2, x * y2, x * z2, y * z2
    wx, wy, wz = w * x2, w * y2, w * z2
    entries = (
        *(1 - (yy + zz), xy - wz, xz + wy),
        *(xy + wz, 1 - (xx + zz), yz - wx),
        *(xz - wy, yz + wx, 1 - (xx + yy)),
    )
    return xp.reshape(xp.stack(entries, axis=-1), (*q.shape[:-1], 3, 3))


def from_matrix(m: Float[AnyArray, "... 3 3"]) -> Float[AnyArray, "... 4"]:
    """Returns unit quaternions of rotation matrices, of either sign.

    Of the four ways to read a quaternion off a matrix the one with the largest divisor is taken
    (Shepperd, "Quaternion from Rotation Matrix", 1978), so it is accurate at every angle and its
    gradient is finite everywhere.
    """
    xp = namespace(m)
    (a, b, c), (d, e, f), (g, h, i) = ([m[..., row, col] for col in range(3)] for row in range(3))
    # Row k is 4 * q[k] * q: parallel to the quaternion, and longest where |q[k]| is largest.
    xx, yy, zz, ww = 1 + a - e - i, 1 - a + e - i, 1 - a - e + i, 1 + a + e + i
    xy, xz, yz, wx, wy, wz = b + d, c + g, f + h, h - f, c - g, d - b
    rows = ((xx, xy, xz, wx), (xy, yy, yz, wy), (xz, yz, zz, wz), (wx, wy, wz, ww))
    x_wins, z_wins = xx > yy, zz > ww
    first_half = xp.where(x_wins, xx, yy) > xp.where(z_wins, zz, ww)
    chosen = [
        xp.where(first_half, xp.where(x_wins, p, q), xp.where(z_wins, r, s))
        for p, q, r, s in zip(*rows, strict=True)
    ]
    return normalise(xp.stack(chosen, axis=-1))


def matrix_to_sixd(m: Float[AnyArray, "... 3 3"]) -> Float[AnyArray, "... 6"]:
    """Returns the first column, then the second column, of rotation matrices."""
    return namespace(m).concat((m[..., :, 0], m[..., :, 1]), axis=-1)


def sixd_to_matrix(sixd: Float[AnyArray, "... 6"]) -> Float[AnyArray, "... 3 3"]:
    """Returns the rotation matrices of any 6D vectors by Gram-Schmidt.

    Vectors without a direction (zero, or two parallel columns) still give a rotation, with a zero
    gradient instead of NaN.
    """
    xp = namespace(sixd)
    first, second = sixd[..., :3], sixd[..., 3:]
    x_axis, y_axis = (_numbers(axis, like=sixd) for axis in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    column_0 = _unit(first, x_axis)
    aside = xp.where(xp.abs(column_0[..., :1]) < 0.9, x_axis, y_axis)
    second_raw = second - column_0 * _dot(column_0, second)
    aside = aside - column_0 * _dot(column_0, aside)
    column_1 = _unit(second_raw, _unit(aside, y_axis))
    return xp.stack((column_0, column_1, _cross(column_0, column_1)), axis=-1)


def slerp(
    a: Float[AnyArray, "... 4"], b: Float[AnyArray, "... 4"], t: Float[AnyArray, "..."] | float
) -> Float[AnyArray, "... 4"]:
    """Interpolates along the shorter arc from `a` (t = 0) to `b` (t = 1)."""
    xp = namespace(a, b)
    b = xp.where(_dot(a, b) < 0, -b, b)
    share = xp.asarray(t, dtype=a.dtype)
    share = xp.reshape(share, (1,) * (a.ndim - 1 - share.ndim) + (*share.shape, 1))
    # The half-angle form stays accurate for nearby quaternions, where arccos of the dot does not.
    apart, together = _squared(a - b), _squared(a + b)
    near = apart < _TINY
    angle = 2 * xp.atan2(xp.sqrt(xp.where(near, 1.0, apart)), xp.sqrt(together))
    whole = xp.sin(angle)
    from_a = xp.where(near, 1 - share, xp.sin((1 - share) * angle) / whole)
    from_b = xp.where(near, share, xp.sin(share * angle) / whole)
    return normalise(from_a * a + from_b * b)


def continuous(q: Float[AnyArray, "T ... 4"]) -> Float[AnyArray, "T ... 4"]:
    """Flips signs along the first axis so that consecutive quaternions lie in one half space."""
    xp = namespace(q)
    turns = xp.where(_dot(q[1:], q[:-1]) < 0, -1.0, 1.0)
    signs = xp.cumulative_prod(turns, axis=0, dtype=q.dtype)
    return xp.concat((q[:1], q[1:] * signs), axis=0)


def _numbers(values: list[float], *, like: AnyArray) -> Any:
    return along_last_axis(namespace(like).asarray(values, dtype=like.dtype), like.ndim)


def _dot(a: AnyArray, b: AnyArray) -> Any:
    return namespace(a, b).sum(a * b, axis=-1, keepdims=True)


def _squared(v: AnyArray) -> Any:
    return _dot(v, v)


def _unit(v: AnyArray, fallback: AnyArray) -> Any:
    """Scales to unit length; the inner `where` keeps the gradient finite where there is none."""
    xp = namespace(v, fallback)
    squared = _squared(v)
    has_direction = squared > _TINY
    return xp.where(has_direction, v / xp.sqrt(xp.where(has_direction, squared, 1.0)), fallback)


def _cross(a: AnyArray, b: AnyArray) -> Any:
    ax, ay, az = (a[..., i] for i in range(3))
    bx, by, bz = (b[..., i] for i in range(3))
    xp = namespace(a, b)
    return xp.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), axis=-1)
