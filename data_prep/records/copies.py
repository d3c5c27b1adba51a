"""Changed copies and mirror images of the training records.

A copy holds the same frames of the same take as the record that it is a copy of, and nothing of
what lies behind them, where the end of a take is held out. Its stages are kept as those of clips
are, under the keys of what they were made from and of the change.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.clips.attempt import attempt
from data_prep.clips.cache import Arrays, StageCache
from data_prep.clips.change import Change, draw_change
from data_prep.clips.changed_motion import changed_frames, changed_motion
from data_prep.clips.clip import MIRROR, MIRRORED
from data_prep.clips.prepared_clip import (
    PreparedClip,
    motion_from_arrays,
    motion_to_arrays,
    words_hash,
)
from data_prep.clips.speech import words_from_arrays
from data_prep.clips.stages import Stage, changed_stage
from data_prep.machine.fingerprint import content_hash
from data_prep.records.kept_stages import KeptStages
from data_prep.records.plan import DatasetPlan, PlannedRecord
from data_prep.records.splits import TRAIN
from data_prep.sound.changed_sound import SoundChange, changed_sound
from data_prep.sound.features import audio_features
from llavataros_jax.config import AugmentationConfig, Config
from llavataros_jax.errors import UserError

_BETWEEN = "~"
_MIRROR_NOTE = "the mirror image of a recording, made by augmentation.mirror"


@dataclass(frozen=True)
class Copy:
    """A record to be made of another one.

    Attributes:
        name: Its name.
        source: The record that it is made of.
        change: What is changed.
        copy_of: That record, or its mirror image, that it is a changed copy of; empty for a mirror
            image, which is a recording in its own right.
    """

    name: str
    source: PlannedRecord
    change: Change
    copy_of: str = ""


@dataclass(frozen=True)
class PreparedCopy:
    """A copy after its stages.

    Attributes:
        copy: The copy.
        record: What is to be written; None when it cannot be.
        problem: Why not.
        made: Stages that were computed in this run.
    """

    copy: Copy
    record: PlannedRecord | None = None
    problem: str | None = None
    made: tuple[str, ...] = ()


def with_recorded_mirror(plan: DatasetPlan) -> list[str]:
    """Returns the training records that are mirror images, or of which one was recorded."""
    names = {record.main.clip.name for record in plan.records}
    mirrors = {name for name in names if MIRROR.search(name)}
    known = mirrors | {MIRROR.sub("", name) for name in mirrors}
    return [
        record.cut.name
        for record in plan.records
        if record.cut.split == TRAIN
        and (record.main.clip.name in known or record.main.clip.speaker.endswith(MIRRORED))
    ]


def copies_of(plan: DatasetPlan, config: AugmentationConfig) -> list[Copy]:
    """Returns what is to be added to a plan: mirror images, and changed copies of all.

    Raises:
        UserError: When a recording has the name of a copy.
    """
    found: list[Copy] = []
    unmirrored = set(with_recorded_mirror(plan)) if config.mirror else set()
    for record in plan.records:
        if record.cut.split != TRAIN:
            continue
        is_mirrored = config.mirror and record.cut.name not in unmirrored
        if is_mirrored:
            found.append(Copy(record.cut.name + MIRRORED, record, Change(is_mirrored=True)))
        for mirrored in (False, True)[: 1 + is_mirrored]:
            name = record.cut.name + MIRRORED * mirrored
            for number in range(1, config.copies + 1):
                change = draw_change(config, name, number, is_mirrored=mirrored)
                found.append(Copy(f"{name}{_BETWEEN}{number}", record, change, name))
    taken = {record.cut.name for record in plan.records} & {copy.name for copy in found}
    if taken:
        raise UserError(
            f"clip {min(taken)} has the name that a copy or mirror image of another clip gets "
            "(section augmentation); give its files another name"
        )
    return found


def with_copies(plan: DatasetPlan, copies: Sequence[PreparedCopy]) -> DatasetPlan:
    """Adds the copies that could be made to a plan, and tells of the others."""
    made = [copy.record for copy in copies if copy.record]
    records = sorted((*plan.records, *made), key=lambda record: record.cut.name)
    speakers = {*plan.speakers, *(record.main.clip.speaker for record in made)}
    problems = {copy.copy.name: copy.problem for copy in copies if copy.problem}
    failures = plan.failures | dict(sorted(problems.items()))
    return DatasetPlan(tuple(records), tuple(sorted(speakers)), failures, plan.config)


def prepare_copy(
    copy: Copy, config: Config, *, cache_folder: Path, only_kept: bool = False
) -> PreparedCopy:
    """Runs the stages of a copy; whatever is wrong with it is returned, not raised.

    Raises:
        ExhaustedError: When memory or open files are at an end.
        OSError: When results cannot be kept, such as on a full disk.
        NotKeptError: When `only_kept` and there is anything to compute.
    """
    cache = StageCache(cache_folder, only_kept=only_kept)
    record, problem = attempt(
        lambda: _record(copy, config, cache, cache_folder), cache_folder=cache_folder
    )
    return PreparedCopy(copy, record, problem, tuple(cache.made))


def results_of(copy: Copy) -> set[tuple[str, str]]:
    """Returns stage and key of the results that preparing a copy keeps."""
    record, change = copy.source, copy.change
    stages = [_motion_stage(record, change)]
    for person, sound in _people(record, change):
        stages += _speech_stages(record, person, change, sound)
    return {(stage.name, stage.key) for stage in stages}


def _record(copy: Copy, config: Config, cache: StageCache, folder: Path) -> PlannedRecord:
    record, change, fps = copy.source, copy.change, config.motion.fps
    kept = KeptStages(folder, fps)
    start, stop = (
        changed_frames(frame, change.speed, fps) if frame else 0
        for frame in (record.cut.start_frame, record.cut.stop_frame)
    )
    stage = _motion_stage(record, change)
    motion = cache.arrays(stage, lambda: _motion(record, change, kept))
    people = [
        _person(record, person, change, sound, config, cache, kept)
        for person, sound in _people(record, change)
    ]
    speaker = record.main.clip.speaker + MIRRORED * change.is_mirrored
    main = dataclasses.replace(
        people[0],
        clip=dataclasses.replace(record.main.clip, name=copy.name, speaker=speaker),
        motion_frames=len(motion["frames"]),
        skeleton=motion_from_arrays(motion).skeleton,
        keys=_with_keys(people[0], [stage]),
        notes=(change.note,) if copy.copy_of else (*record.main.notes, _MIRROR_NOTE),
    )
    cut = dataclasses.replace(
        record.cut, name=copy.name, clip=copy.name, start_frame=start, stop_frame=stop
    )
    partner = people[1] if record.interlocutor else None
    return PlannedRecord(cut, main, partner, None, copy.copy_of)


def _people(record: PlannedRecord, change: Change) -> list[tuple[PreparedClip, SoundChange | None]]:
    """Returns who is heard in a record, and what becomes of their sound."""
    pairs = [(record.main, change.sound)]
    return pairs + ([(record.interlocutor, change.interlocutor)] if record.interlocutor else [])


def _motion_stage(record: PlannedRecord, change: Change) -> Stage:
    pose = record.rest_pose and content_hash(record.rest_pose.to_dict())
    inputs = {"rest_pose": pose, **change.of_motion(record.cut.stop_frame)}
    return changed_stage("motion", record.main.key("motion"), inputs)


def _speech_stages(
    record: PlannedRecord, person: PreparedClip, change: Change, sound: SoundChange | None
) -> list[Stage]:
    """Returns the stages of a person's changed speech: sound, and words if there are any."""
    if sound is None:
        return []
    inputs = change.of_sound(sound, record.cut.stop_frame)
    stages = [changed_stage("audio", person.key("audio"), inputs)]
    if person.num_words:
        stages.append(changed_stage("words", person.key("words"), {"speed": change.speed}))
    return stages


