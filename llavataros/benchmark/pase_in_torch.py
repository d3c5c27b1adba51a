"""PASE+ in PyTorch, from the same description as ours: what ours is timed and tested beside."""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from llavataros_jax.pase.layout import CHANNELS, KERNELS, SKIPS, STRIDES, padding
from llavataros_jax.pase.sinc import sinc_filters

_EPSILON = 1e-5


class TorchPase:
    """The front end in evaluation mode, channels first as PyTorch has them."""

    def __init__(self, tensors: Mapping[str, np.ndarray], dtype: torch.dtype = torch.float32):
        """Takes the checkpoint's tensors by name."""
        filters = sinc_filters(tensors["blocks.0.conv.low_hz_"], tensors["blocks.0.conv.band_hz_"])
        named = {**tensors, "blocks.0.conv.weight": filters[:, None]}
        self.tensors = {
            name: torch.from_numpy(np.ascontiguousarray(array)).to(dtype)
            for name, array in named.items()
        }
        self.dtype = dtype

    @torch.inference_mode()
    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Encodes recordings of equal length, (B, T), to (B, L, 256)."""
        of = self.tensors
        x = torch.from_numpy(np.ascontiguousarray(samples)).to(self.dtype)[:, None]
        outputs = []
        for number in range(len(CHANNELS)):
            x = functional.pad(x, padding(KERNELS[number], STRIDES[number]), mode="reflect")
            here = f"blocks.{number}"
            bias = of.get(f"{here}.conv.bias")
            x = functional.conv1d(x, of[f"{here}.conv.weight"], bias, stride=STRIDES[number])
            x = functional.batch_norm(
                x,
                of[f"{here}.norm.running_mean"],
                of[f"{here}.norm.running_var"],
                of[f"{here}.norm.weight"],
                of[f"{here}.norm.bias"],
                eps=_EPSILON,
            )
            x = functional.prelu(x, of[f"{here}.act.weight"])
            outputs.append(x)
        y = functional.conv1d(self._recurrence(x), of["W.weight"], of["W.bias"])
        steps = y.shape[-1]
        for number in range(SKIPS):
            group = outputs[number].shape[-1] // steps
            pooled = functional.avg_pool1d(outputs[number], group)[..., :steps]
            y = y + functional.conv1d(pooled, of[f"denseskips.{number}.weight"])
        y = functional.batch_norm(
            y, of["norm_out.running_mean"], of["norm_out.running_var"], eps=_EPSILON
        )
        return y.transpose(1, 2).numpy()

    def _recurrence(self, x: torch.Tensor) -> torch.Tensor:
        of, x = self.tensors, x.transpose(1, 2)
        before = functional.pad(x, (0, 0, 1, 0))[:, :-1]
        gates = functional.linear(
            torch.cat([x, before], dim=-1),
            of["rnn.layers.0.linear.weight"],
            of["rnn.layers.0.linear.bias"],
        )
        value, fresh, output = gates.chunk(3, dim=-1)
        value, fresh = value.tanh(), fresh.sigmoid()
        added, cell, cells = fresh * value, torch.zeros_like(value[:, 0]), []
        for step in range(x.shape[1]):
            cell = added[:, step] + (1 - fresh[:, step]) * cell
            cells.append(cell)
        return (output.sigmoid() * torch.stack(cells, dim=1)).transpose(1, 2)
