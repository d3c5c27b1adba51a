"""Computes PASE+ features of a recording: `python -m llavataros_jax.pase --checkpoint … `."""

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llavataros_jax.errors import UserError, door
from llavataros_jax.pase.checkpoint import load_params
from llavataros_jax.pase.features import STEPS_PER_FRAME, count_frames, frame_features
from llavataros_jax.pase.layout import FEATURES, HOP_SAMPLES, SAMPLE_RATE
from llavataros_jax.pase.stream import count_steps, encode_steps
from llavataros_jax.sound.reader import blocks, read_info
from llavataros_jax.weights.npz import write_npz

EPILOG = """\
The result has the key `features`, float32:
  context   (frames, 768): the three steps of each frame, from the whole recording, padded
  isolated  (frames, 768): three steps from 534 samples for each frame (GENEA 2023, UEA)
  raw       (steps, 256): 100 steps a second, as the original program has them: the recording as it
            is, (samples + 9) // 160 steps, of 471 samples at least
  padded    (steps, 256): the same, but zeros fill the recording up to a multiple of 160 samples;
            the last eight steps differ from `raw`, one more may follow, any length will do; where
            151 samples or more are left over, all steps differ
and beside it `mode` and `rate`, the rows per second. Weights trained on one do not fit another.
"""


PROGRAM = "python -m llavataros_jax.pase"


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line, encodes and writes."""
    given = build_parser(prog).parse_args(arguments)
    if not 0 < given.fps <= 1000:
        raise UserError(f"--fps must lie between 0 and 1000, but is {given.fps}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        params = load_params(given.checkpoint)
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    # Counting first tells the result's shape, and finds a broken file before an hour of work.
    num_samples = sum(len(block) for block in blocks(given.audio, SAMPLE_RATE))
    began = time.perf_counter()
    sound = blocks(given.audio, SAMPLE_RATE)
    if given.mode in ("raw", "padded"):
        shape = (count_steps(num_samples, mode=given.mode), FEATURES)
        pieces = encode_steps(sound, params, mode=given.mode, num_samples=num_samples)
        rate = float(SAMPLE_RATE / HOP_SAMPLES)
    else:
        frames, rate = count_frames(num_samples, mode=given.mode, fps=given.fps), given.fps
        pieces = frame_features(sound, params, num_frames=frames, fps=rate, mode=given.mode)
        shape = (frames, STEPS_PER_FRAME * FEATURES)
    write_npz(
        Path(given.out),
        "features",
        pieces,
        shape=shape,
        mode=np.array(given.mode),
        rate=np.array(rate),
    )
    notes = "; ".join(read_info(given.audio, SAMPLE_RATE).notes)
    seconds, spent = num_samples / SAMPLE_RATE, time.perf_counter() - began
    print(
        f"{given.audio}: {seconds:.2f} s, {notes or 'as it is'}\n"
        f"{given.out}: {shape[0]} x {shape[1]}, {given.mode}, {rate:g} per second, "
        f"in {spent:.1f} s ({seconds / spent:.1f} x real time)"
    )
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Compute PASE+ features of a recording.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, help="FE_e199.ckpt, or an .npz of its names")
    parser.add_argument("--audio", required=True, help="sound file of any rate and length")
    parser.add_argument("--out", required=True, help="where to write, such as features.npz")
    parser.add_argument(
        "--mode",
        choices=("context", "isolated", "raw", "padded"),
        default="context",
        help="what is written, see below; default: %(default)s",
    )
    parser.add_argument("--fps", type=float, default=30.0, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