def _motion(record: PlannedRecord, change: Change, kept: KeptStages) -> Arrays:
    whole = dataclasses.replace(record.cut, start_frame=0)
    motion = kept.motion(dataclasses.replace(record, cut=whole))
    return motion_to_arrays(changed_motion(motion, change), notes=())


def _person(
    record: PlannedRecord,
    person: PreparedClip,
    change: Change,
    sound: SoundChange | None,
    config: Config,
    cache: StageCache,
    kept: KeptStages,
) -> PreparedClip:
    """Changes what is heard of a person; the vectors of words stay."""
    stages = _speech_stages(record, person, change, sound)
    if sound is None:
        return person
    fps, speed = config.motion.fps, change.speed
    seconds = record.cut.stop_frame / fps
    frames = changed_frames(record.cut.stop_frame, speed, fps)

    def hear() -> Arrays:
        rate = config.audio.sample_rate
        audio = person.clip.audio
        with changed_sound(audio, sound, speed=speed, seconds=seconds, sample_rate=rate) as path:
            return {"features": audio_features(path, frames, config.audio, fps)}

    def retime() -> Arrays:
        arrays = kept.load(person, "words")
        return arrays | {"times": arrays["times"] / speed}

    cache.arrays(stages[0], hear)
    words = words_from_arrays(cache.arrays(stages[1], retime)) if person.num_words else []
    return dataclasses.replace(
        person,
        seconds=seconds / speed,
        audio_frames=frames,
        words_hash=words_hash(words),
        keys=_with_keys(person, stages),
    )


def _with_keys(person: PreparedClip, stages: Sequence[Stage]) -> tuple[tuple[str, str], ...]:
    keys = dict(person.keys) | {stage.name: stage.key for stage in stages}
    return tuple(sorted(keys.items()))
