"""What a run would compute: its network, its data and its steps, found or assumed."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from data_prep.sound.features import feature_names
from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.manifest import FILE_NAME, ClipEntry, Manifest, load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import GestureModel, Sizes, build
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.storage.place import is_file, placed
from llavataros_jax.training.choices import CROSS_BLOCKS, choose

# What is assumed where there are no records: GENEA 2023, and fast speech.
JOINTS, SPEAKERS = 83, 17
WORDS_PER_SECOND = 5
CLIP_SECONDS = 60
COMPONENTS = 40
_SIDE_BY_SIDE = 5


@dataclass(frozen=True)
class Length:
    """How much is trained, as asked for on the command line.

    Attributes:
        hours: Of training recordings; None takes those of the records.
        epochs: Times that each of them is seen; None takes the config's steps.
        steps: Steps; None likewise.
    """

    hours: float | None = None
    epochs: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        for name in ("hours", "epochs", "steps"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise UserError(f"--{name} is {value:g}, but must be above 0")
        if self.epochs is not None and self.steps is not None:
            raise UserError(
                "--epochs and --steps both say how long to train; leave one of them out"
            )


@dataclass(frozen=True)
class Workload:
    """A run to be estimated.

    Attributes:
        config: With nothing left to choose; `training.steps` are those of the run.
        model: Its network.
        codec: Its poses; where there are no records, those of a made-up body.
        segment_words: Rows of word vectors of a lane's segment.
        fps: Frames per second.
        hours: Of training recordings, if they are known.
        said: What was chosen by the data.
        assumed: What is not known and was assumed, a sentence each.
    """

    config: Config
    model: GestureModel
    codec: PoseCodec
    segment_words: int
    fps: int
    hours: float | None
    said: tuple[str, ...]
    assumed: tuple[str, ...]

    @property
    def frames_per_step(self) -> int:
        """Frames that a step learns from."""
        training = self.config.training
        lanes = training.lanes * training.accumulate_segments
        return lanes * self.config.model.segment_frames


def open_workload(config: Config, length: Length, *, joints: int | None = None) -> Workload:
    """Finds what the records tell and assumes the rest.

    Args:
        config: Of the run; its records need not exist.
        length: How much is trained.
        joints: Of the skeleton, where there are no records.

    Raises:
        UserError: When the length of the run is not known.
    """
    records = config.data.records
    manifest = load_manifest(records) if is_file(placed(records, FILE_NAME)) else None
    assumed: list[str] = []
    if manifest is None:
        assumed.append(f"{records} holds no records, so this is assumed:")
    fps = config.motion.fps if manifest is None else manifest.fps
    config, hours, said = _resolved(config, manifest, length, fps)
    sizes = _sizes(config, manifest, joints, assumed)
    words = _segment_words(config, manifest, fps, assumed)
    model = _network(config, sizes, assumed)
    codec = _made_up(sizes) if manifest is None else PoseCodec.from_dict(manifest.codec)
    return Workload(config, model, codec, words, fps, hours, tuple(said), tuple(assumed))


def of_config(workload: Workload, config: Config) -> Workload:
    """Returns the same run with other options of its network, lanes, optimiser or devices."""
    sampling = workload.model.sampling
    head = {} if sampling is None else {"flow": config.flow, "basis": sampling.basis}
    model = build(config.model, workload.model.sizes, **head)
    return dataclasses.replace(workload, config=config, model=model)


def _resolved(
    config: Config, manifest: Manifest | None, length: Length, fps: int
) -> tuple[Config, float | None, list[str]]:
    """Returns the config with its steps and blocks chosen, and the hours of recordings."""
    if length.hours is not None:
        clips = _minutes(length.hours, fps, dyadic=manifest is None or _is_dyadic(manifest))
        known: Manifest | None = _manifest_of(clips, fps)
    else:
        known = manifest
    hours = None
    if known is not None:
        hours = sum(clip.num_frames for clip in known.clips_of("train")) / fps / 3600
    steps = length.steps
    if length.epochs is not None:
        if known is None:
            raise UserError(
                f"--epochs counts through recordings, but there are no records "
                f"{config.data.records}; give --hours of recordings, or --steps"
            )
        steps = math.ceil(length.epochs * _epoch_steps(config, known))
    if steps is not None:
        config = _with(config, steps=steps)
    if config.training.steps == 0 and known is None:
        raise UserError(
            f"training.steps=0 is chosen from the recordings, but there are no records "
            f"{config.data.records}; give --hours of recordings, or --steps"
        )
    said: list[str] = []
    if config.model.cross_blocks < 0 and manifest is None:
        network = dataclasses.replace(config.model, cross_blocks=CROSS_BLOCKS)
        config = dataclasses.replace(config, model=network)
        said.append(f"model.cross_blocks={CROSS_BLOCKS}: as where people talk to each other")
    if known is not None and (config.training.steps == 0 or config.model.cross_blocks < 0):
        config, chosen = choose(config, known)
        said += [s for s in chosen if s.startswith(("model.cross_blocks=", "training.steps="))]
    return config, hours, said


def _with(config: Config, *, steps: int) -> Config:
    # A run that is shorter than its warm-up is none, but can be estimated.
    warmup = min(config.optimizer.warmup_steps, steps)
    return dataclasses.replace(
        config,
        training=dataclasses.replace(config.training, steps=steps),
        optimizer=dataclasses.replace(config.optimizer, warmup_steps=warmup),
    )


def _epoch_steps(config: Config, manifest: Manifest) -> float:
    frames = config.model.segment_frames
    segments = sum(math.ceil(clip.num_frames / frames) for clip in manifest.clips_of("train"))
    return segments / config.training.lanes / config.training.accumulate_segments


def _is_dyadic(manifest: Manifest) -> bool:
    return any(clip.interlocutor_speaker >= 0 for clip in manifest.clips)


def _minutes(hours: float, fps: int, *, dyadic: bool) -> tuple[ClipEntry, ...]:
    """Returns training clips of a minute each."""
    count = max(1, round(hours * 3600 / CLIP_SECONDS))
    frames = max(1, round(hours * 3600 * fps / count))
    clip = ClipEntry(
        "clip", "take", "train", "", 0, "", 0, frames, 0, 0, 0 if dyadic else -1, frames / fps, ""
    )
    return tuple(dataclasses.replace(clip, name=f"clip_{k}") for k in range(count))


def _manifest_of(clips: tuple[ClipEntry, ...], fps: int) -> Manifest:
    return Manifest("estimate", fps, (), {}, (), {}, {}, clips)


def _sizes(
    config: Config, manifest: Manifest | None, joints: int | None, assumed: list[str]
) -> Sizes:
    if manifest is not None:
        if joints is not None:
            raise UserError(
                f"--joints is for skeletons that are not known, but records {config.data.records} "
                "are there; leave it out"
            )
        return Sizes(
            audio=manifest.feature_size("audio"),
            text=manifest.feature_size("words"),
            pose=manifest.feature_size("pose"),
            speakers=len(manifest.speakers),
        )
    if joints is not None and joints < 1:
        raise UserError(f"--joints is {joints}, but a skeleton has 1 or more")
    of = "" if joints else " of GENEA 2023 (--joints changes it)"
    joints = joints or JOINTS
    pose = 3 + 6 * joints
    assumed.append(f"a pose of {pose} numbers: root and {joints} joints{of}; {SPEAKERS} speakers")
    return Sizes(len(feature_names(config.audio)), config.text.size, pose, SPEAKERS)


def _made_up(sizes: Sizes) -> PoseCodec:
    """Returns a codec of as many joints, five side by side as those of GENEA's body are about."""
    joints = (sizes.pose - 3) // 6
    parents = tuple(max(joint - _SIDE_BY_SIDE, 0) if joint else -1 for joint in range(joints))
    names = tuple(f"joint{joint}" for joint in range(joints))
    offsets = np.ones((sizes.speakers, joints, 3))
    zero, one = np.zeros(sizes.pose, np.float32), np.ones(sizes.pose, np.float32)
    skeleton = Skeleton(names, parents, offsets[0])
    return PoseCodec(skeleton, (), offsets, zero, one, np.zeros(sizes.pose, bool))


