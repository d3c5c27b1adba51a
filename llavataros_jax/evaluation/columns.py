"""The columns of a table: a system, the recorded motion, and anchors that know less."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.evaluation.take import Performance, Take

Kind = Literal["system", "real", "motion", "speech", "halves"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: Name in files.
        title: As it is printed.
        says: What the column shows, in one sentence.
        kind: `system`; `real`, the recorded motion; `motion`, an anchor that moves otherwise, with
            the right speech; `speech`, the same motion with speech of another time or clip;
            `halves`, the recorded motion's first half beside its second.
        takes: What is measured of a clip; several are pooled; none where the clip has nothing.
    """

    key: str
    title: str
    says: str
    kind: Kind
    takes: Callable[[Performance], Sequence[Take]]

    def suits(self, measure: Measure) -> bool:
        """Says whether a measure makes sense in this column."""
        if self.kind == "speech":
            return measure.hears and not measure.several
        if self.kind == "halves":
            return measure.distribution
        if self.kind == "real":
            return not (measure.compares or measure.distribution or measure.several)
        return self.kind == "system" or not measure.several


def take_of(performance: Performance, **changes) -> Take:
    """Returns the system's first sample of a clip as a take, or one with other parts."""
    parts = {
        "clip": performance.clip,
        "speaker": performance.speaker,
        "motion": performance.predicted[0] if performance.predicted else performance.real,
        "real": performance.real,
        "spoken": performance.spoken,
        "foils": performance.foils,
    }
    return Take(**{**parts, **changes})
