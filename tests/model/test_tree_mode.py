"""Flax's tree mode, which shall become its default, gives the networks that graph mode gives."""

import contextlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from llavataros_jax.pase import network as pase
from tests.model.conftest import FRAMES, LANES, make_probe


@contextlib.contextmanager
def tree_mode() -> Iterator[None]:
    with nnx.set_graph_mode(False), nnx.set_graph_updates(False):
        yield


def outputs(variant: str) -> tuple:
    """Builds a network and returns its parameters, whole and live poses, and a gradient."""
    probe = make_probe.__wrapped__(variant=variant, self_blocks=1, cross_blocks=1)
    model, mask = probe.model, jnp.ones((LANES, FRAMES), bool)
    people = jax.device_put((probe.main, probe.interlocutor))

    def live(params):
        feature, _ = model.advance(
            params, *people, probe.present, frame_mask=mask,
            position_keys=model.position_keys(params),
            cache=model.empty_cache(LANES, call_frames=FRAMES),
        )  # fmt: skip
        return model.regress(params, feature)

    def loss(params):
        return jnp.sum(jnp.square(live(params)))

    gradient = jax.jit(jax.grad(loss))(probe.params)
    return probe.params, probe.run([FRAMES]), jax.jit(live)(probe.params), gradient


@pytest.mark.parametrize("variant", ["plus", "cross"])
@pytest.mark.slow
def test_the_gesture_network_is_the_same(variant: str) -> None:
    expected = outputs(variant)
    with tree_mode():
        found = outputs(variant)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_pase_is_the_same() -> None:
    def shapes():
        pase.graph.cache_clear()
        graph = pase.graph()
        whole = nnx.eval_shape(lambda: pase.PaseNetwork(rngs=nnx.Rngs(0)))
        params = nnx.to_pure_dict(nnx.state(whole))
        sound = jax.ShapeDtypeStruct((1, 1600), jnp.float32)
        return params, jax.eval_shape(lambda p, x: pase.network(p)(x), params, sound), graph

    expected = shapes()
    try:
        with tree_mode():
            found = shapes()
    finally:
        pase.graph.cache_clear()
    assert found[:2] == expected[:2]
