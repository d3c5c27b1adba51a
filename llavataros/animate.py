"""Animates recordings: `.npy`, `.bvh`, a film with sound, and provenance."""

import argparse
import dataclasses
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from llavataros.animation import Animation, animate_recording
from llavataros.dials import add_dials, check_sampled, dial_overrides, seeds_of
from llavataros.motion_forms import add_forms, asked_forms
from llavataros.named_run import name_of_run, open_named
from llavataros.wanted_recordings import WantedRecording, wanted_recordings
from llavataros_jax.compilation_cache import keep_compiled
from llavataros_jax.errors import ExhaustedError, UserError, door
from llavataros_jax.rendering.film import check_film_tools
from llavataros_jax.run_options import with_run_options
from llavataros_jax.trained import TrainedRun

PROGRAM = "llavataros animate"
EPILOG = """\
  {prog} speech.m4a
  {prog} interviews/ --out films --speaker kim
  {prog} hello.wav --transcript hello.txt --checkpoint runs/own
  {prog} call.wav --channels split words.whisper=base.en
  {prog} hello.wav --onto avatar.vrm --also vrma

A recording is anything that ffmpeg reads; of a folder, all in it. Without --checkpoint the model
that comes along moves the body. Words come from --words (any usual form of timed words), else from
--transcript (plain text, which the best aligner that is installed times), else from a file of the
recording's name beside it, else from a transcriber: words.transcriber=auto, whisper, pocketsphinx
or none (from sound alone). For a conversation give the other person's recording too.

Written to --out under the recording's name: .npy (frames, joints, 7: position in metres and
quaternion xyzw), .bvh (centimetres), a film with sound, and .json (config, commit, checkpoint,
hashes, seed, timings). --onto avatar.vrm moves that character and writes it as .glb; --also
names more forms. A file that this program did not write is never replaced.

section.key=value names tools and weights of this machine (words.…, audio.pase, text.model,
text.batch), the size of gestures (film.size=1.3), smoothing and the film's size (film.…); what the
run computes stays as it was trained. Dials have options of their own: --expressiveness 1.4
--idle 0.8 is a lively speaker who keeps still in pauses. Of a run with a sampled head, --samples 5
draws five motions for the same speech, and the same seed always draws the same one.
"""
_OVERRIDE = re.compile(r"[a-z_]+\.[a-z_]+=.*", re.DOTALL)
# What belongs to one recording and cannot be shared by several.
_OF_ONE = (
    *("words", "transcript", "features", "interlocutor_audio", "interlocutor_words"),
    *("interlocutor_transcript",),
)


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and animates."""
    given = read_command_line(arguments, prog)
    out = Path(given.out).expanduser()
    wanted = wanted_recordings([*given.recordings, *given.audio], out=out)
    _check_one(given, wanted)
    began = time.monotonic()
    asked_forms(given)  # a character that cannot be used is refused before any work
    if not given.no_film:
        check_film_tools()
    keep_compiled()
    run = open_named(given.checkpoint)
    check_sampled(given, run, name_of_run(given.checkpoint))
    run = with_run_options(run, given.overrides)
    opened = time.monotonic() - began
    failed = 0
    for number, recording in enumerate(wanted, 1):
        try:
            done = animate_recording(given, run, recording, opened_seconds=opened)
        except ExhaustedError:
            raise
        except UserError as refusal:
            if len(wanted) == 1:
                raise
            failed += 1
            print(f"error: {refusal}", file=sys.stderr)
            continue
        if len(wanted) > 1:
            print(f"\n{number} of {len(wanted)}: {recording.audio}")
        _say(given, run, done)
        opened = 0.0
    if failed:
        raise UserError(
            f"{failed} of {len(wanted)} recordings could not be animated; each is named above"
        )
    return 0


def read_command_line(arguments: Sequence[str] | None, prog: str = PROGRAM) -> argparse.Namespace:
    """Parses the command line, and tells options of the config from recordings.

    Raises:
        UserError: When no recording is named, or options contradict each other.
    """
    given = build_parser(prog).parse_intermixed_args(arguments)
    given.overrides = [
        word for word in given.recordings if _OVERRIDE.fullmatch(word) and not Path(word).exists()
    ]
    given.recordings = [word for word in given.recordings if word not in given.overrides]
    if not given.recordings and not given.audio:
        raise UserError("no recording is named; give a sound file or a folder of them")
    _check_pairs(given)
    given.overrides += dial_overrides(given)
    seeds_of(given)  # refused before any work
    return given


def _check_pairs(given: argparse.Namespace) -> None:
    """Refuses options of another person who is not there, or who is there twice."""
    of_both = given.channels in ("split", "swap")
    if of_both and (given.interlocutor_audio or given.features):
        other = "--interlocutor-audio" if given.interlocutor_audio else "--features"
        raise UserError(
            f"--channels {given.channels} takes both people from one recording, so {other} cannot "
            "be given too; leave one of them out"
        )
    if given.interlocutor_audio or given.features or of_both:
        return
    for name in ("words", "transcript", "speaker"):
        if getattr(given, f"interlocutor_{name}"):
            raise UserError(
                f"--interlocutor-{name} needs --interlocutor-audio, the other person's recording; "
                "give both or neither"
            )


def _check_one(given: argparse.Namespace, wanted: list[WantedRecording]) -> None:
    """Refuses what belongs to one recording where there are several."""
    of_one = [name for name in _OF_ONE if getattr(given, name)]
    if of_one and len(wanted) > 1:
        raise UserError(
            f"--{of_one[0].replace('_', '-')} belongs to one recording, but {len(wanted)} are "
            "given; put words of the same name beside each, or animate them one by one"
        )
    if given.words or given.transcript or given.features:
        named = {"words": given.words, "transcript": given.transcript}
        files = {name: Path(path) if path else None for name, path in named.items()}
        wanted[0] = dataclasses.replace(wanted[0], notes=(), **files)


def _say(given: argparse.Namespace, run: TrainedRun, done: Animation) -> None:
    """Prints what came out, how long each part took, and where it is."""
    for note in done.notes:
        print(f"note: {note}")
    model = f"{run.checkpoint} of {given.checkpoint}" if given.checkpoint else "the starter model"
    speech, count = done.speech, len(done.seeds)
    samples = (
        f"{count} samples (seeds {done.seeds[0]} to {done.seeds[-1]}) of " if count > 1 else ""
    )
    print(
        f"{samples}{done.num_frames} frames at {done.fps:g} fps for {speech.seconds:.2f} s of "
        f"speech with {len(speech.words)} words, as {done.speaker}, by {model}"
    )
    for stage, spent in done.seconds.items():
        print(f"  {stage:<18} {spent:7.2f} s  {spent / speech.seconds:6.3f} x real time")
    print("wrote " + ", ".join(map(str, done.paths)))


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Turn recordings into upper-body animation.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recordings",
        nargs="*",
        metavar="RECORDING",
        help="sound files, films or folders of them; section.key=value changes an option",
    )
    parser.add_argument(
        "--audio", action="append", default=[], metavar="FILE", help="a recording, by name"
    )
    parser.add_argument(
        "--checkpoint", metavar="RUN", help="run directory (default: the model that comes along)"
    )
    words = parser.add_mutually_exclusive_group()
    words.add_argument(
        "--words",
        metavar="FILE",
        help="words with times in any usual form: TextGrid, JSON of Whisper, WhisperX, Vosk, "
        "Gentle or a cloud service, SRT, VTT, CSV, Audacity's labels; told by the content",
    )
    words.add_argument("--transcript", metavar="FILE", help="what is said, as plain text")
    words.add_argument(
        "--features", metavar="NPZ", help="features computed elsewhere, in place of words"
    )
    parser.add_argument(
        "--speaker",
        metavar="NAME",
        help="whose habits to use, and whose tier of a TextGrid of several speakers is read",
    )
    parser.add_argument(
        "--out", default="outputs", metavar="DIR", help="folder to write to (default: %(default)s)"
    )
    parser.add_argument(
        "--channels",
        choices=("mix", "left", "right", "split", "swap"),
        default="mix",
        help="of a stereo recording: all mixed, one alone, or two people: split has the speaker on "
        "the left and the other person on the right, swap the other way round",
    )
    parser.add_argument(
        "--fps", type=float, metavar="RATE", help="resample the motion to this rate"
    )
    parser.add_argument("--no-smoothing", action="store_true", help="keep the network's raw motion")
    parser.add_argument("--no-film", action="store_true", help="write motion only")
    add_dials(parser)
    add_forms(parser)
    other = parser.add_argument_group("conversation")
    other.add_argument("--interlocutor-audio", metavar="FILE", help="the other person's recording")
    other_words = other.add_mutually_exclusive_group()
    other_words.add_argument("--interlocutor-words", metavar="FILE", help="their timed words")
    other_words.add_argument("--interlocutor-transcript", metavar="FILE", help="their transcript")
    other.add_argument("--interlocutor-speaker", metavar="NAME", help="who they are")
    return parser


if __name__ == "__main__":
    sys.exit(main())
