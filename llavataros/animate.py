"""Animates a recording with a trained run: `.npy`, `.bvh`, a film with sound, and provenance."""

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_prep.clips.speech import SpeechFeatures, prepare_speech
from llavataros.given_features import read_features, require_features
from llavataros_jax.atomic import write_json
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError, door
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.resampling import resample
from llavataros_jax.rendering.film import check_film_tools, write_film
from llavataros_jax.trained import TrainedRun, open_trained
from llavataros_jax.training.run import versions

EPILOG = """\
Words come from --words (TextGrid, JSON, TSV or CTM with times), else from --transcript (plain
text, aligned by PocketSphinx), else from Whisper when the run's config names its weights
(words.whisper). For a conversation give the other person's recording too.

  python scripts/generate.py --checkpoint runs/demo --audio hello.wav --transcript hello.txt \\
      --speaker ada --out outputs

Written to --out under the recording's name: .npy (frames, joints, 7: position in metres and
quaternion xyzw), .bvh (centimetres), a film with sound, and .json (config, commit, checkpoint,
hashes, timings).
"""


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and animates."""
    given = _parser().parse_args(arguments)
    began = time.monotonic()
    if not given.no_film:
        check_film_tools()
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    run = open_trained(given.checkpoint)
    speaker = run.speaker_id(given.speaker)
    opened = time.monotonic()

    if given.features:
        people = read_features(given.features, run, audio=given.audio)
        speech = people[0]
    else:
        require_features(run, checkpoint=given.checkpoint)
        people = []
        speech = prepare_speech(
            given.audio, config=run.config, words=given.words, transcript=given.transcript
        )
    if not speech.num_frames:
        raise UserError(
            f"{given.audio} lasts {speech.seconds:.4f} s, less than half a frame of "
            f"{1 / run.manifest.fps:.4f} s, so there is nothing to animate; give a longer recording"
        )
    if len(people) > 1:
        other = as_clip(people[1], run.speaker_id(given.interlocutor_speaker))
    else:
        other = _interlocutor(given, run, speech)
    heard = time.monotonic()

    motion = run.animate(as_clip(speech, speaker), other, smooth=not given.no_smoothing)
    animated = time.monotonic()
    if given.fps:
        motion = resample(motion, given.fps)

    stem = Path(given.audio).stem
    written = [folder / f"{stem}.npy", folder / f"{stem}.bvh"]
    write_npy(written[0], motion)
    write_bvh(written[1], motion, metres_per_unit=run.config.motion.bvh_metres_per_unit)
    if not given.no_film:
        film = run.config.film
        written.append(folder / f"{stem}{film.suffix}")
        write_film(
            written[2],
            motion,
            audio=Path(given.audio),
            words=[(word.text, word.start_seconds, word.end_seconds) for word in speech.words],
            width=film.width,
            height=film.height,
        )
    done = time.monotonic()
    seconds = {
        "open the run": opened - began,
        "hear the speech": heard - opened,
        "animate": animated - heard,
        "write the files": done - animated,
    }
    written.append(folder / f"{stem}.json")
    write_json(written[-1], _provenance(given, run, speech, motion, seconds))

    for note in speech.notes:
        print(f"note: {note}")
    print(
        f"{motion.num_frames} frames at {motion.fps:g} fps for {speech.seconds:.2f} s of speech "
        f"with {len(speech.words)} words, as {run.manifest.speakers[speaker]}, by "
        f"{run.checkpoint} of {given.checkpoint}"
    )
    for stage, spent in seconds.items():
        print(f"  {stage:<16} {spent:7.2f} s  {spent / speech.seconds:6.3f} x real time")
    print("wrote " + ", ".join(str(path) for path in written))
    return 0


def as_clip(speech: SpeechFeatures, speaker: int) -> ClipSpeech:
    """Returns prepared speech in the form that the network's segments are cut from."""
    return ClipSpeech(speech.audio, speech.word_vectors, speech.word_index, speaker)


def _interlocutor(
    given: argparse.Namespace, run: TrainedRun, speech: SpeechFeatures
) -> ClipSpeech | None:
    if not given.interlocutor_audio:
        return None
    other = prepare_speech(
        given.interlocutor_audio,
        config=run.config,
        num_frames=speech.num_frames,
        words=given.interlocutor_words,
        transcript=given.interlocutor_transcript,
    )
    if abs(other.seconds - speech.seconds) > 0.5:
        raise UserError(
            f"{given.audio} lasts {speech.seconds:.2f} s and {given.interlocutor_audio} "
            f"{other.seconds:.2f} s, but both sides of a conversation must be equally long; cut one"
        )
    return as_clip(other, run.speaker_id(given.interlocutor_speaker))


def _provenance(
    given: argparse.Namespace,
    run: TrainedRun,
    speech: SpeechFeatures,
    motion: Motion,
    seconds: dict[str, float],
) -> dict:
    """Returns where the files came from, enough to make them again."""
    digest = hashlib.blake2b(digest_size=16)
    _add_leaves(digest, run.animator.params)
    return {
        "arguments": {k: v for k, v in vars(given).items() if v not in (None, False)},
        "audio_blake2b": hashlib.blake2b(Path(given.audio).read_bytes(), digest_size=16).hexdigest()
        if Path(given.audio).stat().st_size < 1 << 30
        else None,
        "checkpoint": run.checkpoint,
        "parameters_blake2b": digest.hexdigest(),
        "data_hash": run.manifest.content_hash,
        "seed": run.config.training.seed,
        "deterministic": True,
        "frames": motion.num_frames,
        "fps": motion.fps,
        "words": len(speech.words),
        "notes": list(speech.notes),
        "seconds": {stage: round(spent, 3) for stage, spent in seconds.items()},
        "versions": versions(),
    }


def _add_leaves(digest, tree) -> None:
    """Adds parameters to a hash in the order of their names."""
    if isinstance(tree, dict):
        for key in sorted(tree, key=str):
            digest.update(str(key).encode())
            _add_leaves(digest, tree[key])
    else:
        digest.update(np.ascontiguousarray(tree).tobytes())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/generate.py",
        description="Turn a recording into upper-body animation.",
        epilog=EPILOG,
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
