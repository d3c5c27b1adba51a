"""The outcome of an evaluation: one table of one protocol, with what is needed to repeat it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.tally import Cell

# Values of a clip by measure and column.
ClipValues = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Result:
    """A table and its context.

    Attributes:
        protocol: What was measured and how.
        system: Who was measured: a run and its checkpoint, or a folder.
        split: Of which clips.
        clips: Number of clips.
        seconds: Their length.
        joints: Names of the joints that were measured.
        fps: Rate at which they were.
        cells: Values by measure and column.
        by_clip: Values of every clip, by its name.
        settings: What repeats the evaluation: command, seed, versions, hashes.
        warnings: What makes the table doubtful.
    """

    protocol: Protocol
    system: str
    split: str
    clips: int
    seconds: float
    joints: tuple[str, ...]
    fps: float
    cells: Mapping[str, Mapping[str, Cell]]
    by_clip: Mapping[str, ClipValues]
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def heading(self) -> str:
        """Returns the line without which the table's numbers mean nothing."""
        protocol = self.protocol
        return (
            f"protocol {protocol.name} v{protocol.version}, {self.system}, split {self.split}: "
            f"{self.clips} clips, {self.seconds:.1f} s, {len(self.joints)} joints "
            f"({protocol.joints}) at {self.fps:g} frames per second"
        )

    def to_json(self) -> dict[str, Any]:
        """Returns everything as plain values; None stands for what could not be measured."""
        protocol = self.protocol
        measures = {measure.key: measure for measure in protocol.measures}
        return {
            "protocol": {
                "name": protocol.name,
                "version": protocol.version,
                "says": protocol.says,
                "joints": list(self.joints),
                "fps": self.fps,
                "samples": protocol.samples,
                "settings": dict(protocol.settings),
                "lacks": list(protocol.lacks),
            },
            "system": self.system,
            "split": self.split,
            "clips": self.clips,
            "seconds": self.seconds,
            "settings": dict(self.settings),
            "warnings": list(self.warnings),
            "table": {
                key: {
                    "title": measures[key].title,
                    "says": measures[key].says,
                    "source": measures[key].source,
                    "towards": measures[key].towards,
                    "columns": {
                        column: {
                            "value": _finite(cell.value),
                            "low": _finite(cell.low),
                            "high": _finite(cell.high),
                        }
                        for column, cell in columns.items()
                    },
                }
                for key, columns in self.cells.items()
            },
            "by_clip": {
                clip: {
                    key: {column: _finite(value) for column, value in columns.items()}
                    for key, columns in values.items()
                }
                for clip, values in self.by_clip.items()
            },
        }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
