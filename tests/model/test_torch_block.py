"""One block against PyTorch, written from the equations: forward and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from llavataros_jax.model.attention import Positions, band, sinusoids
from llavataros_jax.model.blocks import CrossBlock, SelfBlock
from llavataros_jax.model.layers import Dropout
from tests.model.conftest import small_config

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

LANES, FRAMES, PAST, SPAN, HEADS, HEAD, WIDTH = 2, 5, 6, 7, 2, 4, 16


def reference_block(w, x, keys, distances, u, v):
    """Computes h' = LN(x + attention) and LN(h' + feed-forward), index by index."""

    def norm(h, name):
        centred = h - h.mean(-1, keepdim=True)
        scaled = centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5)
        return scaled * w[name]["scale"] + w[name]["bias"]

    weight = {name: part["kernel"] for name, part in w["attention"].items()}
    attended = torch.zeros_like(x)
    for n in range(HEADS):
        query = x @ weight["query"][:, n]
        key, value = keys @ weight["key"][:, n], keys @ weight["value"][:, n]
        position = distances @ weight["position"][:, n]
        rows = []
        for i in range(FRAMES):
            seen = range(i + PAST - SPAN + 1, i + PAST + 1)
            scores = [
                (
                    ((query[:, i] + u[n]) * key[:, j]).sum(-1)
                    + ((query[:, i] + v[n]) * position[FRAMES + PAST - 1 - (i + PAST - j)]).sum(-1)
                )
                / HEAD**0.5
                for j in seen
            ]
            share = torch.softmax(torch.stack(scores, -1), -1)
            rows.append((share[..., None] * value[:, list(seen)]).sum(1))
        attended = attended + torch.stack(rows, 1) @ weight["output"][n]
    h = norm(x + attended, "attention_norm")
    expand, contract = w["feed_forward"]["expand"], w["feed_forward"]["contract"]
    hidden = torch.relu(h @ expand["kernel"] + expand["bias"])
    return norm(h + hidden @ contract["kernel"] + contract["bias"], "feed_forward_norm")


@pytest.mark.parametrize("kind", [SelfBlock, CrossBlock])
def test_a_block_and_its_gradients(kind):
    rng = np.random.default_rng(0)
    block = kind(small_config(), rngs=nnx.Rngs(0))
    graph, state = nnx.split(block, nnx.Param)
    # Norms and biases start at one and zero, where mistakes in them would not show.
    weights = jax.tree.map(
        lambda p: p + 0.3 * rng.normal(size=p.shape).astype(np.float32), nnx.to_pure_dict(state)
    )
    x, past = rng.normal(size=(2, LANES, max(FRAMES, PAST), WIDTH)).astype(np.float32)
    x, past = x[:, :FRAMES], past[:, :PAST]
    other = rng.normal(size=x.shape).astype(np.float32)
    u, v = rng.normal(size=(2, HEADS, HEAD)).astype(np.float32)
    distances = sinusoids(PAST + FRAMES, WIDTH)
    visible = jnp.broadcast_to(band(FRAMES, PAST, SPAN), (LANES, FRAMES, PAST + FRAMES))
    direction = rng.normal(size=x.shape).astype(np.float32)

    def ours(weights, x, past, other, u, v):
        present = x if kind is SelfBlock else other
        keys = jnp.concatenate([past, present], axis=1)
        return nnx.merge(graph, nnx.State(weights))(
            x, keys, visible, Positions(jnp.asarray(distances), u, v),
            drop=Dropout(0.0, None), place="here",
        )  # fmt: skip

    inputs = (weights, x, past, other, u, v)
    output = ours(*inputs)
    gradients = jax.grad(lambda *a: jnp.sum(ours(*a) * direction), argnums=tuple(range(6)))(*inputs)

    leaves, tree = jax.tree.flatten(inputs)
    tensors = [torch.tensor(np.asarray(leaf, np.float64), requires_grad=True) for leaf in leaves]
    w, tx, tpast, tother, tu, tv = jax.tree.unflatten(tree, tensors)
    keys = torch.cat([tpast, tx if kind is SelfBlock else tother], 1)
    expected = reference_block(w, tx, keys, torch.tensor(distances.astype(np.float64)), tu, tv)
    (expected * torch.tensor(direction.astype(np.float64))).sum().backward()

    np.testing.assert_allclose(output, expected.detach().numpy(), atol=1e-5)
    compared = 0
    for ours_leaf, tensor in zip(jax.tree.leaves(gradients), tensors, strict=True):
        wanted = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(ours_leaf, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))
        compared += np.abs(wanted).max() > 0
    assert compared >= len(tensors) - 1  # a self block does not read the other stream