def _segment_words(config: Config, manifest: Manifest | None, fps: int, assumed: list[str]) -> int:
    frames = config.model.segment_frames
    if manifest is not None:
        try:
            return ClipReader(config.data.records, "train").max_segment_words(frames)
        except UserError as refusal:
            assumed.append(f"words of a segment, because {refusal}")
    rows = math.ceil(WORDS_PER_SECOND * frames / fps) + 1
    assumed.append(f"up to {rows} words a segment: {WORDS_PER_SECOND} a second")
    return rows


def _network(config: Config, sizes: Sizes, assumed: list[str]) -> GestureModel:
    if config.model.head != "flow":
        return build(config.model, sizes)
    run = config.training.run
    if is_file(placed(run, FILE_NAME)) and (known := load_manifest(run).pose_basis):
        return build(config.model, sizes, flow=config.flow, basis=PoseBasis.from_dict(known))
    count = min(COMPONENTS, sizes.pose)
    assumed.append(f"{count} components of poses for the sampled head; training measures them")
    ones = np.ones(count, np.float32)
    basis = PoseBasis(
        np.zeros(sizes.pose, np.float32), np.eye(count, sizes.pose, dtype=np.float32), ones, ones
    )
    return build(config.model, sizes, flow=config.flow, basis=basis)
