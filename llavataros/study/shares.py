"""Shares of answers: their intervals, and tests against chance."""

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest, norm

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
