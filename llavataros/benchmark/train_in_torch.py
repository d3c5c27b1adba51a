"""The published network and its training step in PyTorch, as what ours is timed beside.

Written from the equations of the cross-attentive Transformer-XL, the way an efficient PyTorch
program has them: fused projections, the products of attention as `baddbmm` on a CPU and
`scaled_dot_product_attention` with the position term as its bias on a GPU (each the faster one
there), fused AdamW, autocast. The shift of the position term is a view, because the product that
makes it puts a column of zeros in front.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from llavataros_jax.config import ModelConfig, OptimizerConfig
from llavataros_jax.model import Sizes

# What autocast takes the matrix products in; None leaves them as they are.
AUTOCAST = {"float32": None, "tf32": None, "bfloat16": torch.bfloat16}
FLOAT32 = {"float32": "highest", "tf32": "high", "bfloat16": "highest"}


class Segment(NamedTuple):
    """A segment of all lanes: features of each frame of both people, speakers, and the target.

    Attributes:
        main: (B, T, A + E) audio and text of the main speaker.
        other: The interlocutor's.
        main_speaker: (B,) numbers.
        other_speaker: The interlocutor's.
        target: (B, T, P) normalised poses.
    """

    main: Tensor
    other: Tensor
    main_speaker: Tensor
    other_speaker: Tensor
    target: Tensor


class Attention(nn.Module):
    """Relative attention from the segment to memory and segment, heads first: (N, B, T, H)."""

    def __init__(self, config: ModelConfig, *, fused: bool):
        super().__init__()
        d, width = config.d_model, config.heads * config.d_head
        self.heads, self.scale, self.fused = config.heads, config.d_head**-0.5, fused
        self.query = nn.Linear(d, width, bias=False)
        self.key_value = nn.Linear(d, 2 * width, bias=False)
        self.position = nn.Linear(d, width, bias=False)
        self.output = nn.Linear(width, d, bias=False)

    def forward(
        self,
        queries: Tensor,
        keys: Tensor,
        distances: Tensor,
        content_bias: Tensor,
        position_bias: Tensor,
        hidden: Tensor,
    ) -> Tensor:
        """Attends; `hidden` is (T, S), minus infinity where a query may not look."""
        lanes, frames, _ = queries.shape
        span = keys.shape[1]
        query = self.query(queries).unflatten(-1, (self.heads, -1)).permute(2, 0, 1, 3) * self.scale
        key, value = self.key_value(keys).unflatten(-1, (2, self.heads, -1)).permute(2, 3, 0, 1, 4)
        position = self.position(distances).unflatten(-1, (self.heads, -1)).permute(1, 2, 0)
        asked = (query + self.scale * position_bias[:, None, None]).flatten(1, 2)
        by_distance = torch.bmm(asked, functional.pad(position, (1, 0)))
        by_key = by_distance.view(self.heads, lanes, span + 1, frames)[:, :, 1:]
        bias = by_key.reshape(self.heads, lanes, frames, span)
        query = query + self.scale * content_bias[:, None, None]
        if self.fused:
            answer = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=bias + hidden, scale=1.0
            )
        else:
            query, key, value, bias = (part.flatten(0, 1) for part in (query, key, value, bias))
            scores = torch.baddbmm(bias, query, key.transpose(1, 2)) + hidden
            answer = torch.bmm(scores.softmax(-1), value).unflatten(0, (self.heads, lanes))
        return self.output(answer.permute(1, 2, 0, 3).flatten(-2))


class Block(nn.Module):
    """Attention and a feed-forward layer, each added to its input and normalised after."""

    def __init__(self, config: ModelConfig, *, fused: bool):
        super().__init__()
        d, rate = config.d_model, config.dropout
        self.attention = Attention(config, fused=fused)
        self.attention_norm = nn.LayerNorm(d)
        self.feed_forward = nn.Sequential(
            *(nn.Linear(d, config.d_inner), nn.ReLU(), nn.Dropout(rate)),
            *(nn.Linear(config.d_inner, d), nn.Dropout(rate)),
        )
        self.feed_forward_norm = nn.LayerNorm(d)
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor, keys: Tensor, *positions: Tensor) -> Tensor:
        """Returns the block's output for the residual stream `x`, which also asks."""
        x = self.attention_norm(x + self.drop(self.attention(x, keys, *positions)))
        return self.feed_forward_norm(x + self.feed_forward(x))


