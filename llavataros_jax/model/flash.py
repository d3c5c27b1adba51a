"""Attention in tiles, with scores that stay on the chip (Dao 2023, FlashAttention-2), by Pallas.

What is of relative positions comes in by distance, as one plain product makes it, and is read at
shifted addresses: neither of Pallas's ways to a GPU can move the rows of a tile by different
distances, and an address costs nothing. So nothing is padded, shifted, masked or normalised in
memory, and keys outside the band are never visited.

Letters: N heads, B lanes, T queries, S keys, K distances, H width of a head; a tile is of Q queries
and C keys.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Bool, Float, Int

_QUERIES, _KEYS = 32, 64
_LOWEST = -1e30

# References to memory have no type that can be named.
_Ref = Any


class Setting(NamedTuple):
    """What is known when the kernel is built.

    Attributes:
        dtype: Type in which products take their inputs.
        precision: How exactly they are multiplied.
        interpret: Run it as a JAX program, on any device.
    """

    dtype: str
    precision: jax.lax.Precision
    interpret: bool


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def answers(
    setting: Setting,
    queries: Float[Array, "N B T H"],
    keys: Float[Array, "N B S H"],
    values: Float[Array, "N B S H"],
    by_distance: Float[Array, "N B T K"],
    visible: Bool[Array, "B T S"],
) -> Float[Array, "N B T H"]:
    """Returns softmax([query·key + by_distance] / √H) · values; zero for a query that sees no key.

    Args:
        setting: How it is computed.
        queries: Of the content term.
        keys: Of past and segment; the segment's are the last T.
        values: Likewise.
        by_distance: The position term for the distances K-1 ... 0, of which none may reach back
            further than the first key does for the first query (K ≤ S-T+1).
        visible: Which keys each query sees, if they are within K distances.
    """
    return _forward(setting, queries, keys, values, by_distance, visible)[0]


def _forward(
    setting: Setting, queries: Array, keys: Array, values: Array, by_distance: Array, visible: Array
) -> tuple[Array, tuple[Array, ...]]:
    narrow = [x.astype(setting.dtype) for x in (queries, keys, values)]
    seen = visible.astype(jnp.int8)
    heads, lanes, frames, width = queries.shape
    answer, weight = _call(
        _answer_kernel,
        setting,
        tiles=pl.cdiv(frames, _QUERIES),
        inputs=(*narrow, by_distance, seen),
        results=[(heads, lanes, frames, width), (heads, lanes, frames, 1)],
    )
    return answer, (*narrow, by_distance, seen, answer, weight)


def _backward(
    setting: Setting, kept: tuple[Array, ...], slope: Array
) -> tuple[Array, Array, Array, Array, None]:
    *inputs, answer, weight = kept
    queries, keys, _, by_distance, _ = inputs
    slope = slope.astype(jnp.float32)
    # The part of the softmax's gradient that all keys of a query share.
    shared = (slope * answer).sum(-1, keepdims=True)
    inputs = (*inputs, slope.astype(setting.dtype), weight, shared)
    of_queries, of_distances = _call(
        _query_gradient_kernel,
        setting,
        tiles=pl.cdiv(queries.shape[2], _QUERIES),
        inputs=inputs,
        results=[queries.shape, by_distance.shape],
    )
    of_keys, of_values = _call(
        _key_gradient_kernel,
        setting,
        tiles=pl.cdiv(keys.shape[2], _KEYS),
        inputs=inputs,
        results=[keys.shape, keys.shape],
    )
    return of_queries, of_keys, of_values, of_distances, None


answers.defvjp(_forward, _backward)


def _call(
    kernel: Callable[..., None],
    setting: Setting,
    *,
    tiles: int,
    inputs: tuple[Array, ...],
    results: list[tuple[int, ...]],
) -> Sequence[Array]:
    """Runs a kernel for every head, lane and tile; each sees all rows of its head and lane."""
    heads, lanes = inputs[0].shape[:2]

    def rows(shape: tuple[int, ...]) -> pl.BlockSpec:
        if len(shape) == 3:
            return pl.BlockSpec((None, *shape[1:]), lambda head, lane, tile: (lane, 0, 0))
        return pl.BlockSpec((None, None, *shape[2:]), lambda head, lane, tile: (head, lane, 0, 0))

    return pl.pallas_call(
        functools.partial(kernel, precision=setting.precision),
        grid=(heads, lanes, tiles),
        in_specs=[rows(x.shape) for x in inputs],
        out_specs=[rows(shape) for shape in results],
        out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in results],
        interpret=setting.interpret,
        compiler_params=triton.CompilerParams(num_warps=4, num_stages=2),
        name=kernel.__name__.strip("_"),
    )(*inputs)


def _answer_kernel(
    q_ref: _Ref, k_ref: _Ref, v_ref: _Ref, d_ref: _Ref, visible_ref: _Ref,
    answer_ref: _Ref, weight_ref: _Ref, *, precision: jax.lax.Precision,
) -> None:  # fmt: skip
    """Answers a tile of queries; also keeps the logarithm of each one's sum of weights."""
    first = pl.program_id(2) * _QUERIES
    rows = first + jnp.arange(_QUERIES)
    query = _read(q_ref, rows)

    def add(tile, sums):
        highest, total, answer = sums
        columns = tile * _KEYS + jnp.arange(_KEYS)
        key, value = _read(k_ref, columns), _read(v_ref, columns)
        score, seen, _ = _scores(query, key, d_ref, visible_ref, rows, columns, precision)
        higher = jnp.maximum(highest, score.max(1))
        part = jnp.where(seen, jnp.exp(score - higher[:, None]), 0.0)
        shrink = jnp.exp(highest - higher)
        answer = answer * shrink[:, None] + _dot(part, value, (1, 0), precision)
        return higher, total * shrink + part.sum(1), answer

    nothing = jnp.zeros(_QUERIES)
    start = (nothing + _LOWEST, nothing, jnp.zeros((_QUERIES, q_ref.shape[1])))
    tiles = _key_tiles(first, q_ref.shape[0], k_ref.shape[0], d_ref.shape[1])
    highest, total, answer = jax.lax.fori_loop(*tiles, add, start)
    some = jnp.where(total > 0, total, 1.0)
    _write(answer_ref, rows, answer / some[:, None])
    _write(weight_ref, rows, (highest + jnp.log(some))[:, None])


