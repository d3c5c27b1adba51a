"""The outcome of an evaluation: one table of one protocol, with what is needed to repeat it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from llavataros_jax.evaluation.anchor_columns import COLUMNS
from llavataros_jax.evaluation.measure import Measure
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
                "joints_in_words": protocol.joints,
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

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> "Result":
        """Rebuilds what can be printed again of what `to_json` returned; nothing can be measured.

        Raises:
            KeyError, TypeError: When it is something else.
        """
        told = tree["protocol"]
        protocol = Protocol(
            name=told["name"],
            version=told["version"],
            says=told["says"],
            fps=told["fps"],
            joints=told["joints_in_words"],
            measures=tuple(_measure(key, row) for key, row in tree["table"].items()),
            columns=COLUMNS,
            prepare=lambda performance: performance,
            samples=told["samples"],
            settings=told["settings"],
            lacks=tuple(told["lacks"]),
        )
        return cls(
            protocol=protocol,
            cells={
                key: {column: _cell(cell) for column, cell in row["columns"].items()}
                for key, row in tree["table"].items()
            },
            joints=tuple(told["joints"]),
            fps=told["fps"],
            warnings=tuple(tree["warnings"]),
            **{name: tree[name] for name in _PLAIN},
        )


_PLAIN = ("system", "split", "clips", "seconds", "by_clip", "settings")


def _measure(key: str, row: Mapping[str, Any]) -> Measure:
    """Returns a measure that says the same and makes sense in the same columns."""
    return Measure(
        key,
        row["title"],
        row["says"],
        row["source"],
        gather=lambda take: None,
        finish=lambda sums: math.nan,
        towards=row["towards"],
        compares="real" not in row["columns"],
        distribution="halves" in row["columns"],
    )


def _cell(told: Mapping[str, float | None]) -> Cell:
    value, low, high = (_number(told[name]) for name in ("value", "low", "high"))
    return Cell(value, low, high, np.zeros(0))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
