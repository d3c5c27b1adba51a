"""Rematerialisation: the same gradients, of less that is kept."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.model import build
from tests.model.conftest import LANES, SIZES, cut, make_probe, random_speech

PRESENT = np.ones(LANES, bool)


@pytest.mark.slow
def test_what_is_computed_again_is_the_same_and_is_not_kept():
    probe = make_probe(dropout=0.3, self_blocks=1, cross_blocks=1)
    speech = [cut(random_speech(seed, LANES), slice(0, 12)) for seed in (1, 2)]

    def loss(remat):
        model = build(dataclasses.replace(probe.model.config, remat=remat), SIZES)

        def of(params):
            pose, memory = model.apply(
                params, *speech, PRESENT, frame_mask=jnp.ones((LANES, 12), bool),
                memory=model.empty_memory(LANES), dropout_key=jax.random.key(3),
            )  # fmt: skip
            return (pose**2).sum(), memory

        return of

    kept, plain = {}, None
    for remat in ("none", "products", "blocks"):
        of = loss(remat)
        pulled = jax.eval_shape(lambda p, of=of: jax.vjp(of, p, has_aux=True)[1], probe.params)
        kept[remat] = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(pulled))
        found = jax.jit(jax.value_and_grad(of, has_aux=True))(probe.params)
        plain = found if plain is None else plain
        for ours, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(plain), strict=True):
            np.testing.assert_allclose(
                np.float32(ours), np.float32(wanted), atol=1e-5 * max(1, np.abs(wanted).max())
            )
    assert kept["products"] < 0.5 * kept["none"]
    assert kept["blocks"] < 0.7 * kept["products"]