def _query_gradient_kernel(
    q_ref: _Ref, k_ref: _Ref, v_ref: _Ref, d_ref: _Ref, visible_ref: _Ref, slope_ref: _Ref,
    weight_ref: _Ref, shared_ref: _Ref, of_q_ref: _Ref, of_d_ref: _Ref,
    *, precision: jax.lax.Precision,
) -> None:  # fmt: skip
    """Returns the gradient of a tile of queries and of their position terms."""
    first = pl.program_id(2) * _QUERIES
    rows = first + jnp.arange(_QUERIES)
    query, slope = _read(q_ref, rows), _read(slope_ref, rows)
    weight, shared = _read(weight_ref, rows), _read(shared_ref, rows)

    def add(tile, total):
        columns = tile * _KEYS + jnp.arange(_KEYS)
        key, value = _read(k_ref, columns), _read(v_ref, columns)
        score, seen, (inside, place) = _scores(
            query, key, d_ref, visible_ref, rows, columns, precision
        )
        part = jnp.where(seen, jnp.exp(score - weight), 0.0)
        of_score = part * (_dot(slope, value, (1, 1), precision) - shared) * _scale(q_ref)
        row = jnp.broadcast_to(rows[:, None], place.shape)
        triton.store(of_d_ref.at[row, place], of_score, mask=inside)
        return total + _dot(of_score, key, (1, 0), precision)

    tiles = _key_tiles(first, q_ref.shape[0], k_ref.shape[0], d_ref.shape[1])
    total = jax.lax.fori_loop(*tiles, add, jnp.zeros((_QUERIES, q_ref.shape[1])))
    _write(of_q_ref, rows, total)


