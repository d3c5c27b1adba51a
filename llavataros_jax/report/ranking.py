"""Which clips are shown: the best, the median and the worst by one measure."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from llavataros_jax.evaluation.columns import Kind
from llavataros_jax.evaluation.measure import Measure, Towards
from llavataros_jax.evaluation.result import Result


@dataclass(frozen=True)
class Ranked:
    """A clip and its place among all.

    Attributes:
        number: Of the clip in the source.
        clip: Its name.
        place: `best`, `median` or `worst`; `only` where there is one clip, `first` where no
            measure tells them apart.
        value: The system's, by which it was placed; NaN without a measure.
    """

    number: int
    clip: str
    place: str
    value: float


@dataclass(frozen=True)
class Ranking:
    """The clips that are shown.

    Attributes:
        measure: By which; None where no measure has values of single clips.
        clips: Best, median and worst; fewer where there are fewer.
    """

    measure: Measure | None
    clips: tuple[Ranked, ...]

    @property
    def median(self) -> Ranked:
        """The clip in the middle, or the only one."""
        return self.clips[len(self.clips) // 2 if len(self.clips) != 2 else 0]


# How far a value lies from where good values lie.
_BADNESS: dict[Towards, Callable[[float, float], float]] = {
    "low": lambda value, real: value,
    "zero": lambda value, real: abs(value),
    "high": lambda value, real: -value,
    "one": lambda value, real: abs(value - 1),
    "real": lambda value, real: abs(value - real),
}


def rank(result: Result) -> Ranking:
    """Ranks clips by the first measure that compares frame by frame and knows which way is good.

    Without one, by the first whose system's value can be held against the recorded motion's.
    """
    measures = result.protocol.measures
    first = [m for m in measures if m.compares and not m.distribution and m.towards != "real"]
    for measure in (*first, *(m for m in measures if m.towards == "real")):
        badness = _badness(result, measure)
        if badness:
            return Ranking(measure, _placed(result, measure, badness))
    names = list(result.by_clip)
    place = "first" if len(names) > 1 else "only"
    return Ranking(None, tuple(Ranked(0, name, place, math.nan) for name in names[:1]))


def column_key(result: Result, kind: Kind) -> str:
    """Returns the key of the first column of a kind, or nothing."""
    return next((c.key for c in result.protocol.columns if c.kind == kind), "")


def _badness(result: Result, measure: Measure) -> dict[int, float]:
    if measure.towards not in _BADNESS:
        return {}
    system, real = column_key(result, "system"), column_key(result, "real")
    found = {}
    for number, values in enumerate(result.by_clip.values()):
        columns = values.get(measure.key, {})
        value = columns.get(system, math.nan)
        badness = _BADNESS[measure.towards](value, columns.get(real, math.nan))
        if math.isfinite(badness):
            found[number] = badness
    return found


def _placed(result: Result, measure: Measure, badness: dict[int, float]) -> tuple[Ranked, ...]:
    order = sorted(badness, key=badness.__getitem__)
    places = {"best": 0, "median": (len(order) - 1) // 2, "worst": len(order) - 1}
    if len(order) == 1:
        places = {"only": 0}
    elif len(order) == 2:
        del places["median"]
    names, system = list(result.by_clip), column_key(result, "system")
    return tuple(
        Ranked(
            number := order[place],
            names[number],
            name,
            result.by_clip[names[number]][measure.key][system],
        )
        for name, place in places.items()
    )
