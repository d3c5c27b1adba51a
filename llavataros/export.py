"""Makes a trained run light enough to send: config, manifest and half-precision weights."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.errors import door
from llavataros_jax.trained import open_trained
from llavataros_jax.training.exported import WEIGHTS, write_exported

PROGRAM = "llavataros export"
EPILOG = """\
The folder opens wherever a run does, has no pickle in it and no list of your clips; training cannot
go on from it.

  {prog} --checkpoint runs/own --out my_voice
  llavataros animate hello.wav --checkpoint my_voice
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and writes the folder."""
    given = build_parser(prog).parse_args(arguments)
    run, out = open_trained(given.checkpoint), Path(given.out).expanduser()
    write_exported(out, run.config, run.manifest, run.animator.params, checkpoint=run.checkpoint)
    size = (out / WEIGHTS).stat().st_size
    print(f"wrote {out}: {run.checkpoint} of {given.checkpoint}, {size / 1e6:.2f} MB of weights")
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, metavar="RUN", help="run directory")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
