"""Forms of motion files that are written for other programs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.rig.body import body
from llavataros_jax.rig.bvh_names import with_names
from llavataros_jax.rig.glb import write_motion_glb
from llavataros_jax.rig.nine_joints import on_nine_joints
from llavataros_jax.rig.shoulders import shrugging_motion
from llavataros_jax.rig.smplx_writer import write_smplx
from llavataros_jax.rig.usd import write_usd
from llavataros_jax.rig.vrma import write_vrma


@dataclass(frozen=True)
class FormOptions:
    """How a form is written.

    Attributes:
        names: How joints are called, where a form has names: one of `bvh_names.NAMES`.
        with_body: Draw a person around the skeleton, where a form can.
    """

    names: str = "own"
    with_body: bool = True


@dataclass(frozen=True)
class Form:
    """A form of motion files.

    Attributes:
        suffix: Of its files; what stands before the dot belongs to the name.
        about: What it is, in a few words.
        writer: Writes a motion under a name of its own; returns what the user should know.
        has_names: Whether joints are called by names in it, so that `names` has an effect.
    """

    suffix: str
    about: str
    writer: Callable[[Path, Motion, str, FormOptions], str | None]
    has_names: bool = False

    def write(
        self, path: Path, motion: Motion, name: str, options: FormOptions | None = None
    ) -> tuple[str, ...]:
        """Writes a motion, atomically.

        Args:
            path: Where.
            motion: What moves.
            name: What it is called inside files that name it.
            options: How; the usual way if not given.

        Returns:
            What the user should know.

        Raises:
            UserError: When the motion cannot be told in this form.
        """
        note = self.writer(path, motion, name, options or FormOptions())
        return (note,) if note else ()


def _glb(path: Path, motion: Motion, name: str, options: FormOptions) -> str | None:
    told, with_body, note = _drawn(motion, options)
    write_motion_glb(path, told, name=name, with_body=with_body)
    return note


def _usd(path: Path, motion: Motion, name: str, options: FormOptions) -> str | None:
    told, with_body, note = _drawn(motion, options)
    write_usd(path, told, name=name, with_body=with_body)
    return note


def _vrma(path: Path, motion: Motion, name: str, options: FormOptions) -> None:
    write_vrma(path, shrugging_motion(motion), name=name)


def _bvh(path: Path, motion: Motion, name: str, options: FormOptions) -> None:
    write_bvh(path, _named(motion, options))


def _smplx(path: Path, motion: Motion, name: str, options: FormOptions) -> None:
    write_smplx(path, shrugging_motion(motion), model="smplx")


def _smplh(path: Path, motion: Motion, name: str, options: FormOptions) -> None:
    write_smplx(path, shrugging_motion(motion), model="smplh")


def _npy(path: Path, motion: Motion, name: str, options: FormOptions) -> str:
    write_npy(path, on_nine_joints(motion))
    return f"a .npy does not say its rate: it is {motion.fps:g} frames per second"


def _named(motion: Motion, options: FormOptions) -> Motion:
    if options.names == "own":
        return motion
    return with_names(shrugging_motion(motion), options.names)


def _drawn(motion: Motion, options: FormOptions) -> tuple[Motion, bool, str | None]:
    """Returns what is written, whether with a body, and why without."""
    told = _named(motion, options)
    if options.with_body:
        try:
            body(told.skeleton)
        except UserError as refusal:  # a hand, or a horse
            return told, False, f"no body is drawn around it: {refusal}"
    return told, options.with_body, None


FORMS = {
    "glb": Form(".glb", "a simple person that moves", _glb, has_names=True),
    "vrma": Form(".vrma", "an animation for any VRM", _vrma),
    "bvh": Form(".bvh", "a skeleton for Blender, MotionBuilder, Maya", _bvh, has_names=True),
    "smplx": Form("_smplx.npz", "SMPL-X as AMASS and BEAT2 keep it", _smplx),
    "smplh": Form("_smplh.npz", "SMPL-H", _smplh),
    "usd": Form(".usdc", "USD with skeleton and person, binary", _usd, has_names=True),
    "usda": Form(".usda", "the same as text", _usd, has_names=True),
    "usdz": Form(".usdz", "the same in one package", _usd, has_names=True),
    "npy": Form(".npy", "the nine joints of AvatarOS", _npy),
}
