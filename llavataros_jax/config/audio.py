"""Audio features."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require

LEAST_SAMPLE_RATE = 1000  # hertz; pitch is looked for up to half of it


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
        require(self.mels > 0, "audio.mels must be positive", self)
        require(
            self.sample_rate >= LEAST_SAMPLE_RATE,
            f"audio.sample_rate must be at least {LEAST_SAMPLE_RATE}, for the pitch of voices",
            self,
        )
        require(
            (self.kind == "pase") == bool(self.pase),
            "audio.kind=pase and audio.pase, the path of its checkpoint, belong together; set both "
            "or neither",
            self,
        )
        require(
            self.kind != "pase" or self.sample_rate == 16000,
            "audio.kind=pase needs audio.sample_rate=16000",
            self,
        )
