"""What an ablation is asked, and the answers with their intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from llavataros.ablation.bootstrap import combined
from llavataros.ablation.built_in import CONTRAST, GESTURES, HABITS, SIZES
from llavataros.ablation.variants import VARIANTS
from llavataros_jax.evaluation.catalogue.likeness import HAND_SPEED_CORRELATION, POSITION_ERROR
from llavataros_jax.evaluation.tally import Cell

Verdict = Literal[
    "shown",
    "seems so",
    "not shown",
    "the opposite is shown",
    "the opposite seems so",
    "cannot be said",
]
# With fewer the intervals are too narrow: of simulated tables whose networks differ as much as
# clips do, 95 % covered the truth in 79 % with 2 seeds, in 91 % with 4 and in 95 % with 8.
ENOUGH_SEEDS = 4
# Cells by measure and variant.
Table = Mapping[str, Mapping[str, Cell]]

WORDS = tuple(name for name, variant in VARIANTS.items() if variant.words)
SOUND = tuple(name for name, variant in VARIANTS.items() if variant.sound)
BOTH = tuple(name for name in WORDS if name in SOUND)


@dataclass(frozen=True)
class Claim:
    """A difference that should be above 0.

    Attributes:
        text: What is claimed, `{better}` and `{worse}` standing for the variants.
        measure: Its key.
        better: Variants whose mean should be larger.
        worse: Variants whose mean should be smaller; none to compare with a number.
        sign: -1 where less is better.
        against: The number, where there are no variants to compare with.
    """

    text: str
    measure: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    sign: int = 1
    against: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What became of a claim.

    Attributes:
        text: The claim, with the variants that were there.
        measure: Key of the measure.
        value: The difference, or the share itself where it is compared with a number.
        low: Lower end of its interval.
        high: Upper end.
        verdict: Whether the interval lies on one side of what was to be exceeded.
        is_difference: Whether the numbers are a difference, which is told with its sign.
    """

    text: str
    measure: str
    value: float
    low: float
    high: float
    verdict: Verdict
    is_difference: bool = True

    def line(self) -> str:
        """Returns the answer in a line."""
        form = "+.3g" if self.is_difference else ".3g"
        low, value, high = (f"{number:{form}}" for number in (self.low, self.value, self.high))
        interval = f" [{low}, {high}]" if math.isfinite(self.low) else ""
        return f"{self.text}: {value}{interval} · {self.verdict}"


def claims(speakers: int) -> tuple[Claim, ...]:
    """Returns what is built into the generated corpora, and what the paper claims.

    Args:
        speakers: Among how many a habit is told.
    """
    hearing = tuple(name for name in VARIANTS if name != "neither")
    chance = 1 / max(speakers, 1)
    correlation, error = HAND_SPEED_CORRELATION.key, POSITION_ERROR.key
    return (
        Claim("{better} over {worse} on words with a gesture", GESTURES, WORDS, ("audio",)),
        Claim("{better} over {worse} on words with a gesture", GESTURES, BOTH, ("neither",)),
        Claim("{better} over {worse} on the size of beats", SIZES, SOUND, ("text",)),
        Claim("{better} over {worse} on strokes at stresses", CONTRAST, BOTH, ("neither",)),
        Claim("{better} over {worse} on when hands move", correlation, BOTH, ("neither",)),
        Claim("{better} nearer than {worse}, metres", error, BOTH, ("neither",), sign=-1),
        Claim(
            "speakers keep their habits ({better}; by chance " + f"{chance:.2g})",
            *(HABITS, hearing, ()),
            against=chance,
        ),
    )


def answer(claim: Claim, table: Table, *, seeds: int) -> Answer | None:
    """Returns what the cells say to a claim, None where variants or the measure are not there.

    Args:
        claim: What is asked.
        table: Cells by measure and variant.
        seeds: How many networks of each variant they are of.
    """
    cells = table.get(claim.measure, {})
    better, worse = (
        [name for name in names if name in cells] for names in (claim.better, claim.worse)
    )
    if not better or (claim.worse and not worse):
        return None
    parts = [(claim.sign / len(better), cells[name]) for name in better]
    parts += [(-claim.sign / len(worse), cells[name]) for name in worse]
    cell = combined(parts)
    text = claim.text.format(better=", ".join(better), worse=", ".join(worse))
    found = _verdict(cell, claim.against, seeds)
    return Answer(text, claim.measure, cell.value, cell.low, cell.high, found, bool(worse))


def _verdict(cell: Cell, against: float, seeds: int) -> Verdict:
    if not (math.isfinite(cell.low) and math.isfinite(cell.high)):
        return "cannot be said"
    if cell.low > against:
        return "shown" if seeds >= ENOUGH_SEEDS else "seems so"
    if cell.high < against:
        return "the opposite is shown" if seeds >= ENOUGH_SEEDS else "the opposite seems so"
    return "not shown"
