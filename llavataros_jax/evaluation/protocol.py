"""What a protocol is: a name under which numbers may be compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llavataros_jax.evaluation.columns import Column
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.take import Performance


@dataclass(frozen=True)
class Protocol:
    """How motion is measured, exactly.

    Attributes:
        name: Of the protocol.
        version: Raised when the same motion gets other numbers.
        says: What it is for and what it follows, in one sentence.
        fps: Rate at which motion is measured; None for that of the recorded motion.
        joints: Which joints count, in words.
        measures: Rows of the table.
        columns: Columns of the table.
        prepare: Brings each motion of a performance to the protocol's joints and rate, whatever
            they were; that they agree is checked afterwards (`take.matched`).
        samples: Motions of a system for each clip.
        settings: Switches and files that change numbers, printed with the table.
        lacks: What of the published protocol cannot be had here, and what is left out for it.
    """

    name: str
    version: int
    says: str
    fps: float | None
    joints: str
    measures: tuple[Measure, ...]
    columns: tuple[Column, ...]
    prepare: Callable[[Performance], Performance]
    samples: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProtocolOptions:
    """What of a protocol is a user's to say.

    Attributes:
        embedding: Autoencoder for FGD: a file of `evaluate fit-embedding`, or a GENEA checkpoint.
        alignment: Dual encoder of `evaluate fit-alignment`.
        quirks: Reproduce what the reference code does by mistake, so that numbers can be compared
            with published ones.
        mean_speeds: Mean speed of each joint by which BEAT2's protocols divide, `.npy`.
        segments: Which pieces of which clips the leaderboard measures, its `.csv`.
        semantics: Folder of BEAT2's semantic scores, by which SRGR weighs frames.
    """

    embedding: Path | None = None
    alignment: Path | None = None
    quirks: bool = True
    mean_speeds: Path | None = None
    segments: Path | None = None
    semantics: Path | None = None
