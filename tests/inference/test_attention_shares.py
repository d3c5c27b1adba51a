"""The shares that the picture shows are those by which the network computes."""

import jax
import numpy as np
import pytest

from llavataros_jax.inference.attention_shares import attention_shares
from tests.model.conftest import make_probe


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.slow
def test_shares_give_what_the_next_block_reads(norm):
    probe = make_probe(norm=norm)
    _, before = probe.run([12, 12][:1])
    _, after = probe.run([12, 12])
    shares, answer = attention_shares(probe.model, probe.params, before, after, block=0)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-5)
    distance = np.arange(12)[:, None] + 12 - np.arange(24)
    assert not shares[..., (distance < 0) | (distance >= 12)].any()

    def normalised(x, part):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return scaled * part["scale"] + part["bias"]

    block = jax.tree.map(np.asarray, probe.params["self_blocks"][0])
    x, expected = (np.asarray(after.hidden[:, slot]) for slot in (0, 1))

    def feed_forward(h):
        expand, contract = block["feed_forward"]["expand"], block["feed_forward"]["contract"]
        hidden = np.maximum(h @ expand["kernel"] + expand["bias"], 0)
        return hidden @ contract["kernel"] + contract["bias"]

    if norm == "pre":
        h = x + answer
        output = h + feed_forward(normalised(h, block["feed_forward_norm"]))
    else:
        h = normalised(x + answer, block["attention_norm"])
        output = normalised(h + feed_forward(h), block["feed_forward_norm"])
    np.testing.assert_allclose(output, expected, atol=2e-5)
