"""Every option of the project, as frozen dataclasses.

Defaults live here and nowhere else, impossible combinations are refused when a section is made, and
numbers derived from others are properties. `config_file` reads and writes them.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class DataConfig:
    """Where recordings come from, where records go, and what is held out.

    Attributes:
        folder: Folder of recordings.
        source: How its files belong together: `folder` (audio with motion of the same name beside
            it), `pairs` (by the patterns below), `genea` (GENEA 2023), `beat2` (SMPL-X `.npz`);
            `auto` looks which of them it is.
        audio_glob: Pattern of the audio files in `folder`, such as `wav/{name}.wav`; for `pairs`.
        motion_glob: Pattern of the motion files, with the same `{name}` or as many wildcards.
        words_glob: Pattern of the timed words or transcripts.
        records: Folder that preparation writes and training reads.
        words_folder: Folder of timed words or transcripts, if they are not beside the audio.
        holdout: `takes` holds out whole takes for validation, `tail` the end of every take.
        holdout_fraction: Share of the takes (or of each take's seconds) that is held out.
        holdout_takes: Takes to hold out by name; overrides `holdout_fraction`.
        drop_and_trim: GENEA's window rule: leave out the first 6 seconds of every clip and end it
            at a multiple of 3 seconds (spec section 1.4).
        shard_megabytes: A new TFRecord shard begins when the last one exceeds this size.
        workers: Preparation processes; 0 means one for each core.
        strict: Stop at the first clip that fails instead of reporting it and going on.
    """

    folder: str = "recordings"
    source: Literal["auto", "folder", "pairs", "genea", "beat2"] = "auto"
    audio_glob: str | None = None
    motion_glob: str | None = None
    words_glob: str | None = None
    records: str = "records"
    words_folder: str | None = None
    holdout: Literal["takes", "tail"] = "takes"
    holdout_fraction: float = 0.1
    holdout_takes: tuple[str, ...] = ()
    drop_and_trim: bool = False
    shard_megabytes: int = 256
    workers: int = 0
    strict: bool = False

    def __post_init__(self) -> None:
        _require(0 <= self.holdout_fraction < 1, "data.holdout_fraction must be in [0, 1)", self)
        _require(self.shard_megabytes > 0, "data.shard_megabytes must be positive", self)
        _require(self.workers >= 0, "data.workers must not be negative", self)
        _require(
            not (self.holdout == "tail" and self.holdout_takes),
            "data.holdout_takes needs data.holdout=takes; leave one of them out",
            self,
        )
        patterns = (self.audio_glob, self.motion_glob, self.words_glob)
        _require(
            None not in patterns[:2] or (self.source != "pairs" and not any(patterns)),
            "data.source=pairs needs data.audio_glob and data.motion_glob, and they each other",
            self,
        )
        _require(
            not any(patterns) or self.source in ("auto", "pairs"),
            "data.audio_glob, motion_glob and words_glob need data.source=pairs",
            self,
        )


@dataclass(frozen=True)
class AudioConfig:
    """Audio features, computed in steps of 10 ms, three of each frame stacked.

    Attributes:
        kind: `mel` needs nothing; `pase` are the 768 features of PASE+ and need its weights.
        sample_rate: Hertz that audio is resampled to.
        mels: Bands of the log-mel spectrogram; energy, pitch, voicing and onset are added to them.
        pase: Checkpoint of PASE+, such as FE_e199.ckpt.
        pase_mode: `context` encodes the whole recording, `isolated` each frame alone, as the
            ancestor did (spec section 1.2); a model trained on one does not fit the other.
    """

    kind: Literal["mel", "pase"] = "mel"
    sample_rate: int = 16000
    mels: int = 40
    pase: str | None = None
    pase_mode: Literal["context", "isolated"] = "context"

    def __post_init__(self) -> None:
        _require(
            (self.kind == "pase") == bool(self.pase),
            "audio.kind=pase and audio.pase, the path of its checkpoint, belong together; set both "
            "or neither",
            self,
        )
        _require(
            self.kind != "pase" or self.sample_rate == 16000,
            "audio.kind=pase needs audio.sample_rate=16000",
            self,
        )


@dataclass(frozen=True)
class TextConfig:
    """Word vectors: hashed words and sub-words, no download, or states of a language model.

    A language model gives each word the state of its last sub-token. `size` has to be stated for it
    too, so that whoever reads the config knows it without the model; preparation checks it.

    Attributes:
        kind: `hashed`, or `language_model` for any causal or masked one of `transformers`.
        size: Length of a word's vector; 4096 for LLaMA 2 7B.
        ngram_min: Shortest hashed character n-gram, with `<` and `>` marking the word's ends.
        ngram_max: Longest hashed character n-gram.
        model: Folder of a language model, or its name on the Hugging Face hub.
        layer: Block after which its states are taken, 0 for its embeddings; after the last norm
            when not given.
        context: What it reads together: an `utterance`, up to a pause or the end of a sentence, or
            the whole `conversation`, all that the speaker says in a recording. Whatever is longer
            than `context_tokens` is read in windows that overlap by half, so nothing is lost.
        context_tokens: Longest text that it reads at once; 0 means its own limit, at most 4096.
        dtype: Type of its weights; `bfloat16` and `float16` halve its memory.
        batch: Texts that it reads at the same time, those of like length together.
    """

    kind: Literal["hashed", "language_model"] = "hashed"
    size: int = 128
    ngram_min: int = 3
    ngram_max: int = 5
    model: str | None = None
    layer: int | None = None
    context: Literal["utterance", "conversation"] = "utterance"
    context_tokens: int = 0
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    batch: int = 8

    def __post_init__(self) -> None:
        _require(self.size > 0, "text.size must be positive", self)
        _require(self.batch > 0, "text.batch must be positive", self)
        _require(
            (self.kind == "language_model") == bool(self.model),
            "text.kind=language_model and text.model belong together; set both or neither",
            self,
        )
        _require(
            self.context_tokens == 0 or self.context_tokens >= 16,
            "text.context_tokens must be 0 or at least 16",
            self,
        )


@dataclass(frozen=True)
class WordsConfig:
    """How words get their times when the user brings no timed file.

    Attributes:
        aligner: What times a transcript; `auto` takes the best that is installed.
        whisper: Path of Whisper weights, or a size such as `base`, that write the words when there
            is no transcript.
        device: Where Whisper runs: `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:1`.
        language: Language of the speech, such as `en`; `auto` lets Whisper find out.
        mfa: The program of the Montreal Forced Aligner; a path when it has its own environment.
        mfa_dictionary: Its pronunciation dictionary, a file or a name; by the language when absent.
        mfa_acoustic: Its acoustic model, a file or a name; by the language when not given.
        mfa_jobs: Its processes; 0 means one for each core.
        frame_rule: Which word is active on a frame: by its `interval` (spec section 1.3), or by the
            ancestor's `pointer`, which words that are too short or overlap delay.
    """

    aligner: Literal["auto", "mfa", "pocketsphinx", "whisper"] = "auto"
    whisper: str | None = None
    device: str = "auto"
    language: str = "en"
    mfa: str = "mfa"
    mfa_dictionary: str | None = None
    mfa_acoustic: str | None = None
    mfa_jobs: int = 0
    frame_rule: Literal["interval", "pointer"] = "interval"

    def __post_init__(self) -> None:
        _require(self.mfa_jobs >= 0, "words.mfa_jobs must not be negative", self)


@dataclass(frozen=True)
class MotionConfig:
    """The frame rate of the model and how motion becomes its target.

    Attributes:
        fps: Frames per second that the model predicts.
        source_fps: Rate of `.npy` motion; found from the audio's length when not given.
        bvh_metres_per_unit: Length of one BVH unit; 0.01 for centimetres.
        flexible_joints: Joints whose offset is predicted because it is not rigid; `auto` measures.
        rigid_tolerance_metres: An offset that deviates less than this is rigid.
        scaler: `standard` subtracts the mean and divides by the deviation; `minmax` brings the
            training motion to [-1, 1], as the scaler that the ancestor ships.
        scale_floor: Smallest scale by which a target dimension is divided.
    """

    fps: int = 30
    source_fps: float | None = None
    bvh_metres_per_unit: float = 0.01
    flexible_joints: tuple[str, ...] = ("auto",)
    rigid_tolerance_metres: float = 1e-5
    scaler: Literal["standard", "minmax"] = "standard"
    scale_floor: float = 1e-4

    def __post_init__(self) -> None:
        _require(self.fps > 0, "motion.fps must be positive", self)


@dataclass(frozen=True)
class ModelConfig:
    """The cross-attentive Transformer-XL; the defaults are its published size.

    Attributes:
        variant: Front end: `text`, `audio`, `plus` (concatenated) or `cross` (audio queries text).
        d_model: Width of the residual stream.
        heads: Attention heads.
        d_head: Width of one head.
        d_inner: Width of the feed-forward layer.
        self_blocks: Blocks over the main speaker.
        cross_blocks: Blocks that attend to the interlocutor.
        d_speaker: Width of the speaker embedding.
        segment_frames: Frames in one segment.
        memory_frames: Frames of memory.
        span_frames: Keys that a query sees, itself included; 0 means `memory_frames`.
        norm: `post` as published, or `pre`, which trains small models faster.
        cross_memory: Whose past the first cross block remembers: `interlocutor`, as it should be,
            or `main_encoder`, as in the public ancestor (spec section 2.6, quirk A).
        memory_reset: What a new clip does to its lane's memory: `mask` hides it, `zeros` writes
            zeros that can still be attended to, as the ancestor.
        dropout: Dropout rate.
        standardise_features: Subtract mean and divide by deviation of the training features.
        silence_bit: Add an input that says whether a word is active.
        compute_dtype: Type of the matrix products; everything else stays float32.
        attention_kernel: `cudnn` needs bfloat16 and a GPU.
    """

    variant: Literal["text", "audio", "plus", "cross"] = "plus"
    d_model: int = 1024
    heads: int = 32
    d_head: int = 32
    d_inner: int = 4096
    self_blocks: int = 4
    cross_blocks: int = 2
    d_speaker: int = 8
    segment_frames: int = 90
    memory_frames: int = 180
    span_frames: int = 0
    norm: Literal["post", "pre"] = "post"
    cross_memory: Literal["interlocutor", "main_encoder"] = "interlocutor"
    memory_reset: Literal["mask", "zeros"] = "mask"
    dropout: float = 0.2
    standardise_features: bool = True
    silence_bit: bool = False
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    attention_kernel: Literal["xla", "cudnn"] = "xla"

    def __post_init__(self) -> None:
        sizes = ("d_model", "heads", "d_head", "d_inner", "segment_frames", "memory_frames")
        for name in sizes:
            _require(getattr(self, name) > 0, f"model.{name} must be positive", self)
        _require(0 <= self.dropout < 1, "model.dropout must be in [0, 1)", self)
        _require(self.self_blocks + self.cross_blocks > 0, "model needs at least one block", self)
        _require(
            self.span <= self.memory_frames + 1,
            f"model.span_frames={self.span_frames} exceeds memory_frames + 1 = "
            f"{self.memory_frames + 1}, so the first frames of a segment would see fewer keys "
            "than the last; raise memory_frames",
            self,
        )
        _require(
            self.attention_kernel == "xla" or self.compute_dtype == "bfloat16",
            "model.attention_kernel=cudnn needs model.compute_dtype=bfloat16",
            self,
        )
        _require(self.d_model % 2 == 0, "model.d_model must be even (sines and cosines)", self)

    @property
    def span(self) -> int:
        """Keys that a query sees, itself included."""
        return self.span_frames or self.memory_frames


@dataclass(frozen=True)
class LossConfig:
    """Weights of the mean-absolute-error terms (spec section 4); lengths are in centimetres.

    The published weights (rotation 1, position and root position 0.01, velocity, root velocity and
    acceleration 0.5, kinetic 0.2) are from code in which no gradient reached any term but rotation.
    With gradients they keep hands still: on held-out speech hands moved at 4 % of the real speed on
    the bundled corpus and at 6 % on AvatarOS, against 97 % and 32 % with the weights below, so
    these are the defaults; README, "Results".

    Attributes:
        rotation: Normalised pose vector.
        position: Joint positions by forward kinematics, root at the origin.
        root_position: Root position.
        velocity: First differences of the joint positions.
        root_velocity: First differences of the root.
        acceleration: Second differences of the joint positions.
        kinetic: Squared first differences of the joint positions.
        geometric_gradient: Let gradients through un-scaling and kinematics; the ancestor did not.
        drop_interlocutor: Share of segments' lanes whose interlocutor is hidden in training.
    """

    rotation: float = 1.0
    position: float = 0.1
    root_position: float = 0.01
    velocity: float = 0.05
    root_velocity: float = 0.05
    acceleration: float = 0.02
    kinetic: float = 0.01
    geometric_gradient: bool = True
    drop_interlocutor: float = 0.1


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with linear warm-up, cosine decay and clipping by global norm.

    Attributes:
        learning_rate: Peak learning rate.
        warmup_steps: Steps of linear warm-up.
        final_fraction: Learning rate at the last step as a share of the peak; 1 keeps it constant.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        weight_decay: Decoupled weight decay.
        clip_norm: Largest global gradient norm; 0 turns clipping off.
    """

    learning_rate: float = 1e-5
    warmup_steps: int = 0
    final_fraction: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    clip_norm: float = 0.0


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how often.

    Attributes:
        run: Folder of the run: config, logs, checkpoints, samples.
        steps: Optimiser steps.
        lanes: Rows of the batch; each reads whole clips one after another.
        seed: Seed of parameters, dropout and the order of clips.
        piece_segments: Deal clips to lanes in pieces of so many segments; 0 means whole. For
            corpora of fewer clips than lanes; each piece starts with an empty memory.
        random_phase: Start every clip at a random frame of its first segment, anew each epoch.
        log_every: Steps between log lines.
        validate_every: Steps between validations on held-out clips; 0 turns it off.
        checkpoint_every: Steps between checkpoints.
        sample_every: Steps between rendered samples; 0 turns them off.
        sample_seconds: Length of a rendered sample.
        dropout_bits: Random bit generator of dropout. `threefry2x32` gives the same bits
            everywhere; `rbg` may cost less on an accelerator (`scripts/benchmark.py dropout`).
    """

    run: str = "runs/default"
    steps: int = 1000
    lanes: int = 32
    seed: int = 1
    piece_segments: int = 0
    random_phase: bool = True
    log_every: int = 50
    validate_every: int = 500
    checkpoint_every: int = 500
    sample_every: int = 0
    sample_seconds: float = 8.0
    dropout_bits: Literal["threefry2x32", "rbg", "unsafe_rbg"] = "threefry2x32"

    def __post_init__(self) -> None:
        for name in ("steps", "lanes", "log_every", "checkpoint_every"):
            _require(getattr(self, name) > 0, f"training.{name} must be positive", self)


@dataclass(frozen=True)
class ParallelConfig:
    """How the step is spread over devices.

    Attributes:
        mode: `jit` on a mesh (any number of hosts) or `pmap` (one host).
        devices: Devices to use; 0 means all.
        distributed: `auto` joins other hosts through `jax.distributed.initialize`.
    """

    mode: Literal["jit", "pmap"] = "jit"
    devices: int = 0
    distributed: Literal["off", "auto"] = "off"

    def __post_init__(self) -> None:
        _require(
            not (self.mode == "pmap" and self.distributed == "auto"),
            "parallel.mode=pmap works on one host only; use parallel.mode=jit across hosts",
            self,
        )


@dataclass(frozen=True)
class FilmConfig:
    """What generated motion is smoothed, drawn and encoded with.

    Attributes:
        smooth: Savitzky-Golay filter (window 9 at 30 fps, order 2) on generated motion.
        width: Pixels.
        height: Pixels.
        suffix: Container of the film.
    """

    smooth: bool = True
    width: int = 640
    height: int = 480
    suffix: Literal[".mov", ".mp4"] = ".mov"


@dataclass(frozen=True)
class Config:
    """Everything; each section has a class of its own."""

    data: DataConfig = field(default_factory=DataConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    text: TextConfig = field(default_factory=TextConfig)
    words: WordsConfig = field(default_factory=WordsConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    film: FilmConfig = field(default_factory=FilmConfig)

    def __post_init__(self) -> None:
        if self.optimizer.warmup_steps > self.training.steps:
            raise UserError(
                f"optimizer.warmup_steps={self.optimizer.warmup_steps} exceeds "
                f"training.steps={self.training.steps}; shorten the warm-up"
            )


def _require(condition: bool, message: str, section: Any) -> None:
    if not condition:
        values = ", ".join(f"{k}={v}" for k, v in dataclasses.asdict(section).items())
        raise UserError(f"{message} (got {values})")
