"""Shows motions in a browser: one page of one file, which needs no server and no network."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from llavataros.view.data import has_beats, motion_data
from llavataros.view.page import web_folder, write_page
from llavataros.view.wanted import wanted_motions
from llavataros_jax.errors import UserError, door
from llavataros_jax.packages import require_packages

PROGRAM = "llavataros view"
EPILOG = """\
  {prog} outputs/talk.json
  {prog} real.bvh outputs/talk.npy --audio talk.wav --words talk.TextGrid --label real --label ours
  {prog} kim.npy lee.npy --audio kim.wav --audio lee.wav --facing --out conversation.html

A motion is .npy or .npz (AvatarOS), SMPL-X .npz or .bvh, or the record (.json) that animate writes,
which names its recording and its words. Several stand side by side and move in step. The page has
the sound, words and beats within it and opens from disk; drop a character (.glb, .vrm) onto it.
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and writes the page."""
    given = build_parser(prog).parse_args(arguments)
    out = Path(given.out).expanduser()
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out {out} is a page; give it a name that ends in .html")
    web_folder()  # refused before any work
    require_packages("sound in a page", "imageio_ffmpeg", extra="viz")
    wanted = wanted_motions(
        [Path(path).expanduser() for path in given.motions],
        audio=[Path(path).expanduser() for path in given.audio],
        words=[Path(path).expanduser() for path in given.words],
        labels=given.label,
        fps=given.fps,
    )
    for one in wanted:
        for note in one.notes:
            print(f"note: {one.name}: {note}")
    if any(one.audio for one in wanted) and not has_beats():
        print("note: beats are not marked, because librosa is not installed")
    motions = [
        motion_data(one.motion, name=one.name, audio=one.audio, words=one.words) for one in wanted
    ]
    title = given.title or " · ".join(one.name for one in wanted)
    write_page(out, motions, title=title, facing=given.facing)
    print(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB); open it in any browser")
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Make a page that shows motions with their speech, to be opened from disk.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("motions", nargs="+", metavar="MOTION", help="motion files or records")
    parser.add_argument(
        "--audio",
        action="append",
        default=[],
        metavar="FILE",
        help="the recording of all motions, or once for each (default: what its record names)",
    )
    parser.add_argument(
        "--words", action="append", default=[], metavar="FILE", help="timed words, likewise"
    )
    parser.add_argument(
        "--label", action="append", default=[], metavar="NAME", help="a name for each motion"
    )
    parser.add_argument(
        "--facing", action="store_true", help="two people face each other, as in a conversation"
    )
    parser.add_argument("--title", metavar="TEXT", help="heading of the page")
    parser.add_argument(
        "--fps", type=float, metavar="RATE", help="frames per second of files that do not say it"
    )
    parser.add_argument(
        "--out", default="view.html", metavar="FILE", help="the page (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
