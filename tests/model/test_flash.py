"""Attention in tiles against plain products, forward and backward, without a GPU."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from llavataros_jax.model.attention import Positions, RelativeAttention, band, sinusoids
from llavataros_jax.model.flash import Setting, answers
from llavataros_jax.model.kernels import Heads, by_pallas, by_xla
from llavataros_jax.model.products import FULL, products
from tests.model.conftest import small_config

HEADS, LANES, WIDTH = 2, 2, 16


def inputs(frames: int, past: int, distances: int) -> tuple[Heads, jax.Array, jax.Array]:
    """Returns heads, what queries see (one of them nothing), and a direction for gradients."""
    random = np.random.default_rng(0)

    def noise(*shape: int) -> jax.Array:
        return jnp.asarray(random.normal(size=shape), jnp.float32)

    rows, keys = (HEADS, LANES, frames, WIDTH), (HEADS, LANES, past + frames, WIDTH)
    heads = Heads(noise(*rows), noise(*rows), noise(*keys), noise(*keys),
                  noise(HEADS, distances, WIDTH))  # fmt: skip
    visible = band(frames, past, distances) & (random.random((LANES, 1, past + frames)) < 0.7)
    visible[:, frames // 2] = False
    return heads, jnp.asarray(visible), noise(*rows)


def gradients(kernel, given: tuple[Heads, jax.Array, jax.Array]) -> tuple[jax.Array, ...]:
    """Returns answers of queries that see something, and their gradient."""
    heads, visible, direction = given
    some = visible.any(-1)[None, ..., None]

    def total(heads):
        answer = jnp.where(some, kernel(heads, visible, FULL), 0.0)
        return (answer * direction).sum(), answer

    (_, answer), slope = jax.jit(jax.value_and_grad(total, has_aux=True))(heads)
    return answer, *slope


@pytest.mark.slow
def test_tiles_equal_plain_products():
    # Tiles are of 32 queries and 64 keys: these have several, whose ends are cut.
    given = inputs(frames=37, past=101, distances=100)
    wanted, found = (gradients(kernel, given) for kernel in (by_xla, by_pallas))
    for ours, plain in zip(found, wanted, strict=True):
        size = max(1, float(jnp.abs(plain).max()))
        np.testing.assert_allclose(ours, plain, atol=1e-5 * size)
        assert float(jnp.abs(plain).max()) > 0.1


@pytest.mark.slow
def test_the_network_attends_in_tiles():
    wanted, found = (
        RelativeAttention(small_config(d_head=16, attention_kernel=kernel), rngs=nnx.Rngs(0))
        for kernel in ("xla", "pallas")
    )
    x = jax.random.normal(jax.random.key(0), (2, 17, 16))
    visible = jnp.broadcast_to(band(5, 12, 12), (2, 5, 17))
    u, v = jax.random.normal(jax.random.key(1), (2, 2, 16))
    positions = Positions(jnp.asarray(sinusoids(17, 16)), u, v)
    given = (x[:, -5:], x[:, :-5], x[:, -5:], visible, positions)
    np.testing.assert_allclose(found(*given), wanted(*given), atol=1e-6)


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
@pytest.mark.slow
def test_tiles_can_be_built_for_a_gpu(kind):
    heads, visible, direction = inputs(frames=37, past=101, distances=102)
    setting = Setting(kind, products(kind).precision, interpret=False)
    by_distance = jnp.zeros((HEADS, LANES, 37, 102))

    def total(*content):
        answer: jax.Array = answers(setting, *content, by_distance, visible)
        return (answer * direction).sum()

    step = jax.jit(jax.grad(total, argnums=(0, 1, 2)))
    content = heads.content_query, heads.keys, heads.values
    # Newer versions of JAX ask which GPU it shall be.
    device = AbstractDevice("NVIDIA H100 80GB HBM3", num_cores=None, platform="gpu")
    with use_abstract_mesh(AbstractMesh((), (), abstract_device=device)):
        program = step.trace(*content).lower(lowering_platforms=("cuda",)).as_text()
    # The answers, the gradient of queries and distances, and that of keys and values.
    assert program.count("@__gpu$xla.gpu.triton") == 3
