"""The weights of the public ancestor, UEA-DH-GENEA23, in this network's tree (spec section 2).

PyTorch keeps (out, in), fuses queries, keys and values, and stores a few modules that its forward
pass never uses. Pure NumPy: any mapping of names to arrays will do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.config import ModelConfig
from llavataros_jax.errors import UserError
from llavataros_jax.model.frontend import Sizes

# Modules of a sibling model that no output depends on, and a table that is computed here.
DEAD_MODULES = ("time_mlp.", "pose_emb.", "pos_emb.inv_freq")

# What tensors of every size are called, by which they are found in a file.
LANDMARKS = (
    *("r_w_bias", "r_r_bias", "speaker_embedding.weight"),
    *("feature_embedding.weight", "feature_embedding.bias", "decoder.weight", "decoder.bias"),
)

Weights = Mapping[str, Float[np.ndarray, "..."]]


@dataclass(frozen=True, eq=False)
class AncestorNetwork:
    """A checkpoint of the ancestor as this project has it.

    Attributes:
        config: Options that make this network compute what the ancestor's does.
        sizes: Sizes of the data that it was trained on.
        params: Its parameters.
        dropped: Names of tensors that nothing uses.
    """

    config: ModelConfig
    sizes: Sizes
    params: dict[str, Any]
    dropped: tuple[str, ...]


def from_ancestor(
    weights: Weights,
    *,
    audio_size: int = 768,
    memory_frames: int = 180,
    segment_frames: int = 90,
) -> AncestorNetwork:
    """Reads all sizes from the tensors and renames, splits and transposes them.

    Args:
        weights: Tensors by the ancestor's names.
        audio_size: How many of the input's columns are audio; the rest are text. Tensors cannot
            tell, nor the next two.
        memory_frames: The ancestor's `mem_len`.
        segment_frames: The ancestor's `seq_length`.

    Raises:
        UserError: When a tensor is missing, unknown, of a wrong shape or not finite; all are named.
    """
    used = {name: value for name, value in weights.items() if not name.startswith(DEAD_MODULES)}
    dropped = tuple(sorted(weights.keys() - used.keys()))
    config, sizes = _read_sizes(
        used, audio_size=audio_size, memory_frames=memory_frames, segment_frames=segment_frames
    )
    _check(used, _shapes(config, sizes))
    _check_frequencies(weights, config.d_model)
    speaker, heads = config.d_speaker, config.heads
    joined = used["feature_embedding.weight"].T
    params = {
        "speakers": used["speaker_embedding.weight"],
        "content_bias": used["r_w_bias"],
        "position_bias": used["r_r_bias"],
        "frontend": {
            "join": {
                "from_speaker": {
                    "kernel": joined[:speaker],
                    "bias": used["feature_embedding.bias"],
                },
                "from_audio": {"kernel": joined[speaker : speaker + audio_size]},
                "from_words": {"kernel": joined[speaker + audio_size :]},
            }
        },
        "self_blocks": {
            i: _block(used, f"encoder_layers.{i}.", heads) for i in range(config.self_blocks)
        },
        "cross_blocks": {
            i: _block(used, f"decoder_layers.{i}.", heads) for i in range(config.cross_blocks)
        },
        "output": {"kernel": used["decoder.weight"].T, "bias": used["decoder.bias"]},
    }
    return AncestorNetwork(config, sizes, params, dropped)


def _read_sizes(
    used: Weights, *, audio_size: int, memory_frames: int, segment_frames: int
) -> tuple[ModelConfig, Sizes]:
    def shape(name: str, axes: int) -> tuple[int, ...]:
        if name not in used:
            raise UserError(
                f"the checkpoint has no tensor {name}, so it is none of UEA-DH-GENEA23; it has "
                f"{_some(sorted(used))}"
            )
        found = used[name].shape
        if len(found) != axes:
            raise UserError(f"tensor {name} has shape {found} instead of {axes} axes")
        return found

    def count(layers: str) -> int:
        return len({name.split(".")[1] for name in used if name.startswith(layers + ".")})

    heads, d_head = shape("r_w_bias", 2)
    speakers, d_speaker = shape("speaker_embedding.weight", 2)
    d_model, inputs = shape("feature_embedding.weight", 2)
    (d_inner,) = shape("encoder_layers.0.pos_ff.CoreNet.0.bias", 1)
    text = inputs - d_speaker - audio_size
    if text <= 0:
        raise UserError(
            f"feature_embedding.weight takes {inputs} numbers, which after {d_speaker} for the "
            f"speaker and {audio_size} for audio leaves none for text; give the right --audio-size"
        )
    config = ModelConfig(
        variant="plus",
        d_model=d_model,
        heads=heads,
        d_head=d_head,
        d_inner=d_inner,
        self_blocks=count("encoder_layers"),
        cross_blocks=count("decoder_layers"),
        d_speaker=d_speaker,
        segment_frames=segment_frames,
        memory_frames=memory_frames,
        norm="post",
        cross_memory="main_encoder",
        memory_reset="zeros",
        standardise_features=False,
    )
    (pose,) = shape("decoder.bias", 1)
    return config, Sizes(audio=audio_size, text=text, pose=pose, speakers=speakers)


def _shapes(config: ModelConfig, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Returns every tensor that the ancestor's forward pass uses, with its shape."""
    d, inner = config.d_model, config.d_inner
    width = config.heads * config.d_head
    shapes: dict[str, tuple[int, ...]] = {
        "r_w_bias": (config.heads, config.d_head),
        "r_r_bias": (config.heads, config.d_head),
        "speaker_embedding.weight": (sizes.speakers, config.d_speaker),
        "feature_embedding.weight": (d, config.d_speaker + sizes.audio + sizes.text),
        "feature_embedding.bias": (d,),
        "decoder.weight": (sizes.pose, d),
        "decoder.bias": (sizes.pose,),
    }
    fused = {
        "encoder": {"qkv_net": (3 * width, d)},
        "decoder": {"q_net": (width, d), "kv_net": (2 * width, d)},
    }
    for kind, number in (("encoder", config.self_blocks), ("decoder", config.cross_blocks)):
        inward = fused[kind] | {"r_net": (width, d), "o_net": (d, width)}
        for block in range(number):
            prefix = f"{kind}_layers.{block}."
            for name, found in inward.items():
                shapes[f"{prefix}dec_attn.{name}.weight"] = found
            for name, out, into in (("CoreNet.0", inner, d), ("CoreNet.3", d, inner)):
                shapes[f"{prefix}pos_ff.{name}.weight"] = (out, into)
                shapes[f"{prefix}pos_ff.{name}.bias"] = (out,)
            for place in ("dec_attn", "pos_ff"):
                shapes[f"{prefix}{place}.layer_norm.weight"] = (d,)
                shapes[f"{prefix}{place}.layer_norm.bias"] = (d,)
    return shapes


