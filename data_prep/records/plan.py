"""What a folder of records is going to hold."""

import dataclasses
from collections import Counter
from dataclasses import dataclass

from data_prep.clips.prepared_clip import PreparedClip, tolerance_seconds
from data_prep.machine.fingerprint import content_hash
from data_prep.records.rest_poses import RestPose, other_rest_poses
from data_prep.records.splits import (
    DROP_SECONDS,
    WINDOW_SECONDS,
    Cut,
    Performance,
    drop_and_trim,
    plan_splits,
)
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_dict
from llavataros_jax.motion.skeleton import Skeleton

PREFIX = "speech_motion"
DATASET_VERSION = 1  # raise it when records of the same stages are written otherwise
# The kind of a record's hash. The first, without a name, held the keys of all stages.
_KIND = "2"
_CODEC_OPTIONS = ("fps", "flexible_joints", "rigid_tolerance_metres", "scaler", "scale_floor")


@dataclass(frozen=True)
class PlannedRecord:
    """One record to be written.

    Attributes:
        cut: Which frames of which clip, for which split.
        main: The clip.
        interlocutor: The other speaker's clip, if there is one.
        rest_pose: Skeleton in whose rest pose the motion is told, if not in its file's own.
        copy_of: Name of the record that it is a changed copy of; empty for all others.
    """

    cut: Cut
    main: PreparedClip
    interlocutor: PreparedClip | None = None
    rest_pose: Skeleton | None = None
    copy_of: str = ""

    @property
    def num_frames(self) -> int:
        """Frames of the record."""
        return self.cut.stop_frame - self.cut.start_frame


@dataclass(frozen=True)
class DatasetPlan:
    """Everything that decides what the finished folder holds.

    Attributes:
        records: Records in the order in which they are written.
        speakers: Names of the speakers in the order of their ids.
        failures: Clips that could not be prepared, each with the reason.
        config: Options.
    """

    records: tuple[PlannedRecord, ...]
    speakers: tuple[str, ...]
    failures: dict[str, str]
    config: Config

    @property
    def name(self) -> str:
        """Name of the data set, with a hash of what its files hold and how they are divided.

        Of the config only that counts which no record's hash holds: what the codec depends on.
        """
        motion = config_to_dict(self.config)["motion"]
        whole = {
            "version": DATASET_VERSION,
            "records": [
                [
                    self.record_hash(record),
                    record.main.clip.speaker,
                    record.interlocutor and record.interlocutor.clip.speaker,
                ]
                for record in self.records
            ],
            "speakers": self.speakers,
            "codec": {name: motion[name] for name in _CODEC_OPTIONS},
            "shard_megabytes": self.config.data.shard_megabytes,
        }
        return f"{PREFIX}_{content_hash(whole)[:12]}"

    def record_hash(self, record: PlannedRecord) -> str:
        """Hashes what a record is computed from: of motion, sound and vectors the stages' keys.

        Of words, which come from files and tools of many kinds, the words and times themselves
        count. Not counted is what the user is told, and where anything lies.
        """
        people = [
            [dict(person.keys).get("audio"), dict(person.keys).get("text"), person.words_hash]
            for person in (record.main, record.interlocutor)
            if person
        ]
        rule = self.config.words.frame_rule
        motion: object = dict(record.main.keys).get("motion")
        if record.rest_pose is not None:
            motion = [motion, content_hash(record.rest_pose.to_dict())]
        return f"{_KIND}-" + content_hash([dataclasses.asdict(record.cut), motion, people, rule])

    def speaker_id(self, clip: PreparedClip) -> int:
        """Returns the id of a clip's speaker."""
        return self.speakers.index(clip.clip.speaker)


def find_usable(
    prepared: dict[str, PreparedClip], config: Config
) -> tuple[dict[str, PreparedClip], dict[str, str]]:
    """Returns the clips that become records, by name, and why others with motion do not fit."""
    sound = {name: clip for name, clip in prepared.items() if clip.clip.motion and not clip.problem}
    misfits = find_misfits(sound, prepared, config)
    return {name: clip for name, clip in sound.items() if name not in misfits}, misfits


