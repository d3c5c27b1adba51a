"""Motions to put onto characters: one of the corpus, and one that turns every joint every way."""

import dataclasses
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.skeleton import AVATAROS_9

CORPUS = Path(__file__).parents[2] / "corpus"


def spoken_motion(frames: int = 60) -> Motion:
    """The beginning of a clip of the corpus."""
    return read_npy(CORPUS / "ada_1.npz", fps=None, audio_seconds=None).cut(100, 100 + frames)


def asymmetric_motion(frames: int = 20, *, seed: int = 5) -> Motion:
    """Every joint turned otherwise, the forearms twisted, the hips under way."""
    rng = np.random.default_rng(seed)
    local = []
    for _ in AVATAROS_9.names:
        ends = Rotation.from_rotvec(rng.normal(0, 0.6, (3, 3)))
        local.append(Slerp([0, 0.5, 1], ends)(np.linspace(0, 1, frames)).as_quat())
    local = np.stack(local, axis=1)
    rest = AVATAROS_9.rest_rotations
    parents = [0, *AVATAROS_9.parents[1:]]
    relative = Rotation.from_quat(rest[parents]).inv() * Rotation.from_quat(rest.copy())
    relative = relative.as_quat()
    relative[0] = rest[0]
    for joint in range(len(rest)):
        local[:, joint] = (
            Rotation.from_quat(relative[joint]) * Rotation.from_quat(local[:, joint])
        ).as_quat()
    hips = [0.1, 0.85, -0.2] + 0.1 * np.sin(np.linspace(0, 3, frames)[:, None] + [0, 1, 2])
    return motion_from_local(local, AVATAROS_9.offsets, hips, fps=30.0, skeleton=AVATAROS_9)


def straight(motion: Motion) -> Motion:
    """The same of a body whose left forearm is not a little bent in the T-pose."""
    offsets = AVATAROS_9.offsets.copy()
    offsets[AVATAROS_9.names.index("LeftHand")] = [0.0, 0.26, 0.0]
    return dataclasses.replace(motion, skeleton=dataclasses.replace(AVATAROS_9, offsets=offsets))