def _check(used: Weights, shapes: Mapping[str, tuple[int, ...]]) -> None:
    problems = []
    if missing := sorted(shapes.keys() - used.keys()):
        problems.append(f"it lacks {_some(missing)}")
    if unknown := sorted(used.keys() - shapes.keys()):
        problems.append(f"it has too much: {_some(unknown)}")
    for name in sorted(shapes.keys() & used.keys()):
        if used[name].shape != shapes[name]:
            problems.append(f"{name} has shape {used[name].shape} instead of {shapes[name]}")
        elif not np.isfinite(used[name]).all():
            problems.append(f"{name} holds NaN or infinity")
    if problems:
        raise UserError(f"the checkpoint does not fit UEA-DH-GENEA23: {'; '.join(problems)}")


def _check_frequencies(weights: Weights, d_model: int) -> None:
    found = weights.get("pos_emb.inv_freq")
    expected = 10000.0 ** (-np.arange(0, d_model, 2) / d_model)
    if found is not None and not (
        found.shape == expected.shape and np.allclose(found, expected, rtol=1e-5)
    ):
        raise UserError(
            "the checkpoint's pos_emb.inv_freq are not the frequencies 10000^(-2k/"
            f"{d_model}) that this network counts distances by, so its outputs would differ"
        )


def _block(used: Weights, prefix: str, heads: int) -> dict[str, Any]:
    def tensor(name: str) -> np.ndarray:
        return used[prefix + name]

    def inward(matrix: np.ndarray) -> dict[str, np.ndarray]:
        return {"kernel": matrix.T.reshape(matrix.shape[1], heads, -1)}

    def dense(name: str) -> dict[str, np.ndarray]:
        return {"kernel": tensor(name + ".weight").T, "bias": tensor(name + ".bias")}

    def norm(place: str) -> dict[str, np.ndarray]:
        return {
            "scale": tensor(place + ".layer_norm.weight"),
            "bias": tensor(place + ".layer_norm.bias"),
        }

    if prefix + "dec_attn.qkv_net.weight" in used:
        query, key, value = np.split(tensor("dec_attn.qkv_net.weight"), 3)
    else:
        query = tensor("dec_attn.q_net.weight")
        key, value = np.split(tensor("dec_attn.kv_net.weight"), 2)
    out = tensor("dec_attn.o_net.weight").T
    return {
        "attention": {
            "query": inward(query),
            "key": inward(key),
            "value": inward(value),
            "position": inward(tensor("dec_attn.r_net.weight")),
            "output": {"kernel": out.reshape(heads, -1, out.shape[1])},
        },
        "attention_norm": norm("dec_attn"),
        "feed_forward": {
            "expand": dense("pos_ff.CoreNet.0"),
            "contract": dense("pos_ff.CoreNet.3"),
        },
        "feed_forward_norm": norm("pos_ff"),
    }


def _some(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
