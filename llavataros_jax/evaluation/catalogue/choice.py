"""All measures that need nothing but motion and speech, in the order in which they are read."""

from llavataros_jax.evaluation.catalogue.distribution import DISTRIBUTION
from llavataros_jax.evaluation.catalogue.histograms import HISTOGRAMS
from llavataros_jax.evaluation.catalogue.likeness import LIKENESS
from llavataros_jax.evaluation.catalogue.movement import MOVEMENT
from llavataros_jax.evaluation.catalogue.timing import TIMING
from llavataros_jax.evaluation.catalogue.variety import VARIETY
from llavataros_jax.evaluation.measure import Measure

MEASURES: tuple[Measure, ...] = (
    *MOVEMENT,
    *TIMING,
    *DISTRIBUTION,
    *HISTOGRAMS,
    *LIKENESS,
    *VARIETY,
)