def _key_gradient_kernel(
    q_ref: _Ref, k_ref: _Ref, v_ref: _Ref, d_ref: _Ref, visible_ref: _Ref, slope_ref: _Ref,
    weight_ref: _Ref, shared_ref: _Ref, of_k_ref: _Ref, of_v_ref: _Ref,
    *, precision: jax.lax.Precision,
) -> None:  # fmt: skip
    """Returns the gradient of a tile of keys and of their values."""
    first = pl.program_id(2) * _KEYS
    columns = first + jnp.arange(_KEYS)
    key, value = _read(k_ref, columns), _read(v_ref, columns)

    def add(tile, totals):
        of_key, of_value = totals
        rows = tile * _QUERIES + jnp.arange(_QUERIES)
        query, slope = _read(q_ref, rows), _read(slope_ref, rows)
        score, seen, _ = _scores(query, key, d_ref, visible_ref, rows, columns, precision)
        part = jnp.where(seen, jnp.exp(score - _read(weight_ref, rows)), 0.0)
        toward = _dot(slope, value, (1, 1), precision) - _read(shared_ref, rows)
        of_score = part * toward * _scale(q_ref)
        of_key = of_key + _dot(of_score, query, (0, 0), precision)
        return of_key, of_value + _dot(part, slope, (0, 0), precision)

    frames, past = q_ref.shape[0], k_ref.shape[0] - q_ref.shape[0]
    stop = jnp.minimum(first + _KEYS - 1 - past + d_ref.shape[1], frames)
    tiles = _tile(jnp.maximum(first - past, 0), _QUERIES), _tile(stop + _QUERIES - 1, _QUERIES)
    nothing = jnp.zeros((_KEYS, k_ref.shape[1]))
    of_key, of_value = jax.lax.fori_loop(*tiles, add, (nothing, nothing))
    _write(of_k_ref, columns, of_key)
    _write(of_v_ref, columns, of_value)


def _scores(
    query: Float[Array, "Q H"],
    key: Float[Array, "C H"],
    d_ref: _Ref,
    visible_ref: _Ref,
    rows: Int[Array, " Q"],
    columns: Int[Array, " C"],
    precision: jax.lax.Precision,
) -> tuple[Float[Array, "Q C"], Bool[Array, "Q C"], tuple[Array, Array]]:
    """Returns scores, which of them count, and where the position term of each is kept."""
    (frames, keys), distances = visible_ref.shape, d_ref.shape[1]
    shape = (len(rows), len(columns))
    row, column = (jnp.broadcast_to(x, shape) for x in (rows[:, None], columns[None]))
    distance = row + (keys - frames) - column
    inside = (row < frames) & (column < keys) & (distance >= 0) & (distance < distances)
    # Outside, an address beyond the last: where no mask stops the writing, it is dropped.
    place = jnp.where(inside, distances - 1 - distance, distances)
    position = triton.load(d_ref.at[row, place], mask=inside, other=0.0)
    visible = triton.load(visible_ref.at[row, column], mask=inside, other=0)
    score = (_dot(query, key, (1, 1), precision) + position) * query.shape[1] ** -0.5
    seen = inside & (visible != 0)
    return jnp.where(seen, score, _LOWEST), seen, (inside, place)


def _key_tiles(first: Array, frames: int, keys: int, distances: int) -> tuple[Array, Array]:
    """Returns the tiles of keys, from and up to, that a tile of queries can see."""
    past = keys - frames
    start = jnp.maximum(first + past - distances + 1, 0)
    stop = jnp.minimum(first + _QUERIES + past, keys)
    return _tile(start, _KEYS), _tile(stop + _KEYS - 1, _KEYS)


def _tile(number: Array, size: int) -> Array:
    return jax.lax.div(number, jnp.int32(size))


def _scale(q_ref: _Ref) -> float:
    return q_ref.shape[1] ** -0.5


def _read(ref: _Ref, rows: Int[Array, " Q"]) -> Float[Array, "Q H"]:
    """Reads rows; those beyond the last are zeros."""
    row, column, there = _addresses(ref, rows)
    return triton.load(ref.at[row, column], mask=there, other=0.0)


def _write(ref: _Ref, rows: Int[Array, " Q"], values: Float[Array, "Q H"]) -> None:
    row, column, there = _addresses(ref, rows)
    triton.store(ref.at[row, column], values, mask=there)


def _addresses(ref: _Ref, rows: Int[Array, " Q"]) -> tuple[Array, Array, Array]:
    shape = (len(rows), ref.shape[1])
    row = jnp.broadcast_to(rows[:, None], shape)
    column = jnp.broadcast_to(jnp.arange(ref.shape[1])[None], shape)
    return row, column, row < ref.shape[0]


def _dot(
    first: Float[Array, "_ _"],
    second: Float[Array, "_ _"],
    over: tuple[int, int],
    precision: jax.lax.Precision,
) -> Float[Array, "_ _"]:
    """Multiplies in the second array's type, and accumulates in float32."""
    return jax.lax.dot_general(
        first.astype(second.dtype),
        second,
        (((over[0],), (over[1],)), ((), ())),
        precision=precision,
        preferred_element_type=jnp.float32,
    )
