"""The command line of `llavataros live`."""

import argparse
import math
from pathlib import Path

from llavataros.dials import DIALS
from llavataros.live.vmc import DEFAULT_PORT
from llavataros.live.vmc_body import PARTS
from llavataros_jax.errors import UserError

PROGRAM = "llavataros live"
EPILOG = """\
  {prog} speech.wav --vmc 127.0.0.1:39539 --rate 60
  {prog} speech.wav --words speech.TextGrid --play-sound
  {prog} --microphone --expressiveness 1.3
  {prog} --motion outputs/speech.npy --loop
  LLAVATAROS_TOKEN=… {prog} --microphone --server ws://studio:8317

Frames go by UDP to whatever receives VMC: VSeeFace, Warudo, VNyan, VMagicMirror, EVMC4U in Unity,
VMC4UE in Unreal, VMC4B in Blender. UDP does not tell whether anybody listens. A recording is
animated a little ahead of its playing, so that body and sound agree; what comes from a microphone
is seen later by the delay that is printed. Words beside a recording are found by its name, as
`llavataros animate` finds them. Ctrl-C lets the arms sink, then ends.
"""
SESSION_DIALS = ("expressiveness", "idle", "temperature", "guidance")
TOKEN_VARIABLE = "LLAVATAROS_TOKEN"
SIZES = (0.0, 3.0)
_LEAST_RATE, _MOST_RATE = 1.0, 240.0


def check_command_line(given: argparse.Namespace) -> None:
    """Refuses what contradicts itself or is out of range.

    Raises:
        UserError: When something does.
    """
    sources = {
        "a recording": given.recording,
        "--motion": given.motion_file,
        "--microphone": given.microphone is not None,
    }
    named = [name for name, value in sources.items() if value]
    if len(named) != 1:
        raise UserError(
            f"{' and '.join(named) or 'nothing'} is named to move to; give one of a recording, "
            "--microphone and --motion FILE"
        )
    alone = {
        "--words": given.words,
        "--transcript": given.transcript,
        "--play-sound": given.play_sound,
    }
    for option, value in alone.items():
        if value and not given.recording:
            raise UserError(f"{option} belongs to a recording, but {named[0]} is played")
    if given.loop and given.microphone is not None:
        raise UserError("--loop needs an end, which --microphone has not; leave it out")
    if not _LEAST_RATE <= given.rate <= _MOST_RATE:
        raise UserError(
            f"--rate {given.rate:g} is not from {_LEAST_RATE:g} to {_MOST_RATE:g} frames a second; "
            "30 and 60 are usual"
        )
    ranges = {name: (DIALS[name].least, DIALS[name].most) for name in SESSION_DIALS}
    for name, (least, most) in {**ranges, "size": SIZES}.items():
        value = getattr(given, name)
        if value is not None and not least <= value <= most:
            raise UserError(f"--{name} {value:g} is not a number from {least:g} to {most:g}")
    for option in ("seconds", "delay"):
        value = getattr(given, option)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UserError(f"--{option} {value:g} is no time; give seconds from 0 on")
    if given.avatar and not Path(given.avatar).expanduser().is_file():
        raise UserError(f"--avatar {given.avatar} does not exist; give the receiver's .vrm or .glb")
    if given.page is not None and not 0 <= given.page <= 65535:
        raise UserError(f"--page {given.page} is no port; give a number from 0 to 65535")
    if given.token and not given.server:
        raise UserError("--token is a server's; give --server ws://HOST:PORT too")
    if given.server and given.checkpoint:
        raise UserError(
            "--checkpoint is this machine's, but --server animates; start it with that checkpoint"
        )
    if given.fps is not None and not given.motion_file:
        raise UserError(
            f"--fps belongs to --motion, but {named[0]} is played; --rate is what is sent"
        )
    if given.motion_file and given.server:
        raise UserError("--motion is played as it is, so --server has nothing to do; leave it out")


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Move a character by speech, live, by the protocol VMC.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recording", nargs="?", metavar="RECORDING", help="a sound or film file that is played"
    )
    parser.add_argument(
        "--microphone",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="listen; DEVICE is a number or a part of a name of --list-devices",
    )
    parser.add_argument("--list-devices", action="store_true", help="list microphones, and end")
    parser.add_argument(
        "--motion",
        dest="motion_file",
        metavar="FILE",
        help="play a motion that is there: .npy, .npz or .bvh",
    )
    parser.add_argument(
        "--fps", type=float, metavar="RATE", help="of a motion whose file does not say it"
    )
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--words", metavar="FILE", help="words with times in any usual form")
    words.add_argument("--transcript", metavar="FILE", help="what is said, as plain text")
    parser.add_argument("--loop", action="store_true", help="begin again at the end")
    parser.add_argument(
        "--play-sound", action="store_true", help="play the recording on this machine too"
    )
    out = parser.add_argument_group("VMC")
    out.add_argument(
        "--vmc",
        action="append",
        metavar="HOST:PORT",
        help=f"who receives, may be given several times (default: 127.0.0.1:{DEFAULT_PORT})",
    )
    out.add_argument(
        "--rate",
        type=float,
        default=30.0,
        metavar="HZ",
        help="frames a second; between the network's 30 poses are interpolated (default: 30)",
    )
    out.add_argument(
        "--bundle", action="store_true", help="pack messages into bundles; not all receivers read"
    )
    out.add_argument(
        "--avatar",
        metavar="VRM",
        help="the receiver's own .vrm: its bones are sent with its offsets, so that receivers that "
        "put bones where messages say stretch nothing",
    )
    out.add_argument(
        "--without",
        action="append",
        default=[],
        choices=tuple(PARTS),
        help="leave the head or the legs to the receiver, as to its own face tracking",
    )
    out.add_argument(
        "--delay",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="show everything so much later, as for sound that is delayed",
    )
    out.add_argument(
        "--page",
        type=int,
        metavar="PORT",
        help="show it in browsers of this machine too, at http://127.0.0.1:PORT",
    )
    out.add_argument("--seconds", type=float, metavar="S", help="end after so much")
    how = parser.add_argument_group("motion")
    how.add_argument(
        "--checkpoint", metavar="RUN", help="run directory (default: the model that comes along)"
    )
    how.add_argument(
        "--server", metavar="URL", help="let a `llavataros serve` animate: ws://HOST:PORT"
    )
    how.add_argument(
        "--token", metavar="TEXT", help=f"of that server (default: what {TOKEN_VARIABLE} holds)"
    )
    how.add_argument("--speaker", metavar="NAME", help="whose habits to use")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="which motion is drawn")
    for name in SESSION_DIALS:
        how.add_argument(f"--{name}", type=float, metavar="X", help=DIALS[name].help)
    how.add_argument(
        "--size", type=float, metavar="X", help="size of gestures about their slow course, 0 to 3"
    )
    return parser
