"""One recording animated: its speech heard, its motion written, and where all of it came from."""

import argparse
import functools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from data_prep.clips.speech import SpeechFeatures, prepare_speech
from data_prep.sound.features import load_tools
from llavataros.dials import seeds_of
from llavataros.given_features import read_features, require_features
from llavataros.motion_forms import AskedForms, asked_forms
from llavataros.no_effect import options_without_effect
from llavataros.provenance import provenance
from llavataros.wanted_recordings import WantedRecording
from llavataros.written_files import WrittenFiles
from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.resampling import resample
from llavataros_jax.rendering.film import write_film
from llavataros_jax.sound.reader import read_info
from llavataros_jax.trained import TrainedRun

# Differences of the lengths of two sides of a conversation that are no mistake.
_EQUAL_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Animation:
    """What came of a recording.

    Attributes:
        num_frames: Frames of each motion that was written.
        fps: Their rate.
        seeds: The seed of each.
        speech: What was heard.
        speaker: Name of whose habits were used.
        seconds: Time that each part took, for all of them.
        notes: What the user should know.
        paths: The files.
    """

    num_frames: int
    fps: float
    seeds: range
    speech: SpeechFeatures
    speaker: str
    seconds: dict[str, float]
    notes: tuple[str, ...]
    paths: tuple[Path, ...]


def animate_recording(
    given: argparse.Namespace,
    run: TrainedRun,
    recording: WantedRecording,
    *,
    opened_seconds: float = 0.0,
) -> Animation:
    """Animates a recording and writes its files, one sample after another.

    Args:
        given: The command line of `llavataros animate`.
        run: The run, with the options of this animation.
        recording: What to animate.
        opened_seconds: Time that opening the run took, which is told.

    Raises:
        UserError: When something given cannot be used or a file is in the way.
    """
    speaker = run.speaker_id(given.speaker)
    asked, seeds = asked_forms(given), seeds_of(given)
    suffixes = (".npy", ".bvh", *asked.suffixes)
    suffixes += () if given.no_film else (run.config.film.suffix,)
    samples = _files(given, recording, suffixes, len(seeds))
    for files in samples:
        files.check(recording.audio)
    began = time.monotonic()
    read_info(recording.audio, run.config.audio.sample_rate)  # refused before anything is begun
    with ExitStack() as stack:
        # Words are mostly found by other programs, which leaves time to import and to compile.
        pool = stack.enter_context(ThreadPoolExecutor(1))
        others = given.interlocutor_audio or given.channels in ("split", "swap")
        warm_up = functools.partial(
            run.animator.warm_up, is_alone=not others, recordings=len(seeds)
        )
        ready = [pool.submit(load_tools, run.config.audio), pool.submit(warm_up)]
        channels = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="llavataros-")))
        heard_audio, other_audio = _people(given, recording.audio, channels)
        speech, other = _speech(given, run, recording, heard_audio, other_audio)
        for waited in ready:
            waited.result()
    seconds = {"open the run": opened_seconds, "speech to features": time.monotonic() - began}
    notes = (
        *recording.notes,
        *options_without_effect(given, run, has_words=bool(speech.words)),
        *speech.notes,
    )
    num_frames, fps, shared = 0, 0.0, dict(seconds)
    people, began = (_as_clip(speech, speaker), other), time.monotonic()
    motions = run.animate_many([people] * len(seeds), seeds=seeds, smooth=not given.no_smoothing)
    of_each = {"animate": (time.monotonic() - began) / len(seeds)}
    for seed, motion, files in zip(seeds, motions, samples, strict=True):
        spent = dict(of_each)
        motion = resample(motion, given.fps) if given.fps else motion
        num_frames, fps = motion.num_frames, motion.fps
        of_forms, taken = _write(files, motion, run, asked, speech, recording.audio)
        spent, notes = spent | taken, tuple(dict.fromkeys((*notes, *of_forms)))
        origin = {"audio": recording.audio, "notes": list(notes), "seed": seed}
        files.finish(provenance(given, run, speech, motion, shared | spent, **origin))
        seconds |= {stage: seconds.get(stage, 0.0) + more for stage, more in spent.items()}
    name = run.manifest.speakers[speaker]
    paths = tuple(path for files in samples for path in (*files.paths, files.record))
    return Animation(num_frames, fps, seeds, speech, name, seconds, notes, paths)


