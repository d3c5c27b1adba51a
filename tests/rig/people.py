"""Bodies to test on: hierarchies written as indented text, and motion in which nothing is even."""

import numpy as np
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton


def uneven_motion(
    skeleton: Skeleton = AVATAROS_9, *, frames: int = 12, fps: float = 30.0
) -> Motion:
    """Every joint turns about all axes, left unlike right, with twists; the root walks."""
    random = np.random.default_rng(3)
    joints = skeleton.num_joints
    time = np.linspace(0, 1, frames)[:, None, None]
    wave = np.sin(2 * np.pi * (time + random.random((1, joints, 3)))) * 0.7 + 0.3
    local = Rotation.from_rotvec(wave.reshape(-1, 3)).as_quat().reshape(frames, joints, 4)
    root = skeleton.offsets[0] + 0.05 * wave[:, 0]
    return motion_from_local(local, skeleton.offsets, root, fps=fps, skeleton=skeleton)


def tree(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Reads names and parents: lines hang below those that are indented less, `>` is a chain."""
    names: list[str] = []
    parents: list[int] = []
    path: list[tuple[int, int]] = []  # indentation and joint
    for line in filter(str.strip, text.splitlines()):
        depth = len(line) - len(line.lstrip())
        while path and path[-1][0] >= depth:
            path.pop()
        for name in line.strip().split(" > "):
            parents.append(path[-1][1] if path else -1)
            path.append((depth, len(names)))
            names.append(name)
    return tuple(names), tuple(parents)


# A whole body of 1.7 m in a T-pose, by VRM's names.
T_POSE = {
    "hips": (None, (0.0, 0.90, 0.0)),
    "spine": ("hips", (0.0, 1.00, -0.01)),
    "chest": ("spine", (0.0, 1.15, -0.01)),
    "neck": ("chest", (0.0, 1.40, 0.0)),
    "head": ("neck", (0.0, 1.50, 0.02)),
    "leftShoulder": ("chest", (0.03, 1.36, 0.0)),
    "leftUpperArm": ("leftShoulder", (0.15, 1.36, 0.0)),
    "leftLowerArm": ("leftUpperArm", (0.42, 1.36, 0.0)),
    "leftHand": ("leftLowerArm", (0.66, 1.36, 0.0)),
    "leftIndexProximal": ("leftHand", (0.75, 1.36, 0.03)),
    "leftMiddleProximal": ("leftHand", (0.75, 1.36, 0.0)),
    "leftLittleProximal": ("leftHand", (0.74, 1.36, -0.04)),
    "leftUpperLeg": ("hips", (0.09, 0.86, 0.0)),
    "leftLowerLeg": ("leftUpperLeg", (0.09, 0.47, 0.0)),
    "leftFoot": ("leftLowerLeg", (0.09, 0.08, -0.03)),
    "leftToes": ("leftFoot", (0.09, 0.02, 0.10)),
}


def whole_body() -> tuple[tuple[str, ...], tuple[int, ...], np.ndarray]:
    """Returns names, parents and places of a whole body in a T-pose."""
    bones = dict(T_POSE)
    for name, (parent, (x, y, z)) in T_POSE.items():
        if name.startswith("left"):
            other = str(parent).replace("left", "right")
            bones[name.replace("left", "right")] = (other, (-x, y, z))
    names = tuple(bones)
    parents = tuple(-1 if parent is None else names.index(parent) for parent, _ in bones.values())
    return names, parents, np.array([place for _, place in bones.values()])


def posed(turns: dict[str, Rotation], rolls: Rotation | None = None) -> Skeleton:
    """Returns the whole body resting in another pose, and with other axes in its joints.

    Args:
        turns: By how much bones are turned, in the world's axes and after the bones above them.
        rolls: World rotations of the joints' own axes at rest; none are turned if not given.
    """
    names, parents, places = whole_body()
    world, moved = [], np.array(places)
    for joint, (name, parent) in enumerate(zip(names, parents, strict=True)):
        above = world[parent] if parent >= 0 else Rotation.identity()
        if parent >= 0:
            moved[joint] = moved[parent] + above.apply(places[joint] - places[parent])
        world.append(above * turns.get(name, Rotation.identity()))
    axes = Rotation.concatenate(world) * (rolls or Rotation.identity(len(names)))
    offsets = moved.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            offsets[joint] = axes[parent].inv().apply(moved[joint] - moved[parent])
    return Skeleton(names, parents, offsets, axes.as_quat())