class TorchNetwork(nn.Module):
    """From features and memory (L, B, M, D) to normalised poses and the next memory.

    The memory is full from the start, so that all segments have one shape. As in the published
    code, the first cross block remembers the main encoder (spec section 2.6, quirk A).
    """

    def __init__(self, config: ModelConfig, sizes: Sizes, *, fused: bool):
        super().__init__()
        d, inputs = config.d_model, config.d_speaker + sizes.audio + sizes.text
        self.speakers = nn.Embedding(sizes.speakers, config.d_speaker)
        self.join = nn.Linear(inputs, d)
        self.content_bias = nn.Parameter(torch.zeros(config.heads, config.d_head))
        self.position_bias = nn.Parameter(torch.zeros(config.heads, config.d_head))
        self.self_blocks, self.cross_blocks = (
            nn.ModuleList(Block(config, fused=fused) for _ in range(count))
            for count in (config.self_blocks, config.cross_blocks)
        )
        self.output = nn.Linear(d, sizes.pose)
        self.drop = nn.Dropout(config.dropout)
        self.memory_frames = config.memory_frames
        frames, keys = config.segment_frames, config.memory_frames + config.segment_frames
        rate = 10000.0 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
        angle = torch.arange(keys - 1, -1, -1, dtype=torch.float64)[:, None] * rate
        self.register_buffer("distances", torch.cat([angle.sin(), angle.cos()], 1).float())
        back = torch.arange(frames)[:, None] + config.memory_frames - torch.arange(keys)
        visible = (back >= 0) & (back < config.span)
        self.register_buffer("hidden", torch.zeros(frames, keys).masked_fill(~visible, -torch.inf))

    def forward(
        self,
        main: Tensor,
        other: Tensor,
        main_speaker: Tensor,
        other_speaker: Tensor,
        memory: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Returns poses (B, T, P) and memory (L, B, M, D)."""
        positions = (
            self.drop(self.distances),
            self.content_bias,
            self.position_bias,
            self.hidden,
        )
        x, remembered, streams = self._embed(main, main_speaker), list(memory), []
        for block in self.self_blocks:
            streams.append(x)
            x = block(x, torch.cat([remembered[len(streams) - 1], x], 1), *positions)
        encoded, x = x, self._embed(other, other_speaker)
        for number, block in enumerate(self.cross_blocks):
            streams.append(x if number else encoded)
            x = block(encoded, torch.cat([remembered[len(streams) - 1], x], 1), *positions)
        with torch.no_grad():
            new = torch.stack([stream.float() for stream in streams])
            memory = torch.cat([memory, new], 2)[:, :, -self.memory_frames :]
        return self.output(self.drop(x)), memory

    def _embed(self, features: Tensor, speaker: Tensor) -> Tensor:
        named = self.speakers(speaker)[:, None].expand(-1, features.shape[1], -1)
        return self.drop(self.join(torch.cat([named, features], -1)))


def from_ours(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns our parameters, or gradients by them, by the names of `TorchNetwork`."""
    join = params["frontend"]["join"]
    pieces = [join[f"from_{name}"]["kernel"] for name in ("speaker", "audio", "words")]
    tensors = {
        "speakers.weight": params["speakers"],
        "join.weight": np.concatenate(pieces).T,
        "join.bias": join["from_speaker"]["bias"],
        "content_bias": params["content_bias"],
        "position_bias": params["position_bias"],
        "output.weight": np.transpose(params["output"]["kernel"]),
        "output.bias": params["output"]["bias"],
    }
    for kind in ("self_blocks", "cross_blocks"):
        for number, block in params[kind].items():
            tensors |= {f"{kind}.{number}.{name}": x for name, x in _block(block).items()}
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _block(block: Mapping[str, Any]) -> dict[str, np.ndarray]:
    attention, layer = block["attention"], block["feed_forward"]

    def inward(name: str) -> np.ndarray:
        kernel = np.asarray(attention[name]["kernel"])
        return kernel.reshape(len(kernel), -1).T

    out = np.asarray(attention["output"]["kernel"])
    return {
        "attention.query.weight": inward("query"),
        "attention.key_value.weight": np.concatenate([inward("key"), inward("value")]),
        "attention.position.weight": inward("position"),
        "attention.output.weight": out.reshape(-1, out.shape[-1]).T,
        "attention_norm.weight": block["attention_norm"]["scale"],
        "attention_norm.bias": block["attention_norm"]["bias"],
        "feed_forward.0.weight": np.transpose(layer["expand"]["kernel"]),
        "feed_forward.0.bias": layer["expand"]["bias"],
        "feed_forward.3.weight": np.transpose(layer["contract"]["kernel"]),
        "feed_forward.3.bias": layer["contract"]["bias"],
        "feed_forward_norm.weight": block["feed_forward_norm"]["scale"],
        "feed_forward_norm.bias": block["feed_forward_norm"]["bias"],
    }


class TorchTraining:
    """A network in PyTorch with its optimiser and memory: forward, rotation L1, backward, AdamW."""

    def __init__(
        self,
        network: nn.Module,
        memory: Any,
        options: OptimizerConfig,
        segments: Sequence[Segment],
        device: str,
        *,
        fused: bool = True,
    ):
        self.network, self.memory, self.device = network.to(device).train(), memory, device
        self.segments = [Segment(*(part.to(device) for part in s)) for s in segments]
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            eps=options.epsilon,
            weight_decay=options.weight_decay,
            fused=fused,
        )
        self.steps = 0

    def step(self, forward: Any, compute_dtype: str) -> float:
        """Learns from the next segment; `forward` is the network or what was compiled of it."""
        segment = self.segments[self.steps % len(self.segments)]
        self.steps += 1
        self.optimizer.zero_grad(set_to_none=True)
        torch.set_float32_matmul_precision(FLOAT32[compute_dtype])
        dtype = AUTOCAST[compute_dtype]
        with torch.autocast(self.device, dtype=dtype, enabled=dtype is not None):
            pose, self.memory = forward(*segment[:4], self.memory)
        loss = functional.l1_loss(pose.float(), segment.target)
        loss.backward()
        self.optimizer.step()
        return loss.item()  # waits for the device
