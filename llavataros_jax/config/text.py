"""Word vectors."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require

# Of the 256 numbers of each piece the first 64 and 128 are trained to serve alone.
WORDLLAMA_SIZES = (64, 128, 256)


@dataclass(frozen=True)
class TextConfig:
    """Word vectors: of LLaMA's embeddings, of hashed words, or states of a language model.

    The first two need no download. Those of the package `wordllama` are near each other for
    synonyms, in Latin script; hashed words know spelling alone, in any script. A language model
    gives each word the state of its last sub-token. `size` has to be stated for it too, so that
    whoever reads the config knows it without the model; preparation checks it.

    Attributes:
        kind: `wordllama`, `hashed`, or `language_model` for any causal or masked one of
            `transformers`.
        size: Length of a word's vector: 64, 128 or 256 for `wordllama`, any for `hashed`, 4096 for
            LLaMA 2 7B.
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

    kind: Literal["wordllama", "hashed", "language_model"] = "wordllama"
    size: int = 256
    ngram_min: int = 3
    ngram_max: int = 5
    model: str | None = None
    layer: int | None = None
    context: Literal["utterance", "conversation"] = "utterance"
    context_tokens: int = 0
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    batch: int = 8

    def __post_init__(self) -> None:
        require(self.size > 0, "text.size must be positive", self)
        require(
            self.kind != "wordllama" or self.size in WORDLLAMA_SIZES,
            "text.size must be 64, 128 or 256 with text.kind=wordllama; any with text.kind=hashed",
            self,
        )
        require(self.ngram_min > 0, "text.ngram_min must be positive", self)
        require(
            self.ngram_min <= self.ngram_max,
            "text.ngram_max must be at least text.ngram_min",
            self,
        )
        require(self.layer is None or self.layer >= 0, "text.layer must not be negative", self)
        require(self.batch > 0, "text.batch must be positive", self)
        require(
            (self.kind == "language_model") == bool(self.model),
            "text.kind=language_model and text.model belong together; set both or neither",
            self,
        )
        require(
            self.context_tokens == 0 or self.context_tokens >= 16,
            "text.context_tokens must be 0 or at least 16",
            self,
        )
