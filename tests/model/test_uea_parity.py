"""The published ancestor, executed elsewhere in float64, as an oracle for the whole network."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model import Sizes, build

ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "uea_small.npz"
pytestmark = pytest.mark.skipif(not ORACLE.exists(), reason=f"{ORACLE} is not here")


def _parameters(weights: dict, *, audio: int, heads: int) -> dict:
    """Renames and reshapes the ancestor's tensors; PyTorch keeps (out, in)."""

    def heads_out(matrix):
        return matrix.T.reshape(matrix.shape[1], heads, -1)

    def block(prefix: str) -> dict:
        get = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        if "dec_attn.qkv_net.weight" in get:
            q, k, v = np.split(get["dec_attn.qkv_net.weight"], 3)
        else:
            q, (k, v) = get["dec_attn.q_net.weight"], np.split(get["dec_attn.kv_net.weight"], 2)
        out = get["dec_attn.o_net.weight"].T
        norms = {
            name: {"scale": get[f"{source}.weight"], "bias": get[f"{source}.bias"]}
            for name, source in (
                ("attention_norm", "dec_attn.layer_norm"),
                ("feed_forward_norm", "pos_ff.layer_norm"),
            )
        }
        return {
            "attention": {
                "query": {"kernel": heads_out(q)},
                "key": {"kernel": heads_out(k)},
                "value": {"kernel": heads_out(v)},
                "position": {"kernel": heads_out(get["dec_attn.r_net.weight"])},
                "output": {"kernel": out.reshape(heads, -1, out.shape[1])},
            },
            "feed_forward": {
                "expand": {
                    "kernel": get["pos_ff.CoreNet.0.weight"].T,
                    "bias": get["pos_ff.CoreNet.0.bias"],
                },
                "contract": {
                    "kernel": get["pos_ff.CoreNet.3.weight"].T,
                    "bias": get["pos_ff.CoreNet.3.bias"],
                },
            },
            **norms,
        }

    joined = weights["feature_embedding.weight"].T
    return {
        "speakers": weights["speaker_embedding.weight"],
        "content_bias": weights["r_w_bias"],
        "position_bias": weights["r_r_bias"],
        "frontend": {
            "join": {
                "from_speaker": {"kernel": joined[:8], "bias": weights["feature_embedding.bias"]},
                "from_audio": {"kernel": joined[8 : 8 + audio]},
                "from_words": {"kernel": joined[8 + audio :]},
            }
        },
        "self_blocks": {i: block(f"encoder_layers.{i}.") for i in range(2)},
        "cross_blocks": {i: block(f"decoder_layers.{i}.") for i in range(2)},
        "output": {"kernel": weights["decoder.weight"].T, "bias": weights["decoder.bias"]},
    }


def test_pose_and_memory_over_four_segments():
    with np.load(ORACLE) as oracle:
        oracle = dict(oracle)
    number = {k.removeprefix("config/"): int(v) for k, v in oracle.items() if "config/" in k}
    model = build(
        ModelConfig(
            d_model=number["d_model"], heads=number["n_head"], d_head=number["d_head"],
            d_inner=number["d_inner"], self_blocks=2, cross_blocks=2,
            memory_frames=number["mem_len"], cross_memory="main_encoder",
            standardise_features=False,
        ),
        Sizes(audio=12, text=10, pose=33, speakers=5),
    )  # fmt: skip
    weights = {
        k.removeprefix("state_dict/"): v for k, v in oracle.items() if k.startswith("state_dict/")
    }
    params = _parameters(weights, audio=number["audio"], heads=number["n_head"])
    frames = int(oracle["segment_frames"])
    lanes = oracle["audio"].shape[0]
    each_frame = np.broadcast_to(np.arange(frames, dtype=np.int32), (lanes, frames))

    def speech(prefix: str, part: slice) -> Speech:
        return Speech(
            oracle[f"{prefix}audio"][:, part], oracle[f"{prefix}text"][:, part], each_frame,
            oracle[f"{prefix}speaker"],
        )  # fmt: skip

    memory = model.empty_memory(lanes)
    for start in range(0, oracle["pose"].shape[1], frames):
        part = slice(start, start + frames)
        pose, memory = model.apply(
            params, speech("", part), speech("interlocutor_", part), jnp.ones(lanes, bool),
            frame_mask=jnp.ones((lanes, frames), bool), memory=memory,
        )  # fmt: skip
        np.testing.assert_allclose(pose, oracle["pose"][:, part], atol=1e-4)
    for slot in range(4):
        np.testing.assert_allclose(memory.hidden[:, slot], oracle[f"memory/{slot}"], atol=1e-4)
