"""What the stages make of one clip: the work that is spread over processes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.clips.attempt import attempt
from data_prep.clips.cache import Arrays, StageCache
from data_prep.clips.clip import Clip
from data_prep.clips.speech import kept_speech, prepare_speech
from data_prep.clips.stages import Stage, motion_stage
from data_prep.machine.fingerprint import content_hash
from data_prep.words.word import Word
from llavataros_jax.config import Config
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import length_problem, read_motion
from llavataros_jax.motion.resampling import resample
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.sound.reader import read_info


@dataclass(frozen=True)
class PreparedClip:
    """One clip after its stages: where their results are kept and how long they are.

    Attributes:
        clip: The clip.
        seconds: Length of its audio.
        audio_frames: Frames of its speech.
        motion_frames: Frames of its motion; 0 without motion.
        skeleton: Skeleton of its motion.
        num_words: Words spoken in it.
        num_unknown: Words that their source could not name.
        words_hash: Hash of the words and their times, whatever they are from.
        keys: Key of the result of each stage.
        made: Stages that were computed in this run.
        notes: What the user should know.
        motion_problem: Why its motion cannot be used.
        speech_problem: Why its speech cannot be used.
    """

    clip: Clip
    seconds: float = 0.0
    audio_frames: int = 0
    motion_frames: int = 0
    skeleton: Skeleton | None = None
    num_words: int = 0
    num_unknown: int = 0
    words_hash: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    made: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    motion_problem: str | None = None
    speech_problem: str | None = None

    @property
    def problem(self) -> str | None:
        """Why no record can be made of the clip."""
        return self.motion_problem or self.speech_problem

    def key(self, stage: str) -> str:
        """Returns the key of a stage's result."""
        return dict(self.keys)[stage]


def prepare_clip(
    clip: Clip,
    config: Config,
    *,
    cache_folder: Path | None,
    is_interlocutor: bool,
    only_kept: bool = False,
) -> PreparedClip:
    """Runs the stages of a clip; whatever is wrong with it is returned, not raised.

    Motion comes first, because it is cheap and most often wrong; speech is left out after a
    failure unless another clip needs it.

    Raises:
        ExhaustedError: When memory or open files are at an end.
        OSError: When results cannot be kept, such as on a full disk.
        NotKeptError: When `only_kept` and there is anything to compute.
    """
    cache = StageCache(cache_folder, only_kept=only_kept)
    motion, motion_notes, motion_problem = None, (), None
    if clip.motion:
        read, motion_problem = attempt(
            lambda: _motion(clip, config, cache), cache_folder=cache_folder
        )
        motion, motion_notes = read or (None, ())
    speech, speech_problem = None, None
    if motion_problem is None or is_interlocutor:
        speech, speech_problem = attempt(
            lambda: prepare_speech(
                clip.audio,
                config=config,
                words=clip.words,
                transcript=clip.transcript,
                speaker=clip.speaker,
                cache=cache,
            ),
            cache_folder=cache_folder,
        )
    return PreparedClip(
        clip=clip,
        seconds=speech.seconds if speech else 0.0,
        audio_frames=speech.num_frames if speech else 0,
        motion_frames=motion.num_frames if motion else 0,
        skeleton=motion.skeleton if motion else None,
        num_words=len(speech.words) if speech else 0,
        num_unknown=speech.num_unknown if speech else 0,
        words_hash=words_hash(speech.words) if speech else "",
        keys=tuple(sorted(cache.keys.items())),
        made=tuple(cache.made),
        notes=(*clip.notes, *motion_notes, *(speech.notes if speech else ())),
        motion_problem=motion_problem,
        speech_problem=speech_problem,
    )


def used_results(clip: Clip, config: Config, cache_folder: Path) -> set[tuple[str, str]]:
    """Returns stage and key of all kept results that `prepare_clip` would read for a clip.

    What is wrong with the clip's own files is not told; of a file that cannot be read, no result
    is used.
    """
    stages: list[Stage] = []
    if clip.motion:
        stage, _ = attempt(lambda: _motion_stage(clip, config))
        stages += [stage] if stage else []

    def follow() -> None:
        stages.extend(
            kept_speech(
                clip.audio,
                config=config,
                words=clip.words,
                transcript=clip.transcript,
                speaker=clip.speaker,
                folder=cache_folder,
            )
        )

    attempt(follow)
    return {(stage.name, stage.key) for stage in stages}


def tolerance_seconds(seconds: float, fps: float) -> float:
    """Returns how much audio and motion, or two speakers' audio, may differ in length."""
    return max(2 / fps, 0.01 * seconds)


def motion_from_arrays(arrays: Arrays) -> Motion:
    """Rebuilds the motion that the stage `motion` keeps."""
    skeleton = Skeleton.from_dict(json.loads(str(arrays["skeleton"])))
    return Motion(arrays["frames"], float(arrays["fps"]), skeleton)


def motion_to_arrays(motion: Motion, notes: Sequence[str]) -> Arrays:
    """Returns what the stage `motion` keeps."""
    return {
        # A metre in float32 is right to 0.1 µm, a hundredth of what counts as rigid.
        "frames": motion.frames.astype(np.float32),
        "fps": np.array(motion.fps),
        "skeleton": np.array(json.dumps(motion.skeleton.to_dict())),
        "notes": np.array(notes, dtype=str),
    }


def words_hash(words: Sequence[Word]) -> str:
    """Hashes words and their times, whatever they are from."""
    return content_hash([[w.text, w.start_seconds, w.end_seconds] for w in words])


def _motion(clip: Clip, config: Config, cache: StageCache) -> tuple[Motion, tuple[str, ...]]:
    """Reads the motion of a clip at the model's rate, and what is to be said about it."""
    stage = _motion_stage(clip, config)
    seconds, is_cut = stage.inputs["seconds"], stage.inputs["cut_to_shorter"]
    arrays = cache.arrays(stage, lambda: _read(clip, config, seconds, is_cut=is_cut))
    return motion_from_arrays(arrays), tuple(arrays["notes"].tolist())


def _motion_stage(clip: Clip, config: Config) -> Stage:
    assert clip.motion is not None
    seconds = read_info(clip.audio, config.audio.sample_rate).seconds
    fps = config.motion.fps
    if round(seconds * fps) < 1:
        raise UserError(
            f"audio {clip.audio} of {seconds:.4f} s is shorter than a frame of 1/{fps} s; "
            "leave it out or record more"
        )
    is_cut = clip.is_cut_to_shorter or config.motion.cut_to_shorter
    return motion_stage(clip.motion, seconds, config.motion, is_cut=is_cut)


def _read(clip: Clip, config: Config, seconds: float, *, is_cut: bool) -> Arrays:
    """Reads motion, and checks its length against the audio."""
    assert clip.motion is not None
    settings = config.motion
    motion, notes = read_motion(
        clip.motion,
        audio_seconds=seconds,
        source_fps=settings.source_fps,
        bvh_metres_per_unit=settings.bvh_metres_per_unit,
        up=settings.up_axis,
    )
    lengths = sorted((motion.seconds, seconds))
    # Where one is twice the other, they hardly belong together.
    is_cut = is_cut and lengths[1] <= 2 * lengths[0]
    if lengths[1] - lengths[0] > tolerance_seconds(seconds, motion.fps) and not is_cut:
        raise UserError(length_problem(motion, clip.motion, clip.audio, seconds))
    return motion_to_arrays(resample(motion, settings.fps), notes)
