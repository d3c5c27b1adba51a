"""Measures added up over a split, clip by clip, and their values with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.columns import Column
from llavataros_jax.evaluation.measure import Measure, Sums
from llavataros_jax.evaluation.take import Performance

# So many groups of clips are drawn from; of more clips, every 40th shares a group.
GROUPS = 40
_BYTES_AT_ONCE = 1 << 26
LOW, HIGH = 2.5, 97.5


@dataclass(frozen=True, eq=False)
class Cell:
    """A value with its interval of 95 %, by bootstrap over clips.

    Attributes:
        value: Over all clips; NaN where there is nothing to measure.
        low: Lower end; NaN with fewer than 2 groups of clips.
        high: Upper end.
        draws: The bootstrap's values. The same draws of clips serve all columns and measures of
            as many resamples, so differences of draws are paired.
    """

    value: float
    low: float
    high: float
    draws: Float[np.ndarray, " R"]


class Tally:
    """Sums of measures by column and group of clips."""

    def __init__(self, measures: Sequence[Measure], columns: Sequence[Column]) -> None:
        """Begins with nothing."""
        self.measures, self.columns = tuple(measures), tuple(columns)
        self.clips = 0
        self.seconds = 0.0
        self._sums: dict[tuple[str, str], dict[int, Sums]] = {}

    def add(self, performance: Performance) -> dict[str, dict[str, float]]:
        """Adds a clip, whose motions are `matched`.

        Returns:
            The clip's own values, by measure and column.
        """
        group = self.clips % GROUPS
        self.clips += 1
        self.seconds += performance.real.seconds
        values: dict[str, dict[str, float]] = {}
        for column in self.columns:
            takes = column.takes(performance)
            for measure in self.measures:
                if not takes or not column.suits(measure):
                    continue
                found = [sums for take in takes if (sums := measure.gather(take)) is not None]
                if not found:
                    continue
                total = np.sum(found, axis=0)
                groups = self._sums.setdefault((measure.key, column.key), {})
                groups[group] = groups[group] + total if group in groups else total
                values.setdefault(measure.key, {})[column.key] = measure.finish(total)
        return values

    def cells(self, *, seed: int = 0, resamples: int | None = None) -> dict[str, dict[str, Cell]]:
        """Returns the values by measure and column; measures and columns without any are left out.

        Args:
            seed: Of the bootstrap.
            resamples: Draws of each, when not the measure's own number.
        """
        table: dict[str, dict[str, Cell]] = {}
        for measure in self.measures:
            for column in self.columns:
                groups = self._sums.get((measure.key, column.key))
                if groups:
                    count = measure.resamples if resamples is None else resamples
                    cell = self._cell(measure, groups, count, seed)
                    table.setdefault(measure.key, {})[column.key] = cell
        return table

    def _cell(self, measure: Measure, groups: dict[int, Sums], count: int, seed: int) -> Cell:
        sums = np.stack(list(groups.values()))
        value = measure.finish(sums.sum(axis=0))
        if len(groups) < 2 or not count or not math.isfinite(value):
            return Cell(value, math.nan, math.nan, np.zeros(0))
        # Draws are of all groups, so that a column that lacks some is drawn with the others.
        size = min(self.clips, GROUPS)
        drawn = np.random.default_rng(seed).multinomial(size, [1 / size] * size, count)
        weights = drawn[:, list(groups)].astype(np.float64)
        at_once = max(1, _BYTES_AT_ONCE // sums[0].nbytes)
        draws = [
            measure.finish(row)
            for first in range(0, count, at_once)
            for row in weights[first : first + at_once] @ sums
        ]
        draws = np.array(draws)
        finite = draws[np.isfinite(draws)]
        low, high = np.percentile(finite, [LOW, HIGH]) if len(finite) else (math.nan, math.nan)
        return Cell(value, float(low), float(high), draws)
