"""Animates a recording with a trained run: `.npy`, `.bvh`, a film with sound, and provenance."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from data_prep.clips.speech import SpeechFeatures, prepare_speech
from llavataros.given_features import read_features, require_features
from llavataros.no_effect import options_without_effect
from llavataros.provenance import provenance
from llavataros.run_options import with_run_options
from llavataros.written_files import WrittenFiles
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError, door
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.resampling import resample
from llavataros_jax.rendering.film import check_film_tools, write_film
from llavataros_jax.trained import TrainedRun, open_trained

PROGRAM = "llavataros animate"
EPILOG = """\
Words come from --words (TextGrid, JSON, TSV or CTM with times), else from --transcript (plain
text, which the best aligner that is installed times), else from Whisper when words.whisper names
its weights. For a conversation give the other person's recording too.

  {prog} --checkpoint runs/demo --audio hello.wav --transcript hello.txt --speaker ada --out outputs
  {prog} --checkpoint runs/demo --audio hello.wav --out outputs words.whisper=base film.width=1280

Written to --out under the recording's name: .npy (frames, joints, 7: position in metres and
quaternion xyzw), .bvh (centimetres), a film with sound, and .json (config, commit, checkpoint,
hashes, timings). A file that this program did not write is never replaced.

section.key=value names tools and weights of this machine (words.…, audio.pase, text.model,
text.batch) and the film's size (film.…); what the run computes stays as it was trained.
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and animates."""
    given = build_parser(prog).parse_intermixed_args(arguments)
    _check_pairs(given)
    began = time.monotonic()
    if not given.no_film:
        check_film_tools()
    run = with_run_options(open_trained(given.checkpoint), given.overrides)
    speaker = run.speaker_id(given.speaker)
    film_suffix = () if given.no_film else (run.config.film.suffix,)
    audio = Path(given.audio).expanduser()
    files = WrittenFiles(Path(given.out).expanduser(), audio.stem, (".npy", ".bvh", *film_suffix))
    files.check()
    opened = time.monotonic()

    speech, other = _speech(given, run, audio)
    heard = time.monotonic()

    motion = run.animate(_as_clip(speech, speaker), other, smooth=not given.no_smoothing)
    animated = time.monotonic()
    if given.fps:
        motion = resample(motion, given.fps)
    files.folder.mkdir(parents=True, exist_ok=True)
    files.begin()
    _write(files, motion, speech, audio, run)
    seconds = {
        "open the run": opened - began,
        "speech to features": heard - opened,
        "animate": animated - heard,
        "write the files": time.monotonic() - animated,
    }
    notes = [*options_without_effect(given, run), *speech.notes]
    files.finish(provenance(given, run, speech, motion, seconds, notes=notes))

    for note in notes:
        print(f"note: {note}")
    print(
        f"{motion.num_frames} frames at {motion.fps:g} fps for {speech.seconds:.2f} s of speech "
        f"with {len(speech.words)} words, as {run.manifest.speakers[speaker]}, by "
        f"{run.checkpoint} of {given.checkpoint}"
    )
    for stage, spent in seconds.items():
        print(f"  {stage:<18} {spent:7.2f} s  {spent / speech.seconds:6.3f} x real time")
    print("wrote " + ", ".join(map(str, [*files.paths, files.record])))
    return 0


def _check_pairs(given: argparse.Namespace) -> None:
    """Refuses options of another person who is not there."""
    if given.interlocutor_audio or given.features:
        return
    for name in ("words", "transcript", "speaker"):
        if getattr(given, f"interlocutor_{name}"):
            raise UserError(
                f"--interlocutor-{name} needs --interlocutor-audio, the other person's recording; "
                "give both or neither"
            )


def _speech(
    given: argparse.Namespace, run: TrainedRun, audio: Path
) -> tuple[SpeechFeatures, ClipSpeech | None]:
    """Returns the speaker's features, and the other person's if there is one."""
    if given.features:
        people = read_features(given.features, run, audio=audio)
        speech = people[0]
    else:
        require_features(run, checkpoint=given.checkpoint)
        people = []
        speech = prepare_speech(
            audio, config=run.config, words=given.words, transcript=given.transcript
        )
    if not speech.num_frames:
        raise UserError(
            f"{audio} lasts {speech.seconds:.4f} s, less than half a frame of "
            f"{1 / run.manifest.fps:.4f} s, so there is nothing to animate; give a longer recording"
        )
    if len(people) > 1:
        return speech, _as_clip(people[1], run.speaker_id(given.interlocutor_speaker))
    if not given.interlocutor_audio:
        return speech, None
    other = prepare_speech(
        given.interlocutor_audio,
        config=run.config,
        num_frames=speech.num_frames,
        words=given.interlocutor_words,
        transcript=given.interlocutor_transcript,
    )
    if abs(other.seconds - speech.seconds) > 0.5:
        raise UserError(
            f"{audio} lasts {speech.seconds:.2f} s and {given.interlocutor_audio} "
            f"{other.seconds:.2f} s, but both sides of a conversation must be equally long; cut one"
        )
    return speech, _as_clip(other, run.speaker_id(given.interlocutor_speaker))


def _as_clip(speech: SpeechFeatures, speaker: int) -> ClipSpeech:
    return ClipSpeech(speech.audio, speech.word_vectors, speech.word_index, speaker)


def _write(
    files: WrittenFiles, motion: Motion, speech: SpeechFeatures, audio: Path, run: TrainedRun
) -> None:
    write_npy(files.path(".npy"), motion)
    write_bvh(files.path(".bvh"), motion, metres_per_unit=run.config.motion.bvh_metres_per_unit)
    film = run.config.film
    if film.suffix in files.suffixes:
        write_film(
            files.path(film.suffix),
            motion,
            audio=audio,
            words=[(word.text, word.start_seconds, word.end_seconds) for word in speech.words],
            width=film.width,
            height=film.height,
        )


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Turn a recording into upper-body animation.",
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, metavar="RUN", help="run directory")
    parser.add_argument("--audio", required=True, metavar="WAV", help="recording to animate")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--words", metavar="FILE", help="timed words: TextGrid, JSON, TSV or CTM")
    words.add_argument("--transcript", metavar="FILE", help="what is said, as plain text")
    words.add_argument(
        "--features", metavar="NPZ", help="features computed elsewhere, in place of words"
    )
    parser.add_argument("--speaker", metavar="NAME", help="whose habits to use")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--fps", type=float, metavar="RATE", help="resample the motion to this rate"
    )
    parser.add_argument("--no-smoothing", action="store_true", help="keep the network's raw motion")
    parser.add_argument("--no-film", action="store_true", help="write motion only")
    other = parser.add_argument_group("conversation")
    other.add_argument("--interlocutor-audio", metavar="WAV", help="the other person's recording")
    other_words = other.add_mutually_exclusive_group()
    other_words.add_argument("--interlocutor-words", metavar="FILE", help="their timed words")
    other_words.add_argument("--interlocutor-transcript", metavar="FILE", help="their transcript")
    other.add_argument("--interlocutor-speaker", metavar="NAME", help="who they are")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help="tools and weights of this machine, and the film's size",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
