"""Files of positions: an `.npz` with an array (frames, joints, 3) for each clip."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.motion.body_size import UNITS, body_size
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories, of_positions
from llavataros_jax.motion.upright import up_axis

# Keys that are no clips, as the arrays of the GENEA Challenge 2020 have them.
NAMES, RATE = "joint_names", "fps"


class PositionFile:
    """The clips of one file, each read when it is asked for.

    Attributes:
        path: The file.
        clips: Names of the clips, in the file's order.
        joints: Names of the joints, in the file's order.
        fps: Frames per second.
        metres_per_unit: Length of the file's unit.
        skeleton: Joints and the bones that were found between them.
    """

    def __init__(
        self,
        path: Path,
        *,
        names: Sequence[str] | None = None,
        fps: float | None = None,
        metres_per_unit: float | None = None,
        beside: str | None = None,
        facing: bool = False,
        like: Skeleton | None = None,
    ) -> None:
        """Opens a file and looks at its first clip.

        Args:
            path: `.npz` without pickled objects; keys `joint_names` and `fps` describe all clips.
            names: Names of the joints; go before what the file says.
            fps: Rate; goes before what the file says.
            metres_per_unit: Length of the unit; when not given, it is found by the body's size.
            beside: Joint beside which all places are, frame by frame; that of the file if None.
            facing: Turn every clip about the vertical so that its shoulders face z on the mean.
            like: Skeleton of the motion that this one is compared with.

        Raises:
            UserError: When the file cannot be read, does not say what it must, or has no clip.
        """
        self.path = Path(path)
        if metres_per_unit is not None and not metres_per_unit > 0:
            raise UserError(f"--metres-per-unit {metres_per_unit:g} is no length; 0.01 is usual")
        arrays = self._open()
        with arrays:
            self.clips = tuple(key for key in arrays.files if key not in (NAMES, RATE))
            stated_names = arrays[NAMES] if NAMES in arrays.files else None
            stated_fps = arrays[RATE] if RATE in arrays.files else None
        if not self.clips:
            raise UserError(f"{path} holds no clip; it needs an array (frames, joints, 3) for each")
        self.joints = self._names(names, stated_names)
        self.fps = self._rate(fps, stated_fps)
        if beside is not None and beside not in self.joints:
            raise UserError(
                f"--beside {beside}: {path} has no such joint; it has {', '.join(self.joints)}"
            )
        self._beside, self._facing = beside, facing
        first = self._read(self.clips[0], 1.0, like)
        self.metres_per_unit = metres_per_unit or self._unit(first)
        self.skeleton = first.skeleton

    def read(self, clip: str) -> Trajectories:
        """Reads a clip.

        Raises:
            UserError: When it is no motion of these joints, or a number is not finite.
        """
        return self._read(clip, self.metres_per_unit, self.skeleton)

    def _open(self) -> np.lib.npyio.NpzFile:
        try:
            arrays = np.load(self.path, allow_pickle=False)
        except FileNotFoundError:
            raise UserError(f"{self.path} does not exist; name a file of positions") from None
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as problem:
            raise UserError(
                f"{self.path} is no .npz of plain arrays ({problem}); write it with np.savez"
            ) from None
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise UserError(f"{self.path} is a single array; write it with np.savez, named by clip")
        return arrays

    def _array(self, clip: str) -> Float[np.ndarray, "T J 3"]:
        with self._open() as arrays:
            try:
                found = arrays[clip]
            except (OSError, EOFError, ValueError, zipfile.BadZipFile) as problem:
                raise UserError(f"{self.path}: clip {clip} cannot be read ({problem})") from None
        if found.dtype.kind not in "fiu":
            raise UserError(f"{self.path}: clip {clip} holds {found.dtype}, where numbers must be")
        joints = len(self.joints)
        if found.ndim != 3 or found.shape[1:] != (joints, 3) or not len(found):
            raise UserError(
                f"{self.path}: clip {clip} has shape {found.shape}, but must be (frames, {joints}, "
                f"3): x y z of its {joints} joints"
            )
        return found.astype(np.float64)

    def _names(self, given: Sequence[str] | None, stated: np.ndarray | None) -> tuple[str, ...]:
        if given is not None:
            names = tuple(given)
        elif stated is not None:
            names = tuple(map(str, stated.ravel()))
        else:
            raise UserError(
                f"{self.path} does not name its joints with the key {NAMES}; name them in order "
                "with --names"
            )
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(
                f"{self.path}: several joints are called {listed(doubled, 3)}; name each otherwise "
                "with --names"
            )
        return names

    def _rate(self, given: float | None, stated: np.ndarray | None) -> float:
        if given is not None:
            return given
        if stated is None:
            raise UserError(
                f"{self.path} does not say its rate with the key {RATE}; state it with --fps"
            )
        if stated.size != 1 or stated.dtype.kind not in "fiu" or not stated.item() > 0:
            raise UserError(f"{self.path}: {RATE} is {stated}, not a rate; state it with --fps")
        return float(stated.item())

    def _read(self, clip: str, metres_per_unit: float, like: Skeleton | None) -> Trajectories:
        found = self._array(clip)
        try:
            motion = of_positions(metres_per_unit * found, self.fps, self.joints, like=like)
        except UserError as refusal:
            raise UserError(f"{self.path}, clip {clip}: {refusal}") from refusal
        if self._beside is not None:
            middle = motion.skeleton.names.index(self._beside)
            motion = motion.moved(motion.positions - motion.positions[:, [middle]])
        return self._faced(motion, clip) if self._facing else motion

    def _faced(self, motion: Trajectories, clip: str) -> Trajectories:
        roles = joint_roles(motion.skeleton)
        left, right = (roles.find("upperarm", side) for side in ("left", "right"))
        if min(left, right) < 0:
            raise UserError(
                f"{self.path}: no joints are called left and right shoulder or upper arm, so "
                "--facing cannot turn the body by them"
            )
        across = (motion.positions[:, left] - motion.positions[:, right]).mean(axis=0)
        length = np.hypot(across[0], across[2])
        if not length > 0:
            raise UserError(f"{self.path}, clip {clip}: its shoulders face nowhere on the mean")
        cosine, sine = across[[0, 2]] / length
        # About y, left shoulders then lie at positive x.
        turn = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
        return motion.moved(motion.positions @ turn.T)

    def _unit(self, motion: Trajectories) -> float:
        """Returns metres per unit of a motion that was read as if in metres."""
        # Size and upright stance are read off places; rotations are only asked for by form.
        turns = np.broadcast_to([0.0, 0.0, 0.0, 1.0], (*motion.positions.shape[:2], 4))
        frames = np.concatenate([motion.positions, turns], axis=2)
        body = Motion(frames, motion.fps, motion.skeleton)
        size = body_size(body)
        unit = size.unit(1.0) if size else None
        if unit is None:
            raise UserError(
                f"{self.path}: nobody's body has this size in any usual unit, so its unit is not "
                "known; state it with --metres-per-unit, as 0.01 for centimetres"
            )
        up = up_axis(body)
        if up not in (None, "y"):
            raise UserError(f"{self.path}: its {up} axis points up, where y must; turn it first")
        return UNITS[unit]
