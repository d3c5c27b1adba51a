"""Shares of answers: their intervals, and tests against chance."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest, bootstrap, norm

CONFIDENCE = 0.95


def wilson(count: float, total: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Returns Wilson's score interval of a share, which may count half answers.

    SciPy's `binomtest(…).proportion_ci(method="wilson")` is the same where `count` is whole; it
    refuses halves, which ties make.

    Args:
        count: Answers in favour, from 0 to `total`.
        total: All answers; without any, the interval is 0 to 1.
        confidence: Share of intervals that hold the truth.
    """
    if not total:
        return 0.0, 1.0
    squared = float(norm.ppf((1 + confidence) / 2)) ** 2
    share = count / total
    centre = (share + squared / (2 * total)) / (1 + squared / total)
    half = np.sqrt(squared * (share * (1 - share) + squared / (4 * total)) / total)
    half = float(half) / (1 + squared / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def over_people(
    answers: Sequence[Sequence[float]], *, resamples: int, seed: int
) -> tuple[float, float]:
    """Returns the percentile interval of a share when whole participants are drawn again.

    Args:
        answers: Of each participant: 1 in favour, 0 against, a half for a tie.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Lower and upper end; NaN for fewer than two participants or no resamples.
    """
    if len(answers) < 2 or not resamples:
        return float("nan"), float("nan")
    found = bootstrap(
        ([sum(one) for one in answers], [len(one) for one in answers]),
        lambda count, total, axis: count.sum(axis) / total.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return float(low), float(high)


def sign_test(wins: int, losses: int) -> float:
    """Returns the two-sided exact binomial p of wins against losses, ties left out.

    1 where nothing was decided.
    """
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Corrects p values for their number, step down.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
