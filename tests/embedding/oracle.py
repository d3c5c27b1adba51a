"""GENEA's autoencoder in plain NumPy and double precision, from a checkpoint's own names."""

from collections import OrderedDict

import numpy as np


def seeded_state(frames: int, dims: int, seed: int = 0) -> "OrderedDict[str, np.ndarray]":
    """Draws a checkpoint's weights, with statistics that are not the initial ones."""
    random = np.random.default_rng(seed)
    left = (frames - 8) // 2 - 1
    convs = {
        "pose_encoder.net.0.0": (128, dims, 3),
        "pose_encoder.net.1.0": (64, 128, 3),
        "pose_encoder.net.2.0": (64, 64, 4),
        "pose_encoder.net.3": (32, 64, 3),
        "pose_encoder.out_net.0": (256, 32 * left),
        "pose_encoder.out_net.3": (128, 256),
        "pose_encoder.out_net.6": (32, 128),
        "decoder.pre_net.0": (64, 32),
        "decoder.pre_net.3": (4 * frames, 64),
        "decoder.net.0": (4, 32, 3),
        "decoder.net.3": (32, 32, 3),
        "decoder.net.6": (32, 32, 3),
        "decoder.net.7": (dims, 32, 3),
    }
    norms = {
        "pose_encoder.net.0.1": 128,
        "pose_encoder.net.1.1": 64,
        "pose_encoder.net.2.1": 64,
        "pose_encoder.out_net.1": 256,
        "pose_encoder.out_net.4": 128,
        "decoder.pre_net.1": 64,
        "decoder.net.1": 32,
        "decoder.net.4": 32,
    }
    state = OrderedDict()
    for name, shape in convs.items():
        transposed = name in ("decoder.net.0", "decoder.net.3")
        state[f"{name}.weight"] = random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        state[f"{name}.bias"] = 0.1 * random.normal(size=shape[1] if transposed else shape[0])
    for name, size in norms.items():
        state[f"{name}.weight"] = random.uniform(0.5, 1.5, size)
        state[f"{name}.bias"] = 0.3 * random.normal(size=size)
        state[f"{name}.running_mean"] = 0.3 * random.normal(size=size)
        state[f"{name}.running_var"] = random.uniform(0.3, 2, size)
        state[f"{name}.num_batches_tracked"] = np.array(7)
    return OrderedDict(
        (name, array.astype(np.int64 if array.ndim == 0 else np.float32))
        for name, array in state.items()
    )


def checkpoint(frames: int, dims: int, seed: int = 0) -> dict:
    """Returns what `train_AE.py` saves."""
    return {"pose_dim": dims, "n_frames": frames, "gen_dict": seeded_state(frames, dims, seed)}


def run(state, windows: np.ndarray, *, dense_slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns features and reconstruction of (N, n, d) windows, by running statistics."""

    def bent(x, slope):
        return np.where(x >= 0, x, slope * x)

    def norm(x, name):
        def column(key):
            values = state[f"{name}.{key}"].astype(np.float64)
            return values[:, None] if x.ndim == 3 else values

        scaled = (x - column("running_mean")) / np.sqrt(column("running_var") + 1e-5)
        return scaled * column("weight") + column("bias")

    def conv(x, name, stride=1):
        weight = state[f"{name}.weight"].astype(np.float64)
        slices = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2], axis=2)[
            :, :, ::stride
        ]
        return np.einsum("nclk,ock->nol", slices, weight) + state[f"{name}.bias"][:, None]

    def transposed(x, name):
        weight = state[f"{name}.weight"].astype(np.float64)
        width = weight.shape[2]
        y = np.zeros((len(x), weight.shape[1], x.shape[2] + width - 1))
        for tap in range(width):
            y[:, :, tap : tap + x.shape[2]] += np.einsum("ncl,co->nol", x, weight[:, :, tap])
        return y + state[f"{name}.bias"][:, None]

    def dense(x, name):
        return x @ state[f"{name}.weight"].astype(np.float64).T + state[f"{name}.bias"]

    x = windows.astype(np.float64).transpose(0, 2, 1)
    for at, stride in ((0, 1), (1, 1), (2, 2)):
        place = f"pose_encoder.net.{at}"
        x = bent(norm(conv(x, f"{place}.0", stride), f"{place}.1"), 0.2)
    x = conv(x, "pose_encoder.net.3").reshape(len(x), -1)
    for at in (0, 3):
        place = "pose_encoder.out_net"
        x = bent(norm(dense(x, f"{place}.{at}"), f"{place}.{at + 1}"), dense_slope)
    features = dense(x, "pose_encoder.out_net.6")
    x = bent(norm(dense(features, "decoder.pre_net.0"), "decoder.pre_net.1"), dense_slope)
    x = dense(x, "decoder.pre_net.3").reshape(len(x), 4, -1)
    for at in (0, 3):
        x = bent(norm(transposed(x, f"decoder.net.{at}"), f"decoder.net.{at + 1}"), 0.2)
    x = conv(conv(x, "decoder.net.6"), "decoder.net.7")
    return features, x.transpose(0, 2, 1)