def _files(
    given: argparse.Namespace, recording: WantedRecording, suffixes: tuple[str, ...], count: int
) -> list[WrittenFiles]:
    """Returns where each sample goes; each has a record of its own, so that one may be made again.

    Names of several end in their number, so that those of two recordings never meet.
    """
    folder, stem = Path(given.out).expanduser() / recording.name.parent, recording.name.name
    stems = [stem] if count == 1 else [f"{stem}_{number}" for number in range(1, count + 1)]
    return [WrittenFiles(folder, stem, suffixes) for stem in stems]


def _people(given: argparse.Namespace, audio: Path, folder: Path) -> tuple[Path, Path | str | None]:
    """Returns the recordings of the speaker and of the other person, if there is one."""
    if given.channels == "mix":
        return audio, given.interlocutor_audio
    from llavataros_jax.sound.channels import split_channels

    left, right = split_channels(audio, folder)
    if given.channels in ("left", "right"):
        return (left if given.channels == "left" else right), given.interlocutor_audio
    return (left, right) if given.channels == "split" else (right, left)


def _speech(
    given: argparse.Namespace,
    run: TrainedRun,
    recording: WantedRecording,
    audio: Path,
    other_audio: Path | str | None,
) -> tuple[SpeechFeatures, ClipSpeech | None]:
    """Returns the speaker's features, and the other person's if there is one."""
    if given.features:
        people = read_features(given.features, run, audio=audio)
        speech = people[0]
    else:
        require_features(run, checkpoint=given.checkpoint or "that comes along")
        people = []
        speech = prepare_speech(
            audio,
            config=run.config,
            words=recording.words,
            transcript=recording.transcript,
            speaker=given.speaker,
        )
    if not speech.num_frames:
        raise UserError(
            f"{recording.audio} lasts {speech.seconds:.4f} s, less than half a frame of "
            f"{1 / run.manifest.fps:.4f} s, so there is nothing to animate; give a longer recording"
        )
    if len(people) > 1:
        return speech, _as_clip(people[1], run.speaker_id(given.interlocutor_speaker))
    if not other_audio:
        return speech, None
    other = prepare_speech(
        other_audio,
        config=run.config,
        num_frames=speech.num_frames,
        words=given.interlocutor_words,
        transcript=given.interlocutor_transcript,
        speaker=given.interlocutor_speaker,
    )
    if abs(other.seconds - speech.seconds) > _EQUAL_SECONDS:
        raise UserError(
            f"{recording.audio} lasts {speech.seconds:.2f} s and {other_audio} "
            f"{other.seconds:.2f} s, but both sides of a conversation must be equally long; cut one"
        )
    return speech, _as_clip(other, run.speaker_id(given.interlocutor_speaker))


def _as_clip(speech: SpeechFeatures, speaker: int) -> ClipSpeech:
    return ClipSpeech(speech.audio, speech.word_vectors, speech.word_index, speaker)


def _write(
    files: WrittenFiles,
    motion: Motion,
    run: TrainedRun,
    asked: AskedForms,
    speech: SpeechFeatures,
    audio: Path,
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Writes a motion and its film; returns notes, and how long each took."""
    began = time.monotonic()
    files.folder.mkdir(parents=True, exist_ok=True)
    files.begin()
    write_npy(files.path(".npy"), motion)
    write_bvh(files.path(".bvh"), motion, metres_per_unit=run.config.motion.bvh_metres_per_unit)
    notes = asked.write(motion, files.path, files.stem)
    written = time.monotonic()
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
    return notes, {"write the motion": written - began, "film": time.monotonic() - written}
