"""Small embeddings, and motion that they can read."""

import numpy as np

from llavataros_jax.embedding.checkpoint import to_params
from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton
from tests.embedding.oracle import seeded_state

JOINTS = ("hips", "elbow", "hand")
ARM = Skeleton(JOINTS, (-1, 0, 1), np.array([[0, 1.0, 0], [0.3, 0.4, 0], [0.25, 0, 0]]))


def seeded_embedding(frames: int = 14, *, joints=JOINTS, **values) -> Embedding:
    """Returns an embedding with drawn weights."""
    layout, params = to_params(seeded_state(frames, 3 * len(joints)), source="seeded")
    random = np.random.default_rng(1)
    defaults = {
        "layout": layout,
        "params": params,
        "mean": random.normal(size=layout.dims),
        "std": random.uniform(0.1, 2, layout.dims),
        "joints": joints,
        "fps": 30.0,
        "stride_frames": frames // 2,
        "about": {"seed": 0},
    }
    return Embedding(**{**defaults, **values})


def waving(num_frames: int = 60, *, fps: float = 30.0, seed: int = 0) -> Motion:
    """Waves an arm of three joints."""
    random = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None, None] / fps
    turns = 0.6 * np.sin(random.uniform(2, 5, (1, 3, 3)) * time + random.uniform(0, 6, (1, 3, 3)))
    half = np.linalg.norm(turns, axis=-1, keepdims=True) / 2
    quaternions = np.concatenate((np.sinc(half / np.pi) * turns / 2, np.cos(half)), axis=-1)
    root = ARM.offsets[0] + 0.1 * turns[:, 0]
    return motion_from_local(quaternions, ARM.offsets, root, fps=fps, skeleton=ARM)
