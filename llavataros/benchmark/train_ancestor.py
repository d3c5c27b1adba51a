"""The public ancestor, UEA-DH-GENEA23, out of a clone on this machine, with our parameters."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from llavataros.benchmark.train_parity import Form
from llavataros.benchmark.train_task import Task
from llavataros_jax.errors import UserError

_FILE, _CLASS = "models/CrossAttentiveTransformerXL.py", "CrossAttentiveTransformerXL"


class Ancestor(nn.Module):
    """Its network, called as ours in PyTorch is; its code is run as it stands in the clone."""

    def __init__(self, clone: Path, task: Task):
        """Runs the clone's file of the network.

        Raises:
            UserError: When the clone has no such file or its network cannot be made.
        """
        super().__init__()
        config, sizes = task.config, task.sizes
        try:
            spec = importlib.util.spec_from_file_location("ancestor_network", clone / _FILE)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self.network = getattr(module, _CLASS)(
                n_encoder_layer=config.self_blocks,
                n_decoder_layer=config.cross_blocks,
                n_head=config.heads,
                d_model=config.d_model,
                d_head=config.d_head,
                d_inner=config.d_inner,
                dropout=config.dropout,
                dropatt=0.0,
                tgt_len=config.segment_frames + 1,
                ext_len=0,
                mem_len=config.memory_frames,
                pose_size=sizes.pose,
                num_speaker=sizes.speakers,
                speaker_emb_size=config.d_speaker,
                text_embedding_size=sizes.text,
                audio_embedding_size=sizes.audio,
            )
        except (OSError, ImportError, AttributeError, TypeError, SyntaxError) as problem:
            raise UserError(
                f"UEA_REPO={clone} is no clone of UEA-DH-GENEA23 whose {_FILE} can be run "
                f"({type(problem).__name__}: {problem}); correct it or unset it"
            ) from problem
        self.audio = sizes.audio

    def forward(
        self,
        main: Tensor,
        other: Tensor,
        main_speaker: Tensor,
        other_speaker: Tensor,
        memory: list[Tensor],
    ) -> tuple[Tensor, list[Tensor]]:
        """Returns poses and memory."""
        frames, audio = main.shape[1], self.audio
        return self.network(
            audio=main[..., :audio],
            text=main[..., audio:],
            speaker_id=main_speaker[:, None].expand(-1, frames),
            inter_audio=other[..., :audio],
            inter_text=other[..., audio:],
            inter_speaker_id=other_speaker[:, None].expand(-1, frames),
            mems=memory,
        )


def _memory(hidden: Tensor) -> list[Tensor]:
    """Returns streams (M, B, D); after ours comes one that nothing reads."""
    streams = [stream.contiguous() for stream in hidden.permute(1, 2, 0, 3)]
    return [*streams, torch.zeros_like(streams[0])]


def _tensors(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
    join = params["frontend"]["join"]
    pieces = [join[f"from_{name}"]["kernel"] for name in ("speaker", "audio", "words")]
    tensors = {
        "speaker_embedding.weight": params["speakers"],
        "feature_embedding.weight": np.concatenate(pieces).T,
        "feature_embedding.bias": join["from_speaker"]["bias"],
        "r_w_bias": params["content_bias"],
        "r_r_bias": params["position_bias"],
        "decoder.weight": np.transpose(params["output"]["kernel"]),
        "decoder.bias": params["output"]["bias"],
    }
    for ours, theirs in (("self_blocks", "encoder_layers"), ("cross_blocks", "decoder_layers")):
        for number, block in params[ours].items():
            for name, tensor in _block(block, is_self=ours == "self_blocks").items():
                tensors[f"{theirs}.{number}.{name}"] = tensor
    return {f"network.{name}": np.ascontiguousarray(x) for name, x in tensors.items()}


def _block(block: Mapping[str, Any], *, is_self: bool) -> dict[str, np.ndarray]:
    attention, layer = block["attention"], block["feed_forward"]
    query, key, value, position = (
        np.reshape(attention[name]["kernel"], (len(attention[name]["kernel"]), -1)).T
        for name in ("query", "key", "value", "position")
    )
    out = np.asarray(attention["output"]["kernel"])
    inward = (
        {"qkv_net": np.concatenate([query, key, value])}
        if is_self
        else {"q_net": query, "kv_net": np.concatenate([key, value])}
    )
    inward |= {"r_net": position, "o_net": out.reshape(-1, out.shape[-1]).T}
    tensors = {f"dec_attn.{name}.weight": x for name, x in inward.items()}
    for place, norm in (("dec_attn", "attention_norm"), ("pos_ff", "feed_forward_norm")):
        tensors[f"{place}.layer_norm.weight"] = block[norm]["scale"]
        tensors[f"{place}.layer_norm.bias"] = block[norm]["bias"]
    for number, name in ((0, "expand"), (3, "contract")):
        tensors[f"pos_ff.CoreNet.{number}.weight"] = np.transpose(layer[name]["kernel"])
        tensors[f"pos_ff.CoreNet.{number}.bias"] = layer[name]["bias"]
    return tensors


ANCESTOR = Form(
    tensors=_tensors,
    memory=_memory,
    hidden=lambda memory: torch.stack(list(memory[:-1])).permute(2, 0, 1, 3),
)
