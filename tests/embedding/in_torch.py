"""The autoencoder in PyTorch, as the GENEA numerical evaluations describe it."""

import numpy as np
import torch
from torch import nn

from llavataros_jax.embedding.layout import ARRAYS, LAYERS


class InTorch(nn.Module):
    """Has the names of a checkpoint."""

    def __init__(self, frames: int, dims: int):
        super().__init__()
        left = (frames - 8) // 2 - 1
        self.pose_encoder = nn.ModuleDict(
            {
                "net": nn.Sequential(
                    _block(dims, 128, 3, 1),
                    _block(128, 64, 3, 1),
                    _block(64, 64, 4, 2),
                    nn.Conv1d(64, 32, 3),
                ),
                "out_net": nn.Sequential(
                    *(nn.Linear(32 * left, 256), nn.BatchNorm1d(256), nn.LeakyReLU(True)),
                    *(nn.Linear(256, 128), nn.BatchNorm1d(128), nn.LeakyReLU(True)),
                    nn.Linear(128, 32),
                ),
            }
        )
        self.decoder = nn.ModuleDict(
            {
                "pre_net": nn.Sequential(
                    *(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.LeakyReLU(True)),
                    nn.Linear(64, 4 * frames),
                ),
                "net": nn.Sequential(
                    *(nn.ConvTranspose1d(4, 32, 3), nn.BatchNorm1d(32), nn.LeakyReLU(0.2)),
                    *(nn.ConvTranspose1d(32, 32, 3), nn.BatchNorm1d(32), nn.LeakyReLU(0.2)),
                    *(nn.Conv1d(32, 32, 3), nn.Conv1d(32, dims, 3)),
                ),
            }
        )

    def forward(self, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns features and reconstruction."""
        x = self.pose_encoder["net"](windows.transpose(1, 2)).flatten(1)
        features = self.pose_encoder["out_net"](x)
        x = self.decoder["pre_net"](features).view(len(x), 4, -1)
        return features, self.decoder["net"](x).transpose(1, 2)


def loaded(oracle: InTorch, weights) -> InTorch:
    """Gives the network our weights, by the path of each."""
    state = oracle.state_dict()
    for path, place, kind in LAYERS:
        for ours, theirs in ARRAYS[kind]:
            array = np.asarray(weights[f"{path}.{ours}"])
            if ours == "kernel" and kind == "conv":
                array = array.transpose(2, 1, 0)
            elif ours == "kernel" and kind == "transposed":
                array = array[::-1].transpose(1, 2, 0)
            elif ours == "kernel":
                array = array.T
            state[f"{place}.{theirs}"] = torch.tensor(array.copy())
    oracle.load_state_dict(state)
    return oracle


def _block(inputs: int, outputs: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, width, stride), nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2)
    )
