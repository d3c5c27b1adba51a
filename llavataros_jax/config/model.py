"""The network."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require

_LEAST = {"self_blocks": 0, "cross_blocks": -1, "span_frames": 0, "lookahead_frames": 0}
_PALLAS_HEADS = (16, 32, 64, 128)


@dataclass(frozen=True)
class ModelConfig:
    """The cross-attentive Transformer-XL; the defaults are its published size.

    Attributes:
        variant: Front end: `text`, `audio`, `plus` (concatenated) or `cross` (audio queries text).
        head: What makes poses of the trunk's features: `regression` as published answers with the
            mean of what fits, `flow` draws one of them (section `flow`).
        d_model: Width of the residual stream.
        heads: Attention heads.
        d_head: Width of one head.
        d_inner: Width of the feed-forward layer.
        self_blocks: Blocks over the main speaker.
        cross_blocks: Blocks that attend to the interlocutor; -1 means chosen from the data, before
            the network is built.
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
        word_bit: Add an input that is 1 while a word is active and 0 otherwise.
        lookahead_frames: Frames of later speech that a pose may see: it is predicted from the sound
            and the word of this many frames later. People lift their hands before the word that the
            stroke falls on; without look-ahead nothing can know it yet. The published model has
            none. Live, poses come so much later than the sound. Records stay the same.
        compute_dtype: Type in which matrix products take their inputs. `float32` is full
            precision on every device, `tf32` is JAX's `tensorfloat32`: faster products of about 10
            bits on GPUs, three bfloat16 passes on TPUs, full precision on CPUs.
        activation_dtype: Type of what products of the blocks return and of what is remembered:
            `bfloat16`, which needs that of `compute_dtype` too, halves what a GPU reads and writes
            between products. Sums of the residual stream, norms, softmax, loss and poses stay
            float32.
        attention_kernel: `xla` is plain products, `cudnn` and `pallas` keep scores on the chip.
            `cudnn` needs bfloat16, a GPU, even lengths and heads of a multiple of 8. `pallas` needs
            a GPU and heads of 16, 32, 64 or 128; on a CPU it is interpreted, which is for tests.
        remat: What training computes again in the backward pass instead of keeping it, where memory
            is short: `none`; `products` keeps products of streams with kernels, and makes attention
            scores, norms and dropout again; `blocks` keeps what goes into each block alone, and
            takes a third more time.
    """

    variant: Literal["text", "audio", "plus", "cross"] = "plus"
    head: Literal["regression", "flow"] = "regression"
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
    word_bit: bool = False
    lookahead_frames: int = 0
    compute_dtype: Literal["float32", "tf32", "bfloat16"] = "float32"
    activation_dtype: Literal["float32", "bfloat16"] = "float32"
    attention_kernel: Literal["xla", "cudnn", "pallas"] = "xla"
    remat: Literal["none", "products", "blocks"] = "none"

    def __post_init__(self) -> None:
        sizes = (
            *("d_model", "heads", "d_head", "d_inner", "d_speaker"),
            *("segment_frames", "memory_frames"),
        )
        for name in sizes:
            self._require(getattr(self, name) > 0, name, "must be positive")
        for name, least in _LEAST.items():
            self._require(getattr(self, name) >= least, name, f"must be {least} or more")
        self._require(0 <= self.dropout < 1, "dropout", "must be in [0, 1)")
        require(
            self.self_blocks > 0 or self.cross_blocks != 0,
            "model.self_blocks and model.cross_blocks are both 0, but a network needs a block; "
            "raise one of them",
            self,
        )
        require(
            self.span <= self.memory_frames + 1,
            f"model.span_frames={self.span_frames} exceeds memory_frames + 1 = "
            f"{self.memory_frames + 1}, so the first frames of a segment would see fewer keys "
            "than the last; raise memory_frames",
            self,
        )
        self._require(self.d_model % 2 == 0, "d_model", "must be even (sines and cosines)")
        require(
            self.activation_dtype == "float32" or self.compute_dtype == "bfloat16",
            "model.activation_dtype=bfloat16 needs model.compute_dtype=bfloat16, not "
            f"{self.compute_dtype}",
            self,
        )
        if self.attention_kernel == "cudnn":
            self._check_cudnn()
        require(
            self.attention_kernel != "pallas" or self.d_head in _PALLAS_HEADS,
            f"model.attention_kernel=pallas needs a model.d_head of 16, 32, 64 or 128, not "
            f"{self.d_head}; change it or take model.attention_kernel=xla",
            self,
        )

    @property
    def span(self) -> int:
        """Keys that a query sees, itself included."""
        return self.span_frames or self.memory_frames

    def _check_cudnn(self) -> None:
        """Refuses sizes that the kernel refuses when it is first called."""
        needs = "model.attention_kernel=cudnn needs"
        require(
            self.compute_dtype == "bfloat16",
            f"{needs} model.compute_dtype=bfloat16, not {self.compute_dtype}",
            self,
        )
        frames, keys = self.segment_frames, self.memory_frames + self.segment_frames
        require(
            frames % 2 == 0 and keys % 2 == 0,
            f"{needs} even lengths, but model.segment_frames is {frames} and, with "
            f"model.memory_frames, {keys}; change them by one or take model.attention_kernel=xla",
            self,
        )
        require(
            self.d_head % 8 == 0 and self.d_head <= 128,
            f"{needs} a model.d_head of 8, 16 and so on up to 128, not {self.d_head}",
            self,
        )

    def _require(self, fits: bool, name: str, rule: str) -> None:
        require(fits, f"model.{name} is {getattr(self, name)}, but {rule}", self)
