"""Which tensors of the ancestor are taken, which are dropped, and which are refused."""

import numpy as np
import pytest

from llavataros_jax.ancestor.weights import from_ancestor
from llavataros_jax.errors import UserError
from tests.ancestor.oracle import needs_oracle, oracle_weights

pytestmark = needs_oracle
SIZES = {"audio_size": 12, "memory_frames": 20, "segment_frames": 10}


def test_sizes_come_from_tensors_and_dead_modules_are_named():
    weights = oracle_weights()
    weights["time_mlp.1.weight"] = np.zeros((3, 3))
    weights["pose_emb.bias"] = np.zeros(3)
    network = from_ancestor(weights, **SIZES)
    config = network.config
    assert network.dropped == ("pos_emb.inv_freq", "pose_emb.bias", "time_mlp.1.weight")
    assert (config.d_model, config.heads, config.d_head, config.d_inner) == (32, 4, 8, 64)
    assert (config.self_blocks, config.cross_blocks, config.span) == (2, 2, 20)
    assert network.sizes == (12, 10, 33, 5)
    assert config.cross_memory == "main_encoder"
    assert not config.standardise_features


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("decoder.weight", None, "lacks decoder.weight"),
        ("encoder_layers.1.dec_attn.r_net.weight", None, r"lacks encoder_layers\.1\.dec_attn\.r"),
        ("encoder_layers.0.gate", np.zeros(3), r"too much: encoder_layers\.0\.gate"),
        ("extra.weight", np.zeros(3), r"too much: extra\.weight"),
        ("decoder.weight", np.zeros((33, 31)), r"decoder.weight has shape \(33, 31\)"),
        ("r_r_bias", np.full((4, 8), np.nan), "r_r_bias holds NaN"),
        ("r_w_bias", None, "no tensor r_w_bias"),
        ("pos_emb.inv_freq", np.ones(16), "not the frequencies"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(name, value, expected):
    weights = oracle_weights()
    if value is None:
        del weights[name]
    else:
        weights[name] = value
    with pytest.raises(UserError, match=expected):
        from_ancestor(weights, **SIZES)


def test_an_audio_size_that_leaves_no_text_is_refused():
    with pytest.raises(UserError, match="leaves none for text; give the right --audio-size"):
        from_ancestor(oracle_weights())
