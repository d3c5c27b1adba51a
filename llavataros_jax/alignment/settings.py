"""How an alignment model looks, and how it is trained."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from llavataros_jax.alignment.body import FRAMES_PER_SECOND
from llavataros_jax.errors import UserError

# Windows begin so far apart; similarities of so many in a row, which span 4 s, are averaged; and
# speech that begins less than 2 s from its own place is nobody's rival.
STRIDE_FRAMES = FRAMES_PER_SECOND // 2
SPAN_WINDOWS = 3
APART_FRAMES = 2 * FRAMES_PER_SECOND


@dataclass(frozen=True)
class Settings:
    """The numbers that a model is made by.

    Attributes:
        seed: Of the split, the first weights and the batches.
        members: Pairs of encoders, each from first weights and batches of its own, whose
            similarities are averaged: of little data, one alone is a matter of luck.
        steps: Steps of training of each.
        batch_windows: Windows of a step, all of one speaker.
        learning_rate: AdamW's at its highest; it warms up and falls to 0 by a cosine.
        weight_decay: AdamW's.
        hold_out: Share of each speaker's clips that is not trained on.
        window_frames: Frames of a window, 20 a second.
        width: Channels within the encoders.
        layers: Convolutions before the last one.
        channels: Channels that the encoders agree in, at every second frame.
        dropout: Share of the channels within the encoders that a step goes without.

    Raises:
        UserError: When a number is out of range.
    """

    seed: int = 0
    members: int = 5
    steps: int = 500
    batch_windows: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    hold_out: float = 0.25
    window_frames: int = 3 * FRAMES_PER_SECOND
    width: int = 16
    layers: int = 2
    channels: int = 8
    dropout: float = 0.2

    def __post_init__(self) -> None:
        least = {
            "seed": 0,
            "members": 1,
            "steps": 1,
            "batch_windows": 2,
            "width": 1,
            "layers": 0,
            "channels": 1,
        }
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UserError(f"{name} must be {bound} or more, not {getattr(self, name)}")
        if self.seed >= 2**32:
            raise UserError(f"seed must be below 2^32, not {self.seed}")
        if not 0 < self.learning_rate < 1:
            raise UserError(f"learning_rate must lie between 0 and 1, not {self.learning_rate}")
        if not 0 < self.hold_out < 1:
            raise UserError(
                f"the share that is held out must lie between 0 and 1, not {self.hold_out}; "
                "without it nobody knows what the model's verdicts are worth"
            )
        if not 0 <= self.dropout < 1:
            raise UserError(f"dropout must be a share below 1, not {self.dropout}")
        if self.window_frames < 4 or self.window_frames % 2:
            raise UserError(f"window_frames must be even and 4 or more, not {self.window_frames}")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain numbers by name."""
        return dataclasses.asdict(self)
