"""Measures motion that is positions only: joints without rotations, as GENEA 2020 published it."""

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.errors import door
from llavataros_jax.evaluate.engine import deliver, evaluate
from llavataros_jax.evaluate.from_positions import PositionClips
from llavataros_jax.evaluate.options import add_protocol_options, protocol_options, settings_of
from llavataros_jax.evaluate.unrecorded import without_recording
from llavataros_jax.evaluation.protocols.choice import open_protocol
from llavataros_jax.evaluation.take import matched
from llavataros_jax.listing import listed
from llavataros_jax.packages import require_packages
from llavataros_jax.report.page import check_report_tools, write_report

PROGRAM = "llavataros evaluate positions"
EPILOG = """\
A file is an .npz with an array (frames, joints, 3) for each clip, y up, and keys joint_names and
fps. Its unit is found by the size of the body. Bones are found by what keeps its distance.

  {prog} --joints coords.npz --real recorded.npz --audio wav --protocol genea2020

There recorded bodies walk in a room and face -z, and others stand at the origin and face z: add
--beside Spine --facing, or every distance between them is that of the room.

Without --real only what needs no recorded motion is measured, and no anchor is made of it. Without
--audio nothing that hears is measured; clips may lack sound.
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and measures."""
    given = build_parser(prog).parse_args(arguments)
    if given.audio:
        require_packages("finding the beats of speech", "librosa", "soundfile", extra="prep")
    if not given.no_report:
        check_report_tools()
    source = PositionClips(
        given.joints,
        given.real,
        given.audio,
        clips=given.clips,
        names=given.names,
        fps=given.fps,
        metres_per_unit=given.metres_per_unit,
        beside=given.beside,
        facing=given.facing,
    )
    protocol = open_protocol(given.protocol, protocol_options(given))
    places = {"places": f"beside {given.beside}"} if given.beside else {}
    facing = {"facing": "z on the mean of every clip"} if given.facing else {}
    protocol = dataclasses.replace(protocol, settings={**protocol.settings, **places, **facing})
    if given.real is None:
        protocol = without_recording(protocol, matched(protocol.prepare(source[0])))
    if given.audio and source.silent:
        print(
            f"{len(source.silent)} of {len(source)} clips have no sound in {given.audio} and are "
            f"measured without: {listed(source.silent, 5)}",
            file=sys.stderr,
        )
    files = [*given.joints, *([given.real] if given.real else [])]
    settings = {
        **settings_of(given, None, prog),
        "sha256": {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
    result = evaluate(
        source, protocol, seed=given.seed, resamples=given.resamples, settings=settings
    )
    written = deliver(result, given.out)
    if not given.no_report:
        written.append(given.out / "report.html")
        write_report(written[-1], result, source)
    print("wrote " + ", ".join(map(str, written)))
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Measure motion that is positions only.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    who = parser.add_argument_group("who is measured")
    who.add_argument(
        *("--joints",),
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help=".npz of positions; a file for each sample",
    )
    who.add_argument("--real", type=Path, metavar="FILE", help="recorded motion of the same clips")
    who.add_argument("--audio", type=Path, metavar="DIR", help="sound files called like the clips")
    who.add_argument("--clips", nargs="+", metavar="NAME", help="only these")
    files = parser.add_argument_group("what the files do not say")
    files.add_argument("--names", nargs="+", metavar="JOINT", help="joints in the files' order")
    files.add_argument("--fps", type=float, metavar="RATE", help="frames per second")
    files.add_argument("--metres-per-unit", type=float, metavar="M", help="0.01 for centimetres")
    how = parser.add_argument_group("how")
    how.add_argument(
        *("--beside",),
        metavar="JOINT",
        help="take all places beside this joint, where one file has bodies in a room, and another "
        "bodies at the origin",
    )
    how.add_argument(
        "--facing",
        action="store_true",
        help="turn every clip to face z on the mean, where bodies of the files face different ways",
    )
    add_protocol_options(how)
    parser.add_argument(
        *("--out",),
        type=Path,
        default=Path("outputs/evaluation"),
        metavar="DIR",
        help="(default: %(default)s)",
    )
    parser.add_argument("--no-report", action="store_true", help="write no report.html")
    parser.set_defaults(overrides=[])
    return parser


if __name__ == "__main__":
    sys.exit(main())
