"""Times our way beside the usual one, on the same work in the same run, and prints the ratio."""

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from llavataros_jax.errors import UserError, door

PROGRAM = "llavataros benchmark"
# Modules of this folder, each with a `run(turns)`.
KINDS = ("records", "words", "dropout", "figure", "input", "pase", "stream")
# These take minutes and are run when they are named.
LONG = ("animate", "evaluation", "kills", "prepare", "serve", "train", "training_step")
# Those of several sizes, beside PyTorch.
SIZED = ("animate", "train")
# Options of some benchmarks, which are given to their `run`.
OPTIONS = {"size": SIZED, "config": ("prepare",), "sessions": ("serve",), "minutes": ("serve",)}
EPILOG = """\
records   a segment out of a mapped shard | protobuf's reading of float lists of the same numbers
words     words projected, then spread over frames | spread over frames, then projected
dropout   dropout masks of one training step by threefry2x32 | by rbg
input     a batch read as before | copied once | into memory used again | gathered on the device
figure    a film frame's shapes drawn by OpenCV | by Pillow and by Matplotlib
pase      PASE+ of 10 s of sound in chunks, whole, and frame by frame | by PyTorch, when installed
stream    live frames with cached keys and values | a sampled head | memory of hidden states

Run only when it is named, because it takes minutes:

animate        a minute at the published size | PyTorch's way, checked to move alike | UEA_REPO's
evaluation     10 and 70 clips of a minute: seconds and memory
kills          the demo's training killed as many times as --turns says | left alone
prepare        recordings prepared, part by part and as a whole | librosa, SciPy, NumPy in a script
serve          live sessions through sockets: latency by stage; --minutes of coming and going
train          a step at the published size | PyTorch's, checked to be the same network | UEA_REPO's
training_step  a step at the published size with the regression | with the sampled head as well

Both ways take turns, so that a busy machine slows both; the medians of all turns are compared.

With --alignment, the share of motion that prefers its own speech is proved on motion that people
judged (GENEA 2020: coords, wav and scores), which takes about ten minutes:

  {prog} --alignment genea2020

With --recordings, transcribers are compared instead, on recordings whose words are known:

  {prog} --recordings FOLDER --whisper base.en

With --gestures, a run is measured on them, such as the one that comes along, beside the rules that
made what it learned from:

  {prog} --recordings FOLDER --gestures starter
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and runs the benchmarks asked for."""
    words = sys.argv[1:] if arguments is None else arguments
    asked = [word for word in words if word in (*KINDS, *LONG)]
    given = build_parser(prog, asked).parse_args(arguments)
    if unknown := set(given.which) - {*KINDS, *LONG}:
        there = ", ".join((*KINDS, *LONG))
        raise UserError(f"no benchmark {', '.join(sorted(unknown))}; there are {there}")
    if given.turns < 1:
        raise UserError(f"--turns is {given.turns}, but must be 1 or more")
    if given.alignment:
        if given.which or given.recordings:
            raise UserError("--alignment is a proof of its own; leave out the rest, or run twice")
        from llavataros.benchmark import alignment

        alignment.run(given.alignment)
        return 0
    if given.recordings:
        if given.which:
            raise UserError("--recordings compares transcribers; leave out the names, or run twice")
        if given.gestures:
            from llavataros.benchmark import gestures

            gestures.run(given.recordings, given.gestures, given.whisper)
            return 0
        from llavataros.benchmark import transcripts

        transcripts.run(given.recordings, given.whisper)
        return 0
    if given.gestures:
        raise UserError("--gestures needs --recordings, the folder with voices to move to")
    if given.whisper:
        raise UserError("--whisper needs --recordings, the folder with what is to be heard")
    options = {name: value for name in OPTIONS if (value := getattr(given, name)) is not None}
    for name in options:
        if len(given.which) != 1 or given.which[0] not in OPTIONS[name]:
            raise UserError(
                f"--{name} is of {' and '.join(OPTIONS[name])}; name one such benchmark alone, or "
                f"leave --{name} out"
            )
    if set(SIZED) & set(given.which):
        # Else JAX takes the memory of a GPU that PyTorch needs as well.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}, {given.turns} turns")
    for name in given.which or KINDS:
        importlib.import_module(f"llavataros.benchmark.{name}").run(given.turns, **options)
    return 0


def build_parser(prog: str = PROGRAM, asked: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it; help is of the benchmarks `asked`."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="\n\n".join(f"{name}: {_explained(name)}" for name in asked) or __doc__,
        epilog=None if asked else EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("which", nargs="*", metavar="NAME", help="of those below; all by default")
    parser.add_argument("--turns", type=int, default=30, help="default: %(default)s")
    parser.add_argument(
        "--size", choices=("published", "middle", "small"), help="of animate and train"
    )
    parser.add_argument("--config", help="what the benchmark prepare prepares; default: demo")
    parser.add_argument("--sessions", type=int, metavar="N", help="of serve; default: 8")
    parser.add_argument("--minutes", type=float, metavar="M", help="of serve: how long they come")
    parser.add_argument(
        "--recordings", type=Path, help="folder of recordings with .lab, .txt or .TextGrid beside"
    )
    parser.add_argument("--gestures", type=Path, metavar="RUN", help="run to move to them")
    parser.add_argument(
        "--alignment", type=Path, metavar="DIR", help="GENEA 2020's material, to prove it on"
    )
    parser.add_argument("--whisper", help="weights to hear them with: a size or a path")
    return parser


def _explained(name: str) -> str:
    """Returns what a benchmark's file says of it, without loading what it times."""
    path = Path(__file__).with_name(f"{name}.py")
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


if __name__ == "__main__":
    sys.exit(main())