def find_misfits(
    usable: dict[str, PreparedClip], prepared: dict[str, PreparedClip], config: Config
) -> dict[str, str]:
    """Finds clips that do not go with the others or with their interlocutor, and says why."""
    misfits: dict[str, str] = {}
    structures = Counter(
        (clip.skeleton.names, clip.skeleton.parents) for clip in usable.values() if clip.skeleton
    )
    for name, clip in usable.items():
        assert clip.skeleton is not None
        (names, parents), count = structures.most_common(1)[0]
        if (clip.skeleton.names, clip.skeleton.parents) != (names, parents):
            misfits[name] = (
                f"motion {clip.clip.motion} has {clip.skeleton.num_joints} joints from "
                f"{clip.skeleton.names[0]} to {clip.skeleton.names[-1]}, but {count} other clips "
                f"have {len(names)} from {names[0]} to {names[-1]}; prepare them apart"
            )
        elif clip.clip.interlocutor:
            partner = prepared.get(clip.clip.interlocutor)
            fps = config.motion.fps
            if partner is None:
                misfits[name] = (
                    f"its interlocutor {clip.clip.interlocutor} cannot be used; see why that clip "
                    "was left out"
                )
            elif partner.speech_problem:
                misfits[name] = (
                    f"its interlocutor {partner.clip.name} cannot be used: {partner.speech_problem}"
                )
            elif abs(clip.seconds - partner.seconds) > tolerance_seconds(clip.seconds, fps):
                misfits[name] = (
                    f"audio {clip.clip.audio} lasts {clip.seconds:.3f} s but its interlocutor's "
                    f"{partner.clip.audio} lasts {partner.seconds:.3f} s; both sides of a "
                    "conversation must be equally long"
                )
        if config.data.drop_and_trim and name not in misfits:
            least = DROP_SECONDS + WINDOW_SECONDS
            if min(clip.motion_frames, clip.audio_frames) < least * config.motion.fps:
                misfits[name] = (
                    f"it lasts {clip.motion_frames / config.motion.fps:.3f} s, less than the "
                    f"{least:g} s of which data.drop_and_trim keeps the end; turn it off"
                )
    return misfits


def plan_dataset(
    usable: dict[str, PreparedClip],
    prepared: dict[str, PreparedClip],
    config: Config,
    *,
    failures: dict[str, str],
    skipped: dict[str, str],
) -> DatasetPlan:
    """Reconciles lengths, divides training from validation, numbers the speakers.

    Args:
        usable: Clips that become records, by name.
        prepared: All clips, the interlocutors among them.
        config: Options.
        failures: Clips that could not be prepared, each with the reason.
        skipped: Files that are no clip, each with the reason.
    """
    partners = {
        name: prepared[clip.clip.interlocutor]
        for name, clip in usable.items()
        if clip.clip.interlocutor
    }
    performances = []
    for name, clip in usable.items():
        partner = partners.get(name)
        frames = [clip.motion_frames, clip.audio_frames]
        performances.append(
            Performance(
                name,
                clip.clip.take,
                min(frames + ([partner.audio_frames] if partner else [])),
                partner.clip.take if partner else None,
            )
        )
    cuts = plan_splits(performances, config.data)
    if config.data.drop_and_trim:
        lengths = {clip.name: clip.num_frames for clip in performances}
        cuts = drop_and_trim(cuts, lengths, config.motion.fps)
    poses = other_rest_poses(usable)
    records = [
        PlannedRecord(
            cut,
            _with_notes(usable[cut.clip], config.motion.fps, poses.get(cut.clip)),
            partners.get(cut.clip),
            poses[cut.clip].skeleton if cut.clip in poses else None,
        )
        for cut in cuts
    ]
    people = {clip.clip.speaker for clip in (*usable.values(), *partners.values())}
    reasons = dict(sorted(failures.items())) | {
        name: f"skipped: {reason}" for name, reason in sorted(skipped.items())
    }
    return DatasetPlan(tuple(records), tuple(sorted(people)), reasons, config)


def _with_notes(clip: PreparedClip, fps: int, rest_pose: RestPose | None) -> PreparedClip:
    """Adds what was found out when clips were put together."""
    notes = [*clip.notes, *([rest_pose.note] if rest_pose else [])]
    surplus = abs(clip.motion_frames - clip.audio_frames)
    if surplus > 1:
        longer = "motion" if clip.motion_frames > clip.audio_frames else "audio"
        notes.append(f"the last {surplus / fps:.2f} s of its {longer} were cut off")
    if clip.num_unknown:
        notes.append(f"{clip.num_unknown} of {clip.num_words} words are out of vocabulary")
    return dataclasses.replace(clip, notes=tuple(notes))
