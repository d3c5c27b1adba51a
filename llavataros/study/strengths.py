"""Bradley–Terry strengths of systems from wins in pairs, with intervals by bootstrap.

The chance that i is preferred to j is 1 / (1 + 10^((s_j - s_i) / 400)), on the scale of Elo. A tie
counts as half a win of each. A system that won every comparison has no finite strength, neither in
the data nor in many resamples; therefore every pair that was compared gets `prior_ties` ties more,
in both alike, which moves strengths a little to the middle and hardly where answers are many.

Source: R. A. Bradley and M. E. Terry, "Rank analysis of incomplete block designs" (1952); its
maximum of likelihood is that of a logistic regression, found here by SciPy.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from llavataros_jax.errors import UserError

MEAN_STRENGTH = 1000.0
POINTS = 400 / np.log(10)  # of Elo for one unit of a logit


def strengths(wins: Float[np.ndarray, "S S"]) -> Float[np.ndarray, " S"]:
    """Fits strengths, with a mean of 1000, to how often the row's system beat the column's.

    Raises:
        UserError: They have no finite maximum of likelihood: some systems were not compared with
            others, not even through third ones, or won every comparison with them.
    """
    beats, _ = connected_components(wins > 0, directed=True, connection="strong")
    if beats > 1:
        raise UserError(
            "some systems won all comparisons with others, or were in none with them, so they "
            "have no finite strengths; give --prior-ties above 0, or collect more answers"
        )
    played = wins + wins.T

    def loss(logits: np.ndarray) -> tuple[float, np.ndarray]:
        difference = np.subtract.outer(*[np.append(0.0, logits)] * 2)
        value = (wins * np.logaddexp(0, -difference)).sum()
        return float(value), (played * expit(difference) - wins).sum(1)[1:]

    def curvature(logits: np.ndarray) -> np.ndarray:
        difference = np.subtract.outer(*[np.append(0.0, logits)] * 2)
        weight = played * expit(difference) * expit(-difference)
        return (np.diag(weight.sum(1)) - weight)[1:, 1:]

    start = np.zeros(len(wins) - 1)
    found = minimize(
        loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-9}
    )
    logits = np.append(0.0, found.x)
    return MEAN_STRENGTH + POINTS * (logits - logits.mean())


def with_prior(
    wins: Float[np.ndarray, "S S"], compared: Bool[np.ndarray, "S S"], prior_ties: float
) -> Float[np.ndarray, "S S"]:
    """Adds ties to every pair that was compared."""
    return wins + prior_ties / 2 * compared


def bootstrap(
    wins: Float[np.ndarray, "P C S S"],
    *,
    resamples: int,
    seed: int,
    prior_ties: float,
    over_participants: bool = True,
    over_clips: bool = False,
) -> Float[np.ndarray, "R S"]:
    """Fits strengths to resamples of whole participants, of whole clips, or of both crosswise.

    Args:
        wins: Wins of the row's over the column's system, by participant and clip.
        resamples: How many.
        seed: Of the random numbers.
        prior_ties: Ties that every compared pair gets more; above 0.
        over_participants: Draw participants with replacement.
        over_clips: Draw clips with replacement.
    """
    people, clips = wins.shape[:2]
    random = np.random.default_rng(seed)
    compared = _compared(wins)
    fitted = np.empty((resamples, wins.shape[-1]))
    for row in fitted:
        of_people, of_clips = np.ones(people), np.ones(clips)
        if over_participants:
            of_people = random.multinomial(people, np.full(people, 1 / people))
        if over_clips:
            of_clips = random.multinomial(clips, np.full(clips, 1 / clips))
        drawn = np.einsum("p,c,pcij->ij", of_people, of_clips, wins)
        row[:] = strengths(with_prior(drawn, compared, prior_ties))
    return fitted


def fit(wins: Float[np.ndarray, "P C S S"], *, prior_ties: float) -> Float[np.ndarray, " S"]:
    """Fits strengths to all answers.

    Raises:
        UserError: As `strengths` does.
    """
    return strengths(with_prior(wins.sum((0, 1)), _compared(wins), prior_ties))


def _compared(wins: Float[np.ndarray, "P C S S"]) -> Bool[np.ndarray, "S S"]:
    total = wins.sum((0, 1))
    return total + total.T > 0
