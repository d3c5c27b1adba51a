"""The network."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


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
            require(getattr(self, name) > 0, f"model.{name} must be positive", self)
        require(0 <= self.dropout < 1, "model.dropout must be in [0, 1)", self)
        require(self.self_blocks + self.cross_blocks > 0, "model needs at least one block", self)
        require(
            self.span <= self.memory_frames + 1,
            f"model.span_frames={self.span_frames} exceeds memory_frames + 1 = "
            f"{self.memory_frames + 1}, so the first frames of a segment would see fewer keys "
            "than the last; raise memory_frames",
            self,
        )
        require(
            self.attention_kernel == "xla" or self.compute_dtype == "bfloat16",
            "model.attention_kernel=cudnn needs model.compute_dtype=bfloat16",
            self,
        )
        require(self.d_model % 2 == 0, "model.d_model must be even (sines and cosines)", self)

    @property
    def span(self) -> int:
        """Keys that a query sees, itself included."""
        return self.span_frames or self.memory_frames
