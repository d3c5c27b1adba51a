"""Means over trained networks, with intervals that know of both chances: networks and clips."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from llavataros_jax.evaluation.measure import Sums
from llavataros_jax.evaluation.tally import HIGH, LOW, Cell

# An interval of draws many of which have no value would be that of the lucky ones.
_LEAST_FINITE = 0.9

# Sums of each clip that a network was measured on, by seed and clip.
BySeed = Mapping[int, Mapping[str, Sums]]


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each seed and each clip is drawn; one object serves all variants and measures.

    So whatever two variants have in common, a hard clip or a seed that held out little, is in both
    of their draws, and draws of a difference are differences of draws.

    Attributes:
        seeds: Seeds, in the order of the columns of `of_seed`.
        of_seed: Times that each seed is drawn.
        of_clip: For each seed, times that each of its clips is drawn. Seeds that held out the same
            clips share the draw, because a clip that is hard for one is hard for the others.
    """

    seeds: tuple[int, ...]
    of_seed: Int[np.ndarray, "R S"]
    of_clip: Mapping[int, Mapping[str, Int[np.ndarray, " R"]]]


def draw(held_out: Mapping[int, Sequence[str]], *, count: int = 1000, seed: int = 0) -> Draws:
    """Draws seeds, and clips among those that a seed held out, with replacement.

    This is the hierarchical bootstrap (Davison and Hinkley 1997, 3.8) where each seed held out
    clips of its own, and the one of crossed factors (Owen 2007, "The pigeonhole bootstrap",
    Annals of Applied Statistics 1) where all held out the same.

    Args:
        held_out: Names of the clips that each seed held out.
        count: Draws.
        seed: Of the draws.
    """
    chance = np.random.default_rng(seed)
    seeds = tuple(sorted(held_out))
    of_seed = _multinomial(chance, len(seeds), count)
    parts: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
    for number in seeds:
        clips = tuple(sorted(held_out[number]))
        if clips not in parts:
            drawn = _multinomial(chance, len(clips), count)
            parts[clips] = dict(zip(clips, drawn.T, strict=True))
    return Draws(seeds, of_seed, {s: parts[tuple(sorted(held_out[s]))] for s in seeds})


def mean_cell(
    sums: BySeed, finish: Callable[[Sums], float], draws: Draws, *, resamples: int | None = None
) -> Cell:
    """Averages a measure's values over seeds, with an interval of 95 % by percentiles.

    Args:
        sums: What the measure gathered; seeds and clips without anything to measure are absent.
        finish: Gives the value of a seed from its sums, added over clips.
        draws: Of seeds and clips.
        resamples: How many of the draws count, for a slow `finish`; all when not given.

    Returns:
        The mean; its ends are NaN where one seed and one clip is all there is.
    """
    count = len(draws.of_seed) if resamples is None else min(resamples, len(draws.of_seed))
    own = [finish(np.sum(list(clips.values()), axis=0)) for clips in sums.values() if clips]
    finite = [value for value in own if math.isfinite(value)]
    value = float(np.mean(finite)) if finite else math.nan
    units = sum(len(clips) for clips in sums.values())
    if units < 2 or not math.isfinite(value):
        return Cell(value, math.nan, math.nan, np.zeros(0))
    values = np.full((count, len(draws.seeds)), np.nan)
    for column, number in enumerate(draws.seeds):
        if clips := sums.get(number):
            values[:, column] = _finished(clips, finish, draws, number, count)
    weights = np.where(np.isfinite(values), draws.of_seed[:count], 0)
    total = weights.sum(axis=1)
    drawn = np.where(np.isfinite(values), values, 0.0)
    means = np.full(count, np.nan)
    np.divide((weights * drawn).sum(axis=1), total, out=means, where=total > 0)
    return _cell(value, means)


def combined(parts: Sequence[tuple[float, Cell]]) -> Cell:
    """Returns a weighted sum of cells, such as a difference, paired draw by draw."""
    value = sum(weight * cell.value for weight, cell in parts)
    count = min(len(cell.draws) for _, cell in parts)
    draws = np.sum([weight * cell.draws[:count] for weight, cell in parts], axis=0)
    return _cell(float(value), draws)


def _finished(
    clips: Mapping[str, Sums],
    finish: Callable[[Sums], float],
    draws: Draws,
    number: int,
    count: int,
) -> Float[np.ndarray, " R"]:
    """Returns a seed's value for each draw of its clips; NaN where none with a value was drawn."""
    known = draws.of_clip[number]
    stacked = np.stack([clips[clip] for clip in clips])
    weights = np.stack([known[clip][:count] for clip in clips], axis=1)
    # Draws of few clips repeat, and finishing may be slow.
    distinct, which = np.unique(weights, axis=0, return_inverse=True)
    values = [finish(row @ stacked) if row.any() else math.nan for row in distinct]
    return np.array(values)[which.ravel()]


def _cell(value: float, draws: Float[np.ndarray, " R"]) -> Cell:
    finite = draws[np.isfinite(draws)]
    if not len(finite) or len(finite) < _LEAST_FINITE * len(draws) or not math.isfinite(value):
        return Cell(value, math.nan, math.nan, draws)
    low, high = np.percentile(finite, [LOW, HIGH])
    return Cell(value, float(low), float(high), draws)


def _multinomial(chance: np.random.Generator, size: int, count: int) -> Int[np.ndarray, "R n"]:
    return chance.multinomial(size, [1 / size] * size, count) if size else np.zeros((count, 0), int)
