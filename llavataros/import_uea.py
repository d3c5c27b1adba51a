"""Turns a checkpoint of the ancestor, UEA-DH-GENEA23, into a run, or checks the arithmetic."""

import argparse
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.ancestor.parity import TOLERANCE, TOLERANCE_X64, compare
from llavataros_jax.ancestor.run import SCALER_ONE_LINER, read_codec, write_run
from llavataros_jax.ancestor.weights import LANDMARKS, from_ancestor
from llavataros_jax.errors import UserError, door
from llavataros_jax.pase.checkpoint import load_params
from llavataros_jax.pase.features import STEPS_PER_FRAME
from llavataros_jax.pase.layout import FEATURES
from llavataros_jax.weights.npz import read_npz
from llavataros_jax.weights.torch_file import read_torch
from llavataros_jax.weights.wrapping import unwrapped

EPILOG = f"""\
Import (CKPT is a file of torch.save or an .npz of the same names; neither runs a pickle):

  llavataros import-uea best_model.ckpt --scaler scaler.npz --skeleton genea_header.bvh \\
      --out runs/uea

The ancestor's scaler is a pickle, which runs whatever its author wrote, so it is not read here.
Where you trust it, and with scikit-learn, turn it into plain numbers once:

  {SCALER_ONE_LINER}

Check (no checkpoint needed; exit code 1 above {TOLERANCE:g}, with --x64 above {TOLERANCE_X64:g}):

  llavataros import-uea --check uea_small.npz --x64
"""


PROGRAM = "llavataros import-uea"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, then checks or imports."""
    given = build_parser(prog).parse_args(arguments)
    if given.check:
        return check(given.check, x64=given.x64)
    wanted = ("checkpoint", "scaler", "skeleton", "out")
    if missing := [name for name in wanted if not getattr(given, name)]:
        raise UserError(
            f"an import needs {', '.join(missing).replace('checkpoint', 'CKPT')} as well; see "
            "llavataros import-uea --help"
        )
    if given.audio_size < 1:
        raise UserError(f"--audio-size is {given.audio_size}, but must be positive")
    network = from_ancestor(
        read_weights(given.checkpoint),
        audio_size=given.audio_size,
        memory_frames=given.memory_frames,
        segment_frames=given.segment_frames,
    )
    if given.pase:
        check_pase(given.pase, network.sizes.audio)
    codec, scaler = read_codec(given.skeleton, given.scaler, network)
    write_run(Path(given.out), network, codec, scaler=scaler, pase=given.pase)
    if network.dropped:
        print(f"dropped, because no output depends on them: {', '.join(network.dropped)}")
    count = sum(np.size(leaf) for leaf in _leaves(network.params))
    print(f"wrote {given.out}: {count:,} parameters, {codec.skeleton.num_joints} joints")
    return 0


def check_pase(path: str, audio_size: int) -> None:
    """Reads the checkpoint of PASE+ once, before a run names it.

    Raises:
        UserError: When it cannot be used, or its features are not what the network takes.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        load_params(path)
    for warning in caught:
        print(f"note: {warning.message}", file=sys.stderr)
    size = STEPS_PER_FRAME * FEATURES
    if audio_size != size:
        raise UserError(
            f"--pase gives {size} numbers a frame, but the checkpoint takes --audio-size "
            f"{audio_size}; leave --pase out and bring its features as a file"
        )


def check(path: Path | str, *, x64: bool = False) -> int:
    """Prints the largest differences from an oracle on one line; 1 if they exceed the tolerance."""
    differences = compare(read_npz(path, kind="oracle"), x64=x64)
    tolerance = TOLERANCE_X64 if x64 else TOLERANCE
    passed = differences.largest <= tolerance
    parts = {"pose": max(differences.pose), **differences.memory}
    print(
        f"{'float64' if x64 else 'float32'}, {len(differences.pose)} segments: "
        + ", ".join(f"{name} {value:.2e}" for name, value in parts.items())
        + "; pose by segment "
        + " ".join(f"{value:.2e}" for value in differences.pose)
        + f": {'within' if passed else 'ABOVE'} {tolerance:g}"
    )
    return 0 if passed else 1


def read_weights(path: Path | str) -> dict[str, np.ndarray]:
    """Returns the tensors of a checkpoint by the ancestor's names, floats as float32.

    What DataParallel, `torch.compile`, Lightning and the like put around them is taken off.

    Raises:
        UserError: When the file cannot be read or holds another network.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint {path} does not exist; check the path")
    if path.suffix == ".npz":
        content = read_npz(path, kind="checkpoint")
    else:
        content = read_torch(path, foreign=True)
    weights = unwrapped(content, LANDMARKS, source=str(path), network="UEA-DH-GENEA23")
    return {
        # NumPy knows bfloat16 as bytes of a kind of its own.
        name: value.astype(np.float32) if value.dtype.kind in "fV" else value
        for name, value in weights.items()
    }


def _leaves(tree: Mapping[Any, Any]) -> list[np.ndarray]:
    return [
        leaf
        for value in tree.values()
        for leaf in (_leaves(value) if isinstance(value, dict) else [value])
    ]


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Bring a checkpoint of UEA-DH-GENEA23 along, or check the arithmetic.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", nargs="?", metavar="CKPT", help="checkpoint to import")
    parser.add_argument("--out", metavar="RUN", help="run directory to write")
    parser.add_argument("--scaler", metavar="FILE", help="the scaler's numbers, .npz or .json")
    parser.add_argument("--skeleton", metavar="BVH", help="file with the skeleton's HIERARCHY")
    parser.add_argument("--pase", metavar="CKPT", help="weights of PASE+ (FE_e199.ckpt)")
    sizes = parser.add_argument_group("what tensors cannot tell")
    sizes.add_argument("--audio-size", type=int, default=768, metavar="A", help="audio features")
    sizes.add_argument("--memory-frames", type=int, default=180, metavar="M", help="mem_len")
    sizes.add_argument("--segment-frames", type=int, default=90, metavar="T", help="seq_length")
    parser.add_argument("--check", metavar="ORACLE", help="compare with recorded outputs (.npz)")
    parser.add_argument("--x64", action="store_true", help="compare in float64")
    return parser


if __name__ == "__main__":
    sys.exit(main())
